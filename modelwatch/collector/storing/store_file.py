"""Whether the store's file is still the one that was opened.

A file that is removed or replaced stays open, and takes commits that nobody will ever read.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from modelwatch.errors import StoreError

__all__ = ["StoreFile", "remedy_of"]


def remedy_of(error: Exception) -> str:
    """Return what to do about an error of SQLite, to be put behind it; empty where it may pass."""
    if getattr(error, "sqlite_errorcode", None) not in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    ):
        return ""
    return (
        ": the file is damaged. See modelwatch store check; stop the collector and put a backup in "
        "its place, or what modelwatch store export still reads of it"
    )


class StoreFile:
    """A path, and the file that it named when this was made. Safe to share among threads.

    Args:
        path: names a file that is open: its number in the file system is not given to another.

    Raises:
        StoreError: there is no file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = self._found()

    def require_unchanged(self) -> None:
        """Do nothing where the path still names the same file. Costs a microsecond.

        Raises:
            StoreError: the file was removed or replaced.
        """
        if self._found() != self._identity:
            raise StoreError(
                f"the store {self._path} was replaced by another file while it was open: "
                "restart the collector."
            )

    def _found(self) -> tuple[int, int]:
        try:
            status = os.stat(self._path)
        except OSError as error:
            raise StoreError(
                f"the store {self._path} is gone ({error.strerror}): put it back, or restart the "
                "collector to begin a new one."
            ) from error
        return status.st_dev, status.st_ino
