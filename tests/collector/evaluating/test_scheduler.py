from __future__ import annotations

import asyncio

from modelwatch.collector.evaluating.evaluation import Evaluator
from modelwatch.collector.evaluating.scheduler import Schedule, Scheduler
from modelwatch.collector.storing.sqlite_store import SqliteStore


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
