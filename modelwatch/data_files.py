"""Data files in, frames out: with whichever of polars, pyarrow and pandas is installed."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modelwatch.errors import DataError

__all__ = ["SUFFIXES", "read_data_file"]

# Suffix -> library -> the function of it that reads such a file.
_READERS: Mapping[str, Mapping[str, str]] = {
    ".arrow": {
        "polars": "read_ipc",
        "pyarrow.feather": "read_table",
        "pandas": "read_feather",
    },
    ".csv": {
        "polars": "read_csv",
        "pyarrow.csv": "read_csv",
        "pandas": "read_csv",
    },
    ".parquet": {
        "polars": "read_parquet",
        "pyarrow.parquet": "read_table",
        "pandas": "read_parquet",
    },
}
_SAME_AS = {".feather": ".arrow", ".ipc": ".arrow", ".pq": ".parquet"}

SUFFIXES: tuple[str, ...] = tuple(sorted({*_READERS, *_SAME_AS}))
"""The file name suffixes that can be read."""


def read_data_file(path: Path) -> Any:
    """Read a whole file into a frame.

    Args:
        path: a CSV, Parquet or Arrow (Feather) file; its suffix tells which.

    Returns:
        A polars frame, a pyarrow table or a pandas frame, the first of them that is installed.

    Raises:
        DataError: where the suffix is unknown, no library that reads it is installed, or the file
            is absent or damaged.
    """
    suffix = _SAME_AS.get(path.suffix.lower(), path.suffix.lower())
    if suffix not in _READERS:
        raise DataError(
            f"cannot tell what {path} is by its suffix {path.suffix!r}: "
            f"name it {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}."
        )
    if not path.is_file():
        raise DataError(f"there is no file {path}.")
    read = _reader(suffix)
    failures: tuple[type[Exception], ...] = (OSError, ValueError, *_library_errors())
    try:
        return read(path)
    except failures as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"cannot read {path} as a file of kind {suffix}: {reason}") from error


def _reader(suffix: str) -> Callable[[Path], Any]:
    for module_name, function in _READERS[suffix].items():
        if importlib.util.find_spec(module_name.partition(".")[0]) is None:
            continue
        reader: Callable[[Path], Any] = getattr(importlib.import_module(module_name), function)
        return reader
    raise DataError(
        f"reading {suffix} files needs polars, pyarrow or pandas, and none of them is "
        "installed: pip install polars"
    )


def _library_errors() -> tuple[type[Exception], ...]:
    """Return the errors that are no ValueError: those of polars have a root of their own."""
    if importlib.util.find_spec("polars") is None:
        return ()
    from polars.exceptions import PolarsError

    return (PolarsError,)
