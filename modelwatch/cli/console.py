"""What the commands print, and where: results on stdout, errors and remarks on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from modelwatch.errors import DataError

__all__ = [
    "drop_unwritable_output",
    "print_error",
    "print_remark",
    "print_renderable",
    "print_text",
    "writing",
]


def print_renderable(renderable: RenderableType) -> None:
    """Print a table or another rich object on stdout; texts in it are shown as they are."""
    Console(markup=False, emoji=False).print(renderable)


def print_text(text: str) -> None:
    """Print a text on stdout as it is: not wrapped, no markup read."""
    Console(soft_wrap=True, highlight=False, markup=False, emoji=False).print(text)


def print_remark(text: str) -> None:
    """Print a line on stderr that is for a person, not for a pipe."""
    Console(stderr=True, soft_wrap=True).print(Text(text, style="dim"))


def print_error(text: str) -> None:
    """Print what went wrong on stderr, in red."""
    Console(stderr=True, soft_wrap=True).print(Text(f"error: {text}", style="red"))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say which file it was where writing it fails.

    Raises:
        DataError: in place of what the operating system says, or a name that no file can have.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise DataError(f"cannot write {path}: {reason or error}.") from error


def drop_unwritable_output() -> None:
    """Let go of what stdout cannot take, as a full disk: Python would try again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
