"""Names of files that callers give, and addresses in their place."""

from __future__ import annotations

import os
from pathlib import Path

from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import shown

__all__ = ["is_url", "path_of", "path_to_write"]


def path_of(path: str | os.PathLike[str]) -> Path:
    """Return the path that a name stands for.

    Raises:
        ConfigurationError: where it is no name.

    >>> path_of("churn.json").name
    'churn.json'
    """
    if isinstance(path, (str, os.PathLike)):
        name = os.fspath(path)
        if isinstance(name, str) and name and "\0" not in name:
            return Path(name)
    raise ConfigurationError(f"path is {shown(path)}: give the name of a file.")


def path_to_write(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file that is to be written.

    Raises:
        ConfigurationError: where it is no name, names a folder, or lies in one that is not there.
    """
    target = path_of(path)
    if target.is_dir():
        raise ConfigurationError(f"path is {str(target)!r}, a folder: give the name of a file.")
    if not target.parent.is_dir():
        raise ConfigurationError(
            f"path is {str(target)!r}: there is no folder {str(target.parent)!r}. Make it first."
        )
    return target


def is_url(source: object) -> bool:
    """Tell whether something is the address of a collector."""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))
