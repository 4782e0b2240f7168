"""A simulated day of a fleet, with faults on the way, then days without, then kills."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.collector_soak import faults
from tests.e2e.collector_soak.checks import (
    differences,
    judged_windows,
    read,
    require_counted_once,
    require_merged_once,
    rows_of_tables,
    soon,
)
from tests.e2e.collector_soak.fleet import DRIFTING, HOUR_NS, MODELS, Fleet
from tests.e2e.collector_soak.load import Load
from tests.e2e.collector_soak.process import CollectorProcess
from tests.e2e.collector_soak.simulated_clock import SimulatedClock
from tests.e2e.collector_soak.watching import MemoryCourse, Readers

__all__ = ["Day", "Plan"]

NOON_NS = 1_767_614_400 * 10**9  # 2026-01-05 12:00 UTC
TIDIED_SECONDS = 2.5
"""After so long the collector has looked for what is old, whatever its clock says."""

Fault = Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is simulated.

    Attributes:
        replicas: of four models.
        hours: simulated.
        interval_seconds: between two exports of a replica.
        kills: ``kill -9``, each amid one interval's exports.
    """

    replicas: int = 1_000
    hours: int = 24
    interval_seconds: int = 300
    kills: int = 100

    @property
    def steps(self) -> int:
        """Intervals in all."""
        return self.hours * 3_600 // self.interval_seconds


@dataclass
class Day:
    """One collector, its fleet, and who looks on.

    Attributes:
        tables: rows of the store at the end of the day, and after nine more days.
        states: how often each verdict was given, by model.
        cured: faults after which all that was acknowledged was there once.
        statuses: with which the collector ended when it was told to.
        log: what it wrote.
    """

    folder: Path
    plan: Plan
    memory: MemoryCourse = field(default_factory=MemoryCourse)
    readers: Readers = field(default_factory=Readers)
    tables: list[dict[str, int]] = field(default_factory=list)
    states: dict[str, dict[str, int]] = field(default_factory=dict)
    cured: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    log: str = ""

    def __post_init__(self) -> None:
        self.collector = CollectorProcess(self.folder)
        self.clock = SimulatedClock(self.collector.clock)
        self.clock.set_ns(NOON_NS)
        self.fleet = Fleet(self.plan.replicas)
        self.load = Load(self.collector.otlp_port)
        self._step = 0

    async def run(self) -> None:
        """Live the day, the quiet days and the kills.

        Raises:
            AssertionError: something was lost, counted twice, or judged wrongly.
        """
        self.collector.start()
        try:
            await self._push_baselines()
            async with self.readers.reading(self.collector):
                await self._live_the_day()
            await self._close_the_day()
            await self._grow_old()
            await self._kill()
            await self._end()
        finally:
            self.collector.kill()

    async def _push_baselines(self) -> None:
        async with httpx.AsyncClient(verify=False, timeout=60) as client:
            for model, baseline in self.fleet.baselines.items():
                address = self.collector.version(model, "/baseline")
                answer = await client.put(address, content=baseline.to_json())
                assert answer.status_code in (200, 201), answer.text

    async def _live_the_day(self) -> None:
        due = self._faults()
        for step in range(self.plan.steps):
            name, fault = due.get(step, ("", contextlib.nullcontext))
            async with fault():
                await self._send_interval(drifts=step >= self.plan.steps // 2)
            if name:
                await require_counted_once(self.collector, self.load, name)
                self.cured.append(name)
            self.memory.sample(step * self.plan.interval_seconds / 3_600, self.collector)

    def _faults(self) -> dict[int, tuple[str, Fault]]:
        """Return what goes wrong in which interval."""
        hour = 3_600
        due: list[tuple[float, str, Fault]] = [
            (0.10, "a lock held by another program", self._locked),
            (0.18, "a file that may not grow", self._limited),
            (0.26, "a clock 3 hours ahead", lambda: self._jumped(3 * hour)),
            (0.34, "a clock 2 hours behind", lambda: self._jumped(-2 * hour)),
            (0.42, "a clock 3 years ahead", lambda: self._jumped(1_100 * 24 * hour)),
            (0.65, "a lock held by another program", self._locked),
            (0.75, "a file that may not grow", self._limited),
            (0.85, "a clock a day behind", lambda: self._jumped(-24 * hour)),
        ]
        return {int(share * self.plan.steps): (name, fault) for share, name, fault in due}

    @contextlib.asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        async with self._until_refused(faults.locked(self.collector)):
            yield

    @contextlib.asynccontextmanager
    async def _limited(self) -> AsyncIterator[None]:
        async with self._until_refused(faults.file_limit(self.collector)):
            yield

    @contextlib.asynccontextmanager
    async def _until_refused(self, fault: AbstractAsyncContextManager[None]) -> AsyncIterator[None]:
        """Have a fault begin, and end once clients were refused for it, while others go on."""
        began = asyncio.Event()

        async def last() -> None:
            async with fault:
                began.set()
                await self.load.refused_some()

        task = asyncio.create_task(last())
        await began.wait()
        yield
        await task

    @contextlib.asynccontextmanager
    async def _jumped(self, seconds: float) -> AsyncIterator[None]:
        async with faults.jumped(self.clock, seconds):
            yield
            await asyncio.sleep(TIDIED_SECONDS)

    async def _send_interval(self, *, drifts: bool) -> None:
        interval = self.plan.interval_seconds
        end_ns = self.clock.passed_ns() + interval * 10**9
        exports = await asyncio.to_thread(
            self.fleet.step, self._step, end_ns=end_ns, interval_seconds=interval, drifts=drifts
        )
        self._step += 1
        self.clock.set_ns(end_ns)
        await self.load.send(exports)

    async def _close_the_day(self) -> None:
        await self.load.send(self.fleet.rest())
        self.clock.set_ns(self.clock.passed_ns() + 3 * HOUR_NS)
        await require_counted_once(self.collector, self.load, "a day")
        await require_merged_once(self.collector, self.load, days=3)
        for model in MODELS:
            await soon(partial(self._wrongly_judged, model))
        await self._require_drift_found()
        self.tables.append(rows_of_tables(self.collector.store))

    async def _wrongly_judged(self, model: str) -> dict[int, Any]:
        return differences(await judged_windows(self.collector, model), self.load.stored[model])

    async def _require_drift_found(self) -> None:
        noon = NOON_NS // HOUR_NS
        half = noon + self.plan.hours // 2
        for model in MODELS:
            counted = self.states.setdefault(model, {})
            for number, window in (await judged_windows(self.collector, model)).items():
                counted[window["state"]] = counted.get(window["state"], 0) + 1
                moved = model == DRIFTING and number >= half
                if noon <= number < noon + self.plan.hours and abs(number - half) > 2:
                    assert (window["state"] == "drift") is moved, (model, number, window["state"])
        alerts = (await read(f"{self.collector.api}/api/v1/alerts?limit=500"))["alerts"]
        firing = [alert["model"] for alert in alerts if alert["state"] == "firing"]
        assert set(firing) == {DRIFTING}, alerts

    async def _grow_old(self) -> None:
        """Let nine days go by in which nothing is sent: hours become days, detail goes."""
        self.clock.set_ns(self.clock.passed_ns() + 9 * 24 * HOUR_NS)
        await soon(self._young, seconds=120)
        self.tables.append(rows_of_tables(self.collector.store))
        await require_counted_once(self.collector, self.load, "nine days more")
        await require_merged_once(self.collector, self.load, days=30)

    async def _young(self) -> int:
        tables = rows_of_tables(self.collector.store)
        return tables["minutes"] + tables["hours"] + tables["of senders"]

    async def _kill(self) -> None:
        chance = random.Random(9)
        for number in range(self.plan.kills):
            sending = asyncio.create_task(self._send_interval(drifts=False))
            await faults.killed(self.collector, after_seconds=chance.uniform(0.05, 0.8))
            await sending
            await require_counted_once(self.collector, self.load, f"kill {number + 1}")
        await self.load.send(self.fleet.rest())
        await require_merged_once(self.collector, self.load, days=30)

    async def _end(self) -> None:
        """Have it end in good order under load, and start again."""
        sending = asyncio.create_task(self._send_interval(drifts=False))
        self.statuses.append(await faults.terminated(self.collector, after_seconds=0.3))
        await sending
        await require_counted_once(self.collector, self.load, "SIGTERM")
        await require_merged_once(self.collector, self.load, days=30)
        self.statuses.append(self.collector.terminate())
        assert self.statuses == [0, 0], self.statuses
