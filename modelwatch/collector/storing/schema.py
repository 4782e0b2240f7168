"""The SQLite schema, its version, and the refusal of files that are not ours.

Integers are signed 64 bit: times are Unix nanoseconds below 2**63, dedupe keys are hashes that
are signed already. Profiles, baselines and reports are zlib-compressed JSON, each of which
carries its own format version.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from modelwatch.errors import StoreError

__all__ = ["SCHEMA_VERSION", "prepare"]

APPLICATION_ID = 0x6D77_6301
"""Stamped into the file's header, so that another program's database is never written to."""

_FIRST_SCHEMA = """
CREATE TABLE versions (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    first_seen_ns INTEGER,
    last_seen_ns INTEGER,
    row_count INTEGER NOT NULL DEFAULT 0,
    UNIQUE (model, version)
);
CREATE TABLE seen (
    key INTEGER PRIMARY KEY,
    expires_seconds INTEGER NOT NULL
);
CREATE INDEX seen_by_expiry ON seen (expires_seconds);
CREATE TABLE profiles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL REFERENCES versions,
    instance TEXT,
    segment TEXT,
    baseline_id TEXT,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX profiles_by_end ON profiles (version_id, end_ns);
CREATE TABLE baselines (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL REFERENCES versions,
    id TEXT NOT NULL,
    pushed_ns INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (version_id, id)
);
CREATE TABLE evaluations (
    version_id INTEGER NOT NULL REFERENCES versions,
    baseline_id TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    through_id INTEGER NOT NULL,
    evaluated_ns INTEGER NOT NULL,
    report BLOB NOT NULL,
    PRIMARY KEY (version_id, end_ns, start_ns, baseline_id)
) WITHOUT ROWID;
"""

_STEERING = """
CREATE TABLE steering (
    version_id INTEGER PRIMARY KEY REFERENCES versions,
    put_ns INTEGER NOT NULL,
    content TEXT NOT NULL
);
"""

_SECURITY = """
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest BLOB NOT NULL,
    scopes TEXT NOT NULL,
    models TEXT NOT NULL,
    created_ns INTEGER NOT NULL,
    expires_ns INTEGER,
    last_used_ns INTEGER,
    revoked_ns INTEGER
);
CREATE UNIQUE INDEX tokens_in_use ON tokens (name) WHERE revoked_ns IS NULL;
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ns INTEGER NOT NULL,
    who TEXT NOT NULL,
    act TEXT NOT NULL,
    target TEXT NOT NULL,
    address TEXT NOT NULL,
    outcome TEXT NOT NULL
);
CREATE TABLE probes (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at_ns INTEGER NOT NULL
);
"""

_STEPS = (_FIRST_SCHEMA, _STEERING, _SECURITY)
"""What brings a file from each schema version to the next, an empty one being of version 0."""

SCHEMA_VERSION = len(_STEPS)


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
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: an acknowledged export survives a power cut too; group commit pays for the fsync.
        connection.execute("PRAGMA synchronous = FULL")
        steps = "".join(_STEPS[_pragma(connection, "user_version") :])
        if steps:
            connection.executescript(
                f"BEGIN IMMEDIATE;{steps}PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"
            )
    except sqlite3.Error as error:
        raise StoreError(
            f"{path} cannot be opened as a store: {error}. Give a file in a folder that can be "
            "written to, or a new name."
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


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
