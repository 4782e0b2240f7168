"""The system's clock jumps: nothing is lost, nothing counts twice, and nobody is told nonsense."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import modelwatch as mw
from modelwatch.collector.receiving.admission import Admission
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.known_time import known_time
from modelwatch.collector.storing.maintenance import check
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from tests import plain_http
from tests.collector.conftest import (
    MODEL,
    NOW_NS,
    SECOND,
    VERSION,
    Running,
    Start,
    Traffic,
    eventually,
)
from tests.collector.jumping import DAY, HOUR, JumpingClock

YEARS = 1_100 * DAY
MINUTE = 60


def opened(path: Path, clock: JumpingClock) -> SqliteStore:
    """Return a store as a collector that starts opens it."""
    database = Database(path)
    return SqliteStore(database, clock=clock, bounds=clock.bounds(known_time(database)))


def held(store: SqliteStore) -> list[tuple[int, int]]:
    """Return how many rows of senders there are, and the fleet's rows by level."""
    return [
        (-1, store.database.read("SELECT count(*) FROM arrivals")[0][0]),
        *store.database.read("SELECT level, count(*) FROM merged GROUP BY 1 ORDER BY 1"),
    ]


def rows_in(store: SqliteStore, *, days: int = 1) -> int:
    """Return the rows of the last days before now."""
    window = TimeWindow.ending(NOW_NS + DAY * SECOND, seconds=(days + 1) * DAY)
    return sum(p.rows for p in store.window(MODEL, VERSION, window).profiles.values())


@pytest.mark.parametrize("jump", [2 * DAY, YEARS])
async def test_a_jump_forward_and_back_deletes_and_blurs_nothing(
    tmp_path: Path, traffic: Traffic, jump: int
) -> None:
    """What is too old by a clock that is ahead is there, as fine as before, once it is set."""
    clock = JumpingClock()
    store = opened(tmp_path / "s", clock)
    for back in range(10):
        end_ns = NOW_NS - back * HOUR * SECOND
        await store.write(traffic.arrivals(traffic.profile(end_ns=end_ns)))
    await store.tidy()
    before = held(store)
    for _ in range(2):
        clock.jump(jump)
        await store.tidy()
        clock.pass_time(HOUR)
        await store.tidy()
        assert held(store) == before
        clock.jump(-jump)
    await store.tidy()
    assert held(store) == before
    assert rows_in(store) == 5_000
    store.close()
    assert check(tmp_path / "s").problems == []


async def test_rows_of_senders_are_put_together_after_a_jump(
    tmp_path: Path, traffic: Traffic
) -> None:
    """Once the clock is set back, what one sender told becomes one row as ever."""
    clock = JumpingClock()
    store = SqliteStore(Database(tmp_path / "s"), clock=clock)  # believes the clock
    await store.write(traffic.arrivals())
    await store.tidy()
    clock.jump(DAY)
    await store.tidy()
    clock.jump(-DAY)
    clock.pass_time(2 * HOUR)
    for minute in (10, 20, 30):
        end_ns = NOW_NS - NOW_NS % (HOUR * SECOND) + (HOUR + minute * MINUTE) * SECOND
        await store.write(traffic.arrivals(traffic.profile(end_ns=end_ns)))
    await store.tidy()
    assert held(store)[0] == (-1, 2)
    store.close()


async def test_a_jump_that_lasts_is_believed_in_the_end(tmp_path: Path, traffic: Traffic) -> None:
    """Where the clock was right to jump, what is too old goes a day later."""
    clock = JumpingClock()
    store = opened(tmp_path / "s", clock)
    await store.write(traffic.arrivals())
    await store.tidy()
    clock.jump(YEARS)
    await store.tidy()
    clock.pass_time(DAY)
    await store.tidy()
    assert held(store) == [(-1, 0)]
    store.close()


async def test_a_wrong_clock_at_the_start_deletes_nothing(tmp_path: Path, traffic: Traffic) -> None:
    """A collector that is started while the clock is years ahead knows when the last one ran."""
    clock = JumpingClock()
    store = opened(tmp_path / "s", clock)
    await store.write(traffic.arrivals())
    await store.tidy()
    before = held(store)
    store.close()
    clock.jump(YEARS)
    for _ in range(2):
        store = opened(tmp_path / "s", clock)
        await store.tidy()
        assert held(store) == before
        assert (await store.write(traffic.arrivals())).stored == 0
        store.close()


@pytest.mark.parametrize("jump", [-YEARS, -DAY, -HOUR, HOUR, DAY, 3 * DAY, YEARS])
async def test_what_is_sent_again_across_jumps_counts_once(
    tmp_path: Path, traffic: Traffic, jump: int
) -> None:
    """A resend is told from news before a jump, after it, and when the clock is set right."""
    clock = JumpingClock()
    store = opened(tmp_path / "s", clock)
    first = traffic.arrivals()
    second = traffic.arrivals(traffic.profile(end_ns=NOW_NS - MINUTE * SECOND, instance="b"))
    assert (await store.write(first)).stored == traffic.points()
    clock.jump(jump)
    await store.tidy()
    assert (await store.write(first)).stored == 0
    assert (await store.write(second)).stored == traffic.points()
    clock.pass_time(HOUR)
    await store.tidy()
    clock.jump(-jump)
    await store.tidy()
    assert [(await store.write(one)).stored for one in (first, second)] == [0, 0]
    assert rows_in(store) == 1_000
    store.close()


def test_senders_with_a_right_clock_are_heard_where_ours_is_behind(traffic: Traffic) -> None:
    """What ends after now by a clock that was just set back is no sender's fault."""
    clock = JumpingClock()
    admission = Admission(clock=clock, bounds=clock.bounds())
    arrivals = traffic.arrivals()
    assert admission.admit(arrivals).refused.total() == 0
    clock.jump(-DAY)
    assert admission.admit(arrivals).refused.total() == 0
    clock.pass_time(DAY)  # by then the clock is believed
    late = traffic.arrivals(traffic.profile(end_ns=NOW_NS + DAY * SECOND))
    assert admission.admit(late).refused.total() == traffic.points()


def evaluations(collector: Running) -> dict[str, int]:
    """Return how many rows each evaluated window had, by its end."""
    told = plain_http.get(collector.version("/windows?limit=100")).json()["windows"]
    ends = [one["end"] for one in told]
    assert len(ends) == len(set(ends))
    return {one["end"]: one["rows"] for one in told}


@pytest.mark.parametrize("jump", [-DAY, -HOUR, HOUR, DAY])
def test_each_window_is_judged_once_with_all_its_rows(
    start: Start, baseline: mw.Baseline, traffic: Traffic, jump: int
) -> None:
    """Whatever the clock said meanwhile: in the end there is one verdict a window, on all rows."""
    clock = JumpingClock()
    collector = start(clock=clock, monotonic=clock.monotonic)
    collector.push(baseline)

    def send(minute: int, instance: str) -> None:
        end_ns = NOW_NS - NOW_NS % (MINUTE * SECOND) + minute * MINUTE * SECOND
        profile = traffic.profile(end_ns=end_ns, rows=100, instance=instance)
        assert collector.post(traffic.body(profile)).status_code == 200

    def judged(rows: dict[int, int]) -> Callable[[], bool]:
        return lambda: sorted(evaluations(collector).values()) == sorted(rows.values())

    send(0, "a")
    assert eventually(judged({0: 100}))
    clock.pass_time(MINUTE)
    send(1, "a")
    clock.jump(jump)
    send(0, "b")  # late
    clock.pass_time(MINUTE)
    send(2, "a")
    clock.jump(-jump)
    send(1, "b")
    clock.pass_time(MINUTE)
    assert eventually(judged({0: 200, 1: 200, 2: 100})), evaluations(collector)
    assert collector.received()["refused_by_limit"] == {}
