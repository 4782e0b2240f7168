from __future__ import annotations

import asyncio

import pytest

from modelwatch.collector.evaluating import scheduler as scheduling
from modelwatch.collector.evaluating.evaluation import Assessment, Evaluator
from modelwatch.collector.evaluating.scheduler import Schedule, Scheduler
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.store import VersionSeen


async def test_a_schedule_that_stands_still_is_told(store: SqliteStore) -> None:
    """Where no round ended for a quarter of an hour the check says so, until one does again."""
    now, stop, ended_round_stops = [0.0], asyncio.Event(), [False]

    def monotonic() -> float:
        if ended_round_stops[0]:
            stop.set()
        return now[0]

    schedule = Schedule(window_seconds=60, interval_seconds=30.0, lateness_seconds=0.0)
    scheduler = Scheduler(store, Evaluator(store), schedule, monotonic=monotonic)
    now[0] = 899.0
    assert await scheduler.check() == ""
    now[0] = 900.0
    assert "900 seconds" in await scheduler.check()
    ended_round_stops[0] = True
    await scheduler.run(stop)
    assert await scheduler.check() == ""


class Hearing:
    """Counts how often it is told, and stops the schedule in the end."""

    def __init__(self, stop: asyncio.Event, *, most: int) -> None:
        self.told = 0
        self._stop = stop
        self._most = most

    def evaluated(self, found: Assessment) -> None:
        """Take in a window."""

    async def round_ended(self) -> None:
        """Count."""
        self.told += 1
        if self.told == self._most:
            self._stop.set()


async def test_a_long_interval_keeps_nobody_from_looking_at_the_clock(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two rounds listeners are told again and again, and windows are not looked for."""
    monkeypatch.setattr(scheduling, "MOST_QUIET_SECONDS", 0.01)
    looks: list[int] = []
    versions = store.versions

    def look() -> list[VersionSeen]:
        looks.append(1)
        return versions()

    monkeypatch.setattr(store, "versions", look)
    stop = asyncio.Event()
    hearing = Hearing(stop, most=5)
    schedule = Schedule(window_seconds=60, interval_seconds=3_600.0, lateness_seconds=0.0)
    await Scheduler(store, Evaluator(store), schedule, listener=hearing).run(stop)
    assert hearing.told == 5
    assert len(looks) == 1
