"""Files of older schema versions."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from modelwatch.collector.storing import schema
from modelwatch.collector.storing.maintenance import check, vacuum
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from tests.collector.conftest import MODEL, NOW_NS, VERSION, Traffic

HOUR = TimeWindow.ending(NOW_NS, seconds=3_600)

SECOND_SCHEMA = """
CREATE TABLE versions (id INTEGER PRIMARY KEY, model TEXT NOT NULL, version TEXT NOT NULL,
    first_seen_ns INTEGER, last_seen_ns INTEGER, row_count INTEGER NOT NULL DEFAULT 0,
    UNIQUE (model, version));
CREATE TABLE seen (key INTEGER PRIMARY KEY, expires_seconds INTEGER NOT NULL);
CREATE INDEX seen_by_expiry ON seen (expires_seconds);
CREATE TABLE profiles (id INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL REFERENCES versions, instance TEXT, segment TEXT, baseline_id TEXT,
    start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, content BLOB NOT NULL);
CREATE INDEX profiles_by_end ON profiles (version_id, end_ns);
CREATE TABLE baselines (number INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL REFERENCES versions, id TEXT NOT NULL, pushed_ns INTEGER NOT NULL,
    content BLOB NOT NULL, UNIQUE (version_id, id));
CREATE TABLE evaluations (version_id INTEGER NOT NULL REFERENCES versions,
    baseline_id TEXT NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
    through_id INTEGER NOT NULL, evaluated_ns INTEGER NOT NULL, report BLOB NOT NULL,
    PRIMARY KEY (version_id, end_ns, start_ns, baseline_id)) WITHOUT ROWID;
CREATE TABLE steering (version_id INTEGER PRIMARY KEY REFERENCES versions,
    put_ns INTEGER NOT NULL, content TEXT NOT NULL);
PRAGMA journal_mode = WAL;
"""
"""As the second schema was: each row of profiles is one request's, as compressed JSON."""


@pytest.fixture
def old(tmp_path: Path, traffic: Traffic) -> Path:
    """A file of the second schema with two profiles of 500 rows and a baseline."""
    path = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SECOND_SCHEMA)
        connection.execute(
            "INSERT INTO versions VALUES (1, ?, ?, ?, ?, 1000)",
            (MODEL, VERSION, HOUR.start_ns, NOW_NS),
        )
        for instance in "ab":
            profile = traffic.profile(instance=instance)
            content = zlib.compress(profile.to_json().encode(), 1)
            row = (instance, profile.baseline_id, profile.start_ns, profile.end_ns, content)
            connection.execute("INSERT INTO profiles VALUES (NULL, 1, ?, NULL, ?, ?, ?, ?)", row)
        baseline = zlib.compress(traffic.baseline.to_json().encode(), 1)
        connection.execute(
            "INSERT INTO baselines VALUES (1, 1, ?, ?, ?)", (traffic.baseline.id, NOW_NS, baseline)
        )
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 2")
        connection.commit()
    return path


async def test_an_older_file_is_brought_forward(old: Path, traffic: Traffic) -> None:
    """What it held is in its windows beside what comes now, which counts as later."""
    store = SqliteStore.open(old, clock=lambda: NOW_NS)
    found = store.window(MODEL, VERSION, HOUR)
    assert found.profiles[traffic.baseline.id].rows == 1_000
    assert (found.instances, found.through_id) == (2, 2)
    await store.write(traffic.arrivals(traffic.profile(instance="c")))
    for _ in range(2):
        found = store.window(MODEL, VERSION, HOUR)
        assert found.profiles[traffic.baseline.id].rows == 1_500
        assert (found.instances, found.through_id) == (3, 3)
        await store.tidy()
    baseline = store.baseline(MODEL, VERSION)
    assert baseline is not None
    assert baseline.id == traffic.baseline.id
    assert store.versions()[0].rows == 1_500
    store.close()
    assert check(old).problems == []


def test_vacuum_gives_an_older_file_the_form_of_new_ones(old: Path, tmp_path: Path) -> None:
    """Free pages can be given back from then on, and pages are as large as in new files."""
    SqliteStore.open(old).close()
    vacuum(old)
    SqliteStore.open(tmp_path / "new").close()
    for path in (old, tmp_path / "new"):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
            assert connection.execute("PRAGMA page_size").fetchone() == (schema.PAGE_BYTES,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert connection.execute("PRAGMA user_version").fetchone() == (schema.SCHEMA_VERSION,)
