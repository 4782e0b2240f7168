"""The latest time that is known to have come, kept for the next process that opens the store."""

from __future__ import annotations

import sqlite3

from modelwatch.collector.storing.database import Database

__all__ = ["keep_time", "known_time"]


def known_time(database: Database) -> int | None:
    """Return the time that was kept last, Unix nanoseconds; None where none was.

    Raises:
        StoreError: the store cannot be read.
    """
    found = database.read("SELECT at_ns FROM probes")
    return int(found[0][0]) if found else None


def keep_time(connection: sqlite3.Connection, at_ns: int) -> None:
    """Keep a time that has come, in the current transaction."""
    connection.execute("INSERT OR REPLACE INTO probes (id, at_ns) VALUES (1, ?)", (at_ns,))
