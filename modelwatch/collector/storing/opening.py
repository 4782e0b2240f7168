"""The file opened for writing; one that is absent is made."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from modelwatch.collector.storing import schema
from modelwatch.errors import StoreError

__all__ = ["make", "open_for_writing"]


def make(path: Path) -> None:
    """Make a store where there is none, and bring an older one to the current schema.

    Raises:
        StoreError: where it cannot be, as for `schema.prepare`.
    """
    open_for_writing(path).close()


CACHE_KIBIBYTES: Final = 16_384
"""Pages that the writer keeps at hand: the upper levels of a table of ten million predictions are
among them, and are not read again for each label."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Return a connection in autocommit mode to a store of the current schema.

    Raises:
        StoreError: where the file cannot be opened, as for `schema.prepare`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Autocommit mode: the writer sets its own transactions. Opened here, used in its thread.
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=10.0
        )
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the store {path} cannot be opened: {error}. Give a file in a folder that can be "
            "written to."
        ) from error
    try:
        schema.prepare(connection, path)
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
    except StoreError:
        connection.close()
        raise
    return connection
