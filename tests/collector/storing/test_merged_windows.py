"""What was observed stays the same, however its rows are merged."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.store import WindowProfiles
from modelwatch.collector.windows import TimeWindow
from modelwatch.profile import Profile
from modelwatch.profile_format import profile_to_dict
from modelwatch.telemetry.wire import decode_logs, decode_metrics, encode_logs
from tests.collector.conftest import MODEL, NOW_NS, SECOND, VERSION, Traffic

DAY = 86_400 * SECOND
HOUR_BEFORE = TimeWindow.aligned(NOW_NS // (3_600 * SECOND) - 1, seconds=3_600)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_ns = NOW_NS

    def __call__(self) -> int:
        """Return the time."""
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    """The time of the store."""
    return Clock()


@pytest.fixture
def kept(tmp_path: Path, clock: Clock) -> Iterator[SqliteStore]:
    """A store whose clock is set by hand."""
    store = SqliteStore.open(tmp_path / "store.sqlite", clock=clock)
    yield store
    store.close()


def told(found: WindowProfiles) -> dict[str | None, dict[str, Any]]:
    """Return all that a window tells, numbers that are no counts to nine digits."""
    values = {}
    for key, profile in found.profiles.items():
        body = profile_to_dict(profile)
        body["window_hours"] = dict(profile.came(by_clock=True))
        values[key] = json.loads(json.dumps(body), parse_float=lambda text: f"{float(text):.9g}")
    return values


async def fill(store: SqliteStore, traffic: Traffic) -> int:
    """Store exports of three senders over an hour, their events too; return the rows."""
    rows = 0
    for minute in range(0, 60, 6):
        for instance in "abc":
            end_ns = HOUR_BEFORE.start_ns + (minute + 1) * 60 * SECOND
            profile = traffic.profile(end_ns=end_ns, instance=instance, rows=20 + minute)
            profile.record_calls([0.001 * (minute + 1)] * 3, {"ValueError": 1})
            await store.write(traffic.arrivals(profile))
            resource = {"service.instance.id": instance}
            await store.write(decode_logs(encode_logs(profile, resource=resource)).arrivals)
            rows += profile.rows
    return rows


async def test_merging_changes_nothing(kept: SqliteStore, traffic: Traffic, clock: Clock) -> None:
    """Minutes, hours and days tell what the arrivals did, in the same windows, through the same."""
    rows = await fill(kept, traffic)
    fresh = kept.window(MODEL, VERSION, HOUR_BEFORE)
    filled = kept.filled_windows(MODEL, VERSION, seconds=3_600, since_ns=0)
    assert fresh.profiles[traffic.baseline.id].rows == rows
    assert (fresh.instances, fresh.unmergeable) == (3, 0)
    for age in (0, 3 * DAY, 40 * DAY):
        clock.now_ns = NOW_NS + age
        await kept.tidy()
        found = kept.window(MODEL, VERSION, HOUR_BEFORE)
        assert told(found) == told(fresh)
        assert (found.instances, found.unmergeable) == (3, 0)
        assert found.through_id == fresh.through_id
        assert kept.through_id(MODEL, VERSION, HOUR_BEFORE) == fresh.through_id
        assert kept.filled_windows(MODEL, VERSION, seconds=3_600, since_ns=0) == filled
    assert levels(kept) == {3: 1}


async def test_a_sum_that_was_not_told_stays_unknown(
    kept: SqliteStore, traffic: Traffic, clock: Clock
) -> None:
    """Durations that came without a sum make that of their windows unknown, and of no others."""
    for hour in (0, 1):
        profile = traffic.profile(end_ns=HOUR_BEFORE.end_ns - hour * 3_600 * SECOND)
        profile.record_calls([0.5, 0.25])
        await kept.write(traffic.arrivals(profile))
        if hour == 0:
            without = traffic.profile(end_ns=HOUR_BEFORE.end_ns, instance="without")
            without.record_calls([0.5])
            request = ExportMetricsServiceRequest.FromString(traffic.body(without))
            for metric in request.resource_metrics[0].scope_metrics[0].metrics:
                for point in metric.histogram.data_points:
                    point.ClearField("sum")
            await kept.write(decode_metrics(request.SerializeToString()).arrivals)
    hour_earlier = TimeWindow(HOUR_BEFORE.start_ns - 3_600 * SECOND, HOUR_BEFORE.start_ns)
    for age in (0, 3 * DAY):
        clock.now_ns = NOW_NS + age
        await kept.tidy()
        (unknown,) = kept.window(MODEL, VERSION, HOUR_BEFORE).profiles.values()
        assert math.isnan(unknown.duration_sum_seconds)
        assert unknown.duration.total == 3
        (known,) = kept.window(MODEL, VERSION, hour_earlier).profiles.values()
        assert known.duration_sum_seconds == 0.75
    assert math.isnan(Profile.from_json(unknown.to_json()).duration_sum_seconds)


async def test_late_data_is_seen_after_merging(
    kept: SqliteStore, traffic: Traffic, clock: Clock
) -> None:
    """What comes once its window is merged is added, and makes the window look changed."""
    rows = await fill(kept, traffic)
    await kept.tidy()
    before = kept.through_id(MODEL, VERSION, HOUR_BEFORE)
    late = traffic.profile(end_ns=HOUR_BEFORE.end_ns, instance="late")
    for _ in range(2):
        await kept.write(traffic.arrivals(late))
        assert kept.through_id(MODEL, VERSION, HOUR_BEFORE) > before
        found = kept.window(MODEL, VERSION, HOUR_BEFORE)
        assert found.profiles[traffic.baseline.id].rows == rows + late.rows
        assert found.instances == 4
        await kept.tidy()


async def test_a_restart_goes_on_merging(tmp_path: Path, traffic: Traffic, clock: Clock) -> None:
    """What was not merged when a process ended is merged by the next, once."""
    first = SqliteStore.open(tmp_path / "s", clock=clock)
    rows = await fill(first, traffic)
    fresh = told(first.window(MODEL, VERSION, HOUR_BEFORE))
    first.close()
    second = SqliteStore.open(tmp_path / "s", clock=clock)
    for _ in range(2):
        await second.tidy()
        found = second.window(MODEL, VERSION, HOUR_BEFORE)
        assert told(found) == fresh
        assert found.profiles[traffic.baseline.id].rows == rows
    second.close()


async def test_senders_are_told_apart(kept: SqliteStore, traffic: Traffic, clock: Clock) -> None:
    """What each sender told of a window is known apart, before and after its rows are one."""
    await fill(kept, traffic)
    fresh = kept.window_by_instance(MODEL, VERSION, HOUR_BEFORE)
    assert sorted(fresh) == ["a", "b", "c"]
    clock.now_ns = HOUR_BEFORE.end_ns + 3_600 * SECOND
    await kept.tidy()
    found = kept.window_by_instance(MODEL, VERSION, HOUR_BEFORE)
    assert {name: profile.rows for name, profile in found.items()} == {
        name: profile.rows for name, profile in fresh.items()
    }
    assert [profile.instance for profile in found.values()] == list(found)
    with closing(sqlite3.connect(kept.path)) as connection:
        assert connection.execute("SELECT count(*) FROM arrivals").fetchone() == (3,)


async def test_senders_age_out_and_the_fleet_stays(
    kept: SqliteStore, traffic: Traffic, clock: Clock
) -> None:
    """After two days there is no telling senders apart; after 400 there is nothing."""
    rows = await fill(kept, traffic)
    clock.now_ns = NOW_NS + 3 * DAY
    await kept.tidy()
    assert kept.window_by_instance(MODEL, VERSION, HOUR_BEFORE) == {}
    assert kept.window(MODEL, VERSION, HOUR_BEFORE).profiles[traffic.baseline.id].rows == rows
    clock.now_ns = NOW_NS + 402 * DAY
    await kept.tidy()
    assert kept.window(MODEL, VERSION, HOUR_BEFORE).profiles == {}


async def test_latest_rows_are_the_newest(
    kept: SqliteStore, traffic: Traffic, clock: Clock
) -> None:
    """Whole exports are taken from the newest on, until there are so many rows."""
    for back in range(5):
        profile = traffic.profile(end_ns=NOW_NS - back * 120 * SECOND, rows=100)
        await kept.write(traffic.arrivals(profile))
    for _ in range(2):
        for asked, given in ((1, 100), (100, 100), (101, 200), (450, 500), (9_999, 500)):
            found = kept.latest_rows(MODEL, VERSION, asked).profiles[traffic.baseline.id]
            assert (found.rows, found.end_ns) == (given, NOW_NS)
        await kept.tidy()
    assert kept.latest_rows("none", "1", 10).profiles == {}


async def test_short_windows_stay_exact(tmp_path: Path, traffic: Traffic) -> None:
    """Windows shorter than a minute are never merged with their neighbours while they count."""
    store = SqliteStore(Database(tmp_path / "s"), window_seconds=15, clock=lambda: NOW_NS)
    for back in range(8):
        end_ns = NOW_NS - back * 15 * SECOND
        await store.write(traffic.arrivals(traffic.profile(end_ns=end_ns, rows=10 + back)))
    await store.tidy()
    for back in range(8):
        window = TimeWindow.ending(NOW_NS - back * 15 * SECOND, seconds=15)
        found = store.window(MODEL, VERSION, window).profiles[traffic.baseline.id]
        assert found.rows == 10 + back
    store.close()


async def test_what_memory_cannot_hold_is_merged_from_the_file(
    tmp_path: Path, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no room for rows in memory, nothing is lost and nothing counts twice."""
    monkeypatch.setattr("modelwatch.collector.storing.merging.MOST_BYTES", 0)
    store = SqliteStore.open(tmp_path / "s", clock=lambda: NOW_NS)
    rows = 0
    for _ in range(3):
        rows += await fill(store, traffic) if rows == 0 else 0
        await store.tidy()
        found = store.window(MODEL, VERSION, HOUR_BEFORE)
        assert found.profiles[traffic.baseline.id].rows == rows
    assert levels(store) == {1: 10}
    store.close()


def levels(store: SqliteStore) -> dict[int, int]:
    """Return how many merged rows there are of each level."""
    with closing(sqlite3.connect(store.path)) as connection:
        return dict(connection.execute("SELECT level, count(*) FROM merged GROUP BY 1"))
