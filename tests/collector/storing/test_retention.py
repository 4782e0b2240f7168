from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.maintenance import check
from modelwatch.collector.storing.retention import Retention
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from modelwatch.errors import ConfigurationError
from tests.collector.conftest import MODEL, NOW_NS, SECOND, VERSION, Traffic

DAY_NS = 86_400 * SECOND


async def test_the_oldest_detail_goes_first(
    tmp_path: Path, traffic: Traffic, caplog: pytest.LogCaptureFixture
) -> None:
    """A file beyond its size loses what senders told before it loses anything of the fleet."""
    store = SqliteStore(
        Database(tmp_path / "s"),
        retention=Retention(max_store_bytes=2**20),
        clock=lambda: NOW_NS,
    )
    one = traffic.arrivals(traffic.profile(rows=10))[0]
    for number in range(3_000):
        window = replace(one.window, instance=f"i-{number}")
        await store.write([replace(one, window=window, sender=number)])
    minute = TimeWindow.ending(NOW_NS, seconds=60)
    with caplog.at_level(logging.INFO):
        await store.tidy()
    assert 0 < len(store.window_by_instance(MODEL, VERSION, minute)) < 3_000
    found = store.window(MODEL, VERSION, minute)
    assert found.profiles[traffic.baseline.id].rows == 30_000
    assert "rows of senders were deleted for their size" in caplog.text
    pages, free, size = (
        store.database.read(f"PRAGMA {name}")[0][0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    assert (pages - free) * size <= 2**20
    store.close()
    assert check(tmp_path / "s").problems == []


async def test_unmerged_rows_are_never_deleted(tmp_path: Path, traffic: Traffic) -> None:
    """However small the file may be, what the fleet's rows do not hold yet stays."""
    store = SqliteStore(Database(tmp_path / "s"), clock=lambda: NOW_NS + 10**9 * SECOND)
    await store.write(traffic.arrivals())
    await store.tidy()
    assert store.database.read("SELECT count(*) FROM arrivals") == [(0,)]
    await store.write(traffic.arrivals(traffic.profile(instance="b")))
    assert store.database.read("SELECT count(*) FROM arrivals") == [(1,)]
    store.close()


async def test_series_that_no_row_names_go(tmp_path: Path, traffic: Traffic) -> None:
    """Once what told of them is gone, series and their sets go too; those that count stay."""
    now = [NOW_NS]
    store = SqliteStore(Database(tmp_path / "s"), clock=lambda: now[0])
    await store.write(traffic.arrivals(traffic.profile(on_baseline=False)))
    await store.write(traffic.arrivals())
    assert store.database.read("SELECT count(*) FROM series")[0][0] > 0
    now[0] += 300 * DAY_NS
    await store.tidy()
    await store.write(traffic.arrivals(traffic.profile(end_ns=now[0])))
    await store.tidy()
    assert check(tmp_path / "s").problems == []
    used = store.database.read("SELECT count(*) FROM series")[0][0]
    now[0] += 500 * DAY_NS
    await store.tidy()
    now[0] += 10 * DAY_NS  # merging named them anew
    await store.tidy()
    assert used > 0
    assert store.database.read("SELECT count(*) FROM series") == [(0,)]
    assert store.database.read("SELECT count(*) FROM series_sets") == [(0,)]
    again = await store.write(traffic.arrivals(traffic.profile(end_ns=now[0])))
    assert again.stored == traffic.points()
    await store.tidy()
    assert check(tmp_path / "s").problems == []
    store.close()


@pytest.mark.parametrize(
    "options",
    [
        {"minutes_seconds": 60},
        {"minutes_seconds": 40 * 86_400},
        {"days_seconds": 86_400},
        {"max_store_bytes": -1},
        {"max_store_bytes": 1_000},
        {"evaluations_seconds": 10**12},
    ],
)
def test_wrong_retention_is_refused(options: dict[str, int]) -> None:
    """What is out of range, and detail kept longer than what it is merged into, is refused."""
    with pytest.raises(ConfigurationError):
        Retention(**options)
