"""The clock jumps: nobody is told nonsense, and what is to be told is not put off for as long."""

from __future__ import annotations

from dataclasses import replace

import pytest

import modelwatch as mw
from modelwatch.collector.alerting.muting import Silence
from modelwatch.collector.alerting.notices import due_notice
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.time_bounds import TimeBounds
from tests.collector.alerting.conftest import WINDOW, Clock, Configure, Desk, make_alerting
from tests.collector.alerting.test_alerting import (
    DRIFT,
    SILENT,
    TARGET,
    history,
    listed,
    play,
    push,
    waiting,
)
from tests.collector.alerting.test_sqlite_alerts import alert
from tests.collector.conftest import NOW_NS, SECOND, Traffic
from tests.collector.jumping import DAY, HOUR

YEARS = 1_100 * DAY


@pytest.mark.parametrize("jump", [-YEARS, -DAY, DAY, YEARS])
def test_a_repetition_is_put_off_by_no_more_than_its_interval(jump: int) -> None:
    """Told by a clock that was wrong, an open alert is told again once the interval has passed."""
    told = replace(alert("a"), told_ns=NOW_NS + jump * SECOND, told_severity="critical")

    def due(after_seconds: int) -> str | None:
        now_ns = NOW_NS + after_seconds * SECOND
        return due_notice(told, is_muted=False, repeat_seconds=4 * HOUR, now_ns=now_ns)

    assert due(0) == "repeat"
    told = replace(told, told_ns=NOW_NS)
    assert [due(after) for after in (-HOUR, 0, HOUR, 4 * HOUR)] == [None, None, None, "repeat"]


def test_a_silence_holds_where_the_clock_is_set_back() -> None:
    """Nobody is told what was silenced, though it was silenced by a clock that was ahead."""
    silence = Silence(id="s", created_ns=NOW_NS, until_ns=NOW_NS + HOUR * SECOND)
    assert silence.covers(NOW_NS - DAY * SECOND)
    assert not silence.covers(NOW_NS + HOUR * SECOND)


@pytest.mark.parametrize("jump", [DAY, YEARS])
async def test_a_notice_of_a_clock_that_was_ahead_is_sent(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic, configure: Configure, jump: int
) -> None:
    """What was put into the outbox while the clock was ahead is due when it is set."""
    desk = make_alerting(store, config=configure(DRIFT + TARGET))
    await push(desk, baseline)
    await play(desk, traffic, "DD", first=jump // WINDOW)
    await set_to_now(desk)
    assert [item.notice.kind for item in desk.alerts.due(desk.clock()) if item.notice] == ["firing"]


async def test_skipped_time_is_no_silence(
    store: SqliteStore, traffic: Traffic, configure: Configure
) -> None:
    """A version is silent for as long as it sent nothing; time that the clock skipped is none."""
    passed, clock = [0], Clock()
    bounds = TimeBounds(clock, monotonic=lambda: passed[0])
    desk = make_alerting(store, clock=clock, config=configure(SILENT), bounds=bounds)

    async def go_by(seconds: float) -> None:
        desk.clock.forward(seconds)
        passed[0] += int(seconds * SECOND)
        await desk.scheduler.run_once()

    await play(desk, traffic, ".")
    await go_by(0)
    desk.clock.forward(DAY)
    await go_by(0)
    assert listed(desk, "pending", "firing") == []
    await go_by(WINDOW)
    assert listed(desk, "firing") == []
    await go_by(2 * WINDOW)
    assert len(listed(desk, "firing")) == 1


async def test_windows_of_a_clock_that_was_ahead_blind_nobody(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic, configure: Configure
) -> None:
    """After alerts by windows of years ahead, windows of now fire and resolve alerts as ever."""
    desk = make_alerting(store, config=configure(DRIFT + TARGET))
    await push(desk, baseline)
    years = YEARS // WINDOW
    await play(desk, traffic, "DDDD........", first=years)
    assert waiting(desk) == ["firing"]
    (ahead,) = listed(desk, "resolved")
    assert history(desk, ahead) == ["pending", "firing", "resolved"]
    await set_to_now(desk)
    await play(desk, traffic, "..DD")
    (fired,) = listed(desk, "firing")
    assert fired.since_ns < NOW_NS + DAY * SECOND
    await play(desk, traffic, "..", first=4)
    assert listed(desk, "firing") == []
    assert history(desk, fired) == ["pending", "firing", "resolved"]


async def set_to_now(desk: Desk) -> None:
    """Set the clock right, and go round once."""
    desk.clock.now_ns = NOW_NS
    await desk.scheduler.run_once()
