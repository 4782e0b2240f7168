"""Faults of the file and the disk: said clearly, and gone on from without loss once cured."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.maintenance import check
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from modelwatch.errors import StoreError
from tests.collector.conftest import MODEL, NOW_NS, SECOND, VERSION, Start, Traffic

DAY = TimeWindow.ending(NOW_NS, seconds=86_400)

LIMITED = """
import asyncio, resource, signal, sys
from pathlib import Path
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.errors import StoreError
from modelwatch.telemetry.wire import decode_metrics

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
bodies = [path.read_bytes() for path in sorted(Path(sys.argv[2]).iterdir())]
store = SqliteStore.open(sys.argv[1])

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def send():
    told = []
    for body in bodies:
        try:
            await store.write(decode_metrics(body).arrivals)
            told.append("taken")
        except StoreError as error:
            told.append(f"{error}")
    return told

folder = Path(sys.argv[1]).parent
limit(max(file.stat().st_size for file in folder.iterdir()) + 200_000)
first = asyncio.run(send())
limit(resource.RLIM_INFINITY)
second = asyncio.run(send())
assert set(second) == {"taken"}, second
store.close()
print(first.count("taken"), [told for told in first if told != "taken"][0], sep="|")
"""


def bodies(traffic: Traffic, number: int) -> list[bytes]:
    """Return exports of different times."""
    return [
        traffic.body(traffic.profile(end_ns=NOW_NS - back * SECOND, rows=10))
        for back in range(number)
    ]


def rows_in(store: SqliteStore) -> int:
    """Return the rows of a day."""
    found = store.window(MODEL, VERSION, DAY)
    return sum(profile.rows for profile in found.profiles.values())


async def test_a_full_disk_refuses_and_recovers(store: SqliteStore, traffic: Traffic) -> None:
    """Where there is no room, writes fail and say so; with room, the same process goes on."""
    _set(store, "max_page_count = 60")
    profiles = (traffic.profile(end_ns=NOW_NS - back * SECOND, rows=10) for back in range(2_000))
    taken = 0
    said = ""
    while not said:
        try:
            await store.write(traffic.arrivals(next(profiles)))
            taken += 1
        except StoreError as error:
            said = str(error)
    assert "full" in said
    assert rows_in(store) == 10 * taken
    _set(store, "max_page_count = 1000000")
    await store.write(traffic.arrivals(traffic.profile(end_ns=NOW_NS - taken * SECOND, rows=10)))
    await store.tidy()
    assert rows_in(store) == 10 * (taken + 1)


def _set(store: SqliteStore, pragma: str) -> None:
    store.database.submit(
        lambda connection: connection.execute(f"PRAGMA {pragma}").fetchall()
    ).result(timeout=30)


def test_a_file_that_may_not_grow_refuses_and_recovers(tmp_path: Path, traffic: Traffic) -> None:
    """Where the operating system lets no file grow, what was taken is there, and the rest comes."""
    folder = tmp_path / "bodies"
    folder.mkdir()
    for number, body in enumerate(bodies(traffic, 120)):
        (folder / f"{number:04}").write_bytes(body)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "s"), str(folder)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    taken, reason = done.stdout.strip().split("|")
    assert 0 < int(taken) < 120
    assert "the store failed" in reason
    store = SqliteStore.open(tmp_path / "s")
    assert rows_in(store) == 1_200
    store.close()
    assert check(tmp_path / "s").problems == []


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the write lock of a file, as another program does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_a_locked_file_refuses_and_recovers(tmp_path: Path, traffic: Traffic) -> None:
    """While another program holds the lock, writes fail and reads go on; then all goes on."""
    store = SqliteStore(Database(tmp_path / "s", lock_seconds=0.1), clock=lambda: NOW_NS)
    await store.write(traffic.arrivals())
    with locked(store.path):
        with pytest.raises(StoreError, match="locked"):
            await store.write(traffic.arrivals(traffic.profile(instance="b")))
        assert rows_in(store) == 500
    await store.write(traffic.arrivals(traffic.profile(instance="b")))
    assert rows_in(store) == 1_000
    store.close()


async def test_a_fault_that_lasts_is_said_once(
    tmp_path: Path, traffic: Traffic, caplog: pytest.LogCaptureFixture
) -> None:
    """However often a store fails, one line says so, and one that it works again."""
    store = SqliteStore(Database(tmp_path / "s", lock_seconds=0.0), clock=lambda: NOW_NS)
    with caplog.at_level(logging.INFO, "modelwatch.collector.storing.writer"):
        with locked(store.path):
            for _ in range(20):
                with pytest.raises(StoreError, match="locked"):
                    await store.write(traffic.arrivals())
        await store.write(traffic.arrivals())
    store.close()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "failed 20 times" in caplog.text


def test_a_client_is_asked_to_send_again(start: Start, traffic: Traffic) -> None:
    """A store that cannot be written is a 503 with Retry-After, and then takes the same export."""
    collector = start(lock_seconds=0.1)
    with locked(collector.store):
        answer = collector.post(traffic.body())
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
    assert collector.post(traffic.body()).status_code == 200


async def test_a_read_only_file_refuses_and_recovers(tmp_path: Path, traffic: Traffic) -> None:
    """A file that turns read-only refuses writes and says so; opened again, it takes them."""
    store = SqliteStore.open(tmp_path / "s", clock=lambda: NOW_NS)
    await store.write(traffic.arrivals())
    _set(store, "query_only = ON")
    with pytest.raises(StoreError, match="readonly"):
        await store.write(traffic.arrivals(traffic.profile(instance="b")))
    assert rows_in(store) == 500
    store.close()
    again = SqliteStore.open(tmp_path / "s", clock=lambda: NOW_NS)
    await again.write(traffic.arrivals(traffic.profile(instance="b")))
    assert rows_in(again) == 1_000
    again.close()


@contextmanager
def as_nobody() -> Iterator[None]:
    """Run with the rights of a user who owns nothing, where this one may become another."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(own)


def test_what_may_not_be_written_is_a_clear_error() -> None:
    """A folder and a file that may only be read are named, with what to do."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        SqliteStore.open(folder / "old").close()
        (folder / "old").chmod(0o444)
        folder.chmod(0o555)
        with as_nobody():
            for file in ("new", "old"):
                with pytest.raises(StoreError, match="can be written to"):
                    SqliteStore.open(folder / file)
        folder.chmod(0o755)


async def test_a_corrupt_page_is_said(tmp_path: Path, traffic: Traffic) -> None:
    """A file with overwritten pages of rows fails with what is wrong, and never with other rows."""
    store = SqliteStore.open(tmp_path / "s", clock=lambda: NOW_NS)
    many = [traffic.profile(end_ns=NOW_NS - back * SECOND, rows=10) for back in range(400)]
    await store.write([arrival for profile in many for arrival in traffic.arrivals(profile)])
    store.close()
    content = bytearray((tmp_path / "s").read_bytes())
    for page in range(len(content) // 8192 - 16, len(content) // 8192):
        content[page * 8192 : page * 8192 + 64] = b"\xff" * 64
    (tmp_path / "s").write_bytes(content)
    assert check(tmp_path / "s").problems
    damaged = SqliteStore.open(tmp_path / "s", clock=lambda: NOW_NS)
    with pytest.raises(StoreError, match=r"malformed.*store check.*backup"):
        rows_in(damaged)
    damaged.close()


async def test_a_file_whose_tables_cannot_be_listed_is_damaged(tmp_path: Path) -> None:
    """Where the pages that name the tables are damaged, nothing can be read, and that is said."""
    path = tmp_path / "s"
    SqliteStore.open(path, clock=lambda: NOW_NS).close()
    content = bytearray(path.read_bytes())
    content[100:300] = b"\xff" * 200  # the first page, behind the file's header
    path.write_bytes(content)
    found = check(path)
    assert found.rows == {}
    (problem,) = found.problems
    assert "tables cannot be listed" in problem
    assert "put a backup in its place" in problem
    with pytest.raises(StoreError, match="backup"):
        SqliteStore.open(path, clock=lambda: NOW_NS)


async def test_whichever_page_is_damaged_the_check_tells(tmp_path: Path, traffic: Traffic) -> None:
    """A damaged page of any table is a problem among others, and no end of the check."""
    path = tmp_path / "s"
    store = SqliteStore.open(path, clock=lambda: NOW_NS)
    for back in range(40):
        profile = traffic.profile(end_ns=NOW_NS - back * SECOND, instance=str(back))
        await store.write(traffic.arrivals(profile))
    await store.tidy()
    store.close()
    content = path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        used = {
            root
            for table in ("arrivals", "merged", "series", "series_sets", "versions")
            for (root,) in connection.execute(
                "SELECT rootpage FROM sqlite_master WHERE tbl_name = ? AND rootpage > 0", (table,)
            )
        }
    for page in used:
        damaged = bytearray(content)
        damaged[(page - 1) * 8_192 : (page - 1) * 8_192 + 64] = b"\xff" * 64
        path.write_bytes(damaged)
        assert check(path).problems, page
