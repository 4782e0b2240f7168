"""The SQLite schema, its version, and the refusal of files that are not ours.

Integers are signed 64 bit: times are Unix nanoseconds below 2**63, keys are hashes that are signed
already. Counts are arrays of the smallest unsigned integers that hold them (see `vectors`), laid
out as the series set says that the row names. Profiles, baselines and reports are zlib-compressed
JSON, each of which carries its own format version.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from modelwatch.collector.storing.schema_steps import STEPS
from modelwatch.collector.storing.store_file import remedy_of
from modelwatch.errors import StoreError

__all__ = ["PAGE_BYTES", "SCHEMA_VERSION", "prepare", "require_current"]

APPLICATION_ID = 0x6D77_6301
"""Stamped into the file's header, so that another program's database is never written to."""

PAGE_BYTES = 8_192
"""Of files that are made now: the counts of a usual export fill half of it. An older file keeps the
size that it was made with."""

CHECKPOINT_PAGES = 2_000
"""Pages in the log at which they are moved into the file."""

SCHEMA_VERSION = len(STEPS)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Bring an open database to the current schema, or refuse it.

    Args:
        connection: open for writing, in autocommit mode.
        path: named in messages.

    Raises:
        StoreError: the file is no database, another program's, or of a newer schema.
    """
    try:
        _refuse_foreign(connection, path)
        # Of an empty file alone; `modelwatch store vacuum` gives them to an older one.
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        # FULL: an acknowledged export survives a power cut too; group commit pays for the fsync.
        connection.execute("PRAGMA synchronous = FULL")
        steps = "".join(STEPS[_pragma(connection, "user_version") :])
        if steps:
            connection.executescript(
                f"BEGIN IMMEDIATE;{steps}PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"
            )
    except sqlite3.Error as error:
        usual = ". Give a file in a folder that can be written to, or a new name."
        raise StoreError(
            f"{path} cannot be opened as a store: {error}{remedy_of(error) or usual}"
        ) from error


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    found = _pragma(connection, "user_version")
    application = _pragma(connection, "application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and application != APPLICATION_ID:
        raise StoreError(
            f"{path} is a database of another program: give the store a file of its own."
        )
    if found > SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {found}, and this release reads up to {SCHEMA_VERSION}: "
            "upgrade modelwatch, or give another file."
        )


def require_current(connection: sqlite3.Connection, path: Path) -> None:
    """Do nothing where an open database is a store of the current schema.

    Raises:
        StoreError: where it is none, or of another schema version.
        sqlite3.Error: where it is no database.
    """
    _refuse_foreign(connection, path)
    found = _pragma(connection, "user_version")
    if found < SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {found}, and this release works on {SCHEMA_VERSION}: start "
            "a collector on it once, which brings it forward."
        )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
