"""The latest cumulative points of senders, in the store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.importing import import_store
from modelwatch.collector.storing.maintenance import backup
from modelwatch.collector.storing.retention import Retention
from modelwatch.collector.storing.schema_steps import STEPS
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.store import SenderMemory
from modelwatch.collector.storing.transfer import export_store
from modelwatch.errors import StoreError
from tests.collector.conftest import NOW_NS, SECOND, Traffic

DAY = 86_400
ONE, TWO = SenderMemory(NOW_NS - 5, b"one"), SenderMemory(NOW_NS, b"two")


async def test_a_new_store_remembers_everything(store: SqliteStore) -> None:
    """Nothing was ever counted but what a memory tells; a later memory replaces one."""
    assert (store.recall([1]).since_ns, store.recall([1]).memories) == (0, {})
    await store.write([], {1: ONE, 2: TWO})
    await store.write([], {1: TWO})
    assert store.recall(range(200)).memories == {1: TWO, 2: TWO}


async def test_memories_are_committed_with_their_rows_or_not_at_all(
    store: SqliteStore, traffic: Traffic
) -> None:
    """Where the rows cannot be kept, nor is what they left to be remembered."""
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("ALTER TABLE arrivals RENAME TO away")
        with pytest.raises(StoreError):
            await store.write(traffic.arrivals(), {1: ONE})
        assert store.recall([1]).memories == {}
        connection.execute("ALTER TABLE away RENAME TO arrivals")
    await store.write(traffic.arrivals(), {1: ONE})
    assert store.recall([1]).memories == {1: ONE}


async def test_senders_that_are_silent_are_let_go_of(tmp_path: Path) -> None:
    """They go with what each sender told; what began before may have been counted then."""
    now = [NOW_NS]
    retention = Retention(instances_seconds=2 * DAY)
    store = SqliteStore(Database(tmp_path / "s"), retention=retention, clock=lambda: now[0])
    await store.write([], {1: ONE})
    now[0] += 2 * DAY * SECOND
    await store.write([], {2: TWO})
    await store.tidy()
    assert set(store.recall([1, 2]).memories) == {1, 2}
    now[0] += DAY * SECOND
    await store.tidy()
    found = store.recall([1, 2])
    assert (found.since_ns, found.memories) == (ONE.latest_ns + 1, {2: TWO})
    store.close()


async def test_memories_are_in_a_backup_and_in_no_export(tmp_path: Path, traffic: Traffic) -> None:
    """An imported store knows until when was counted, and a copy of the file knows all."""
    store = SqliteStore.open(tmp_path / "s", clock=lambda: NOW_NS)
    await store.write(traffic.arrivals(), {1: ONE})
    store.close()
    backup(tmp_path / "s", tmp_path / "copy")
    export_store(tmp_path / "s", tmp_path / "e.jsonl")
    import_store(tmp_path / "e.jsonl", tmp_path / "new")
    for name, expected in (("copy", (0, {1: ONE})), ("new", (NOW_NS + 1, {}))):
        opened = SqliteStore.open(tmp_path / name)
        found = opened.recall([1])
        assert (found.since_ns, found.memories) == expected
        opened.close()


def test_a_store_of_an_older_release_knows_until_when_was_counted(tmp_path: Path) -> None:
    """Of what it counted nothing is remembered: what began before that only begins anew."""
    with closing(sqlite3.connect(":memory:")) as connection:
        step = next(number for number, text in enumerate(STEPS) if "cumulative_since" in text)
        connection.executescript("".join(STEPS[:step]))
        connection.execute(
            "INSERT INTO versions VALUES (1, 'm', '1', 3, 7, 1, 0), (2, 'm', '2', 2, 5, 1, 0)"
        )
        connection.executescript(STEPS[step])
        assert connection.execute("SELECT since_ns FROM cumulative_since").fetchall() == [(8,)]
