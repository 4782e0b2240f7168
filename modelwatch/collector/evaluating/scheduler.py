"""Evaluates each finished window of each model version once, and again where data came late.

Labels come late as a rule: a window is evaluated again where a tenth more came.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from modelwatch.collector.evaluating.due_windows import choose_windows
from modelwatch.collector.evaluating.evaluation import Assessment, Evaluator
from modelwatch.collector.evaluating.label_growth import LabelGrowth
from modelwatch.collector.quick_json import to_json
from modelwatch.collector.storing.evaluation_summary import EvaluationSummary
from modelwatch.collector.storing.store import (
    Evaluation,
    EvaluationLog,
    VersionSeen,
    VersionSource,
    WindowSource,
)
from modelwatch.collector.windows import HORIZON_WINDOWS, NANOSECONDS, TimeWindow
from modelwatch.errors import ModelwatchError

__all__ = ["RoundListener", "Schedule", "Scheduler", "evaluation_of"]

AT_ONCE = 4
"""Versions evaluated at the same time: one is compared while another is read or committed, and what
is committed at the same time shares one sync of the disk."""

MOST_QUIET_SECONDS = 60.0
"""However long the interval is, listeners are called as often: silence of a version, repetitions of
an alert and the end of a silence depend on the clock alone, and on no window."""

SILENT_SECONDS = 900.0
"""How long a round may take before the scheduler counts as stuck."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When windows are evaluated, in seconds.

    Attributes:
        window_seconds: length of a window; windows are aligned to the Unix epoch.
        interval_seconds: time between two looks for finished windows.
        lateness_seconds: how long after its end a window is still waited for.
    """

    window_seconds: int
    interval_seconds: float
    lateness_seconds: float


class ScheduleStore(VersionSource, WindowSource, EvaluationLog, Protocol):
    """What the scheduler reads and writes."""


class RoundListener(Protocol):
    """Hears of what is evaluated. It must not hold evaluation up."""

    def evaluated(self, found: Assessment) -> None:
        """Take in a window whose evaluation was just committed."""
        ...

    async def round_ended(self) -> None:
        """Act on what was evaluated, and on the time.

        Called once a round, where nothing was due too, and every minute of a longer interval.

        Raises:
            StoreError: the store failed; the next round makes up for it.
        """
        ...


class Scheduler:
    """Runs in one asyncio task; comparing is done in threads, off the event loop.

    Args:
        store: where windows are read and evaluations kept.
        evaluator: compares.
        schedule: how long windows are, and how often finished ones are looked for.
        growth: tells which windows have got labels since; None where none are kept.
        listener: hears of what was evaluated.
        clock: Unix nanoseconds.
        monotonic: seconds.
    """

    def __init__(
        self,
        store: ScheduleStore,
        evaluator: Evaluator,
        schedule: Schedule,
        *,
        growth: LabelGrowth | None = None,
        listener: RoundListener | None = None,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._evaluator = evaluator
        self._schedule = schedule
        self._growth = growth
        self._listener = listener
        self._clock = clock
        self._monotonic = monotonic
        self._round_ended = monotonic()

    async def check(self) -> str:
        """Return what is wrong where no look for finished windows ended for a long time."""
        silent_seconds = self._monotonic() - self._round_ended
        if silent_seconds < max(SILENT_SECONDS, 10 * self._schedule.interval_seconds):
            return ""
        return f"no round of evaluations has ended for {silent_seconds:.0f} seconds."

    async def run(self, stop: asyncio.Event) -> None:
        """Evaluate what is due, every interval, until ``stop`` is set. Faults are logged."""
        while not stop.is_set():
            await self.run_once()
            self._round_ended = self._monotonic()
            await self._rest(stop)

    async def _rest(self, stop: asyncio.Event) -> None:
        """Wait for the next round."""
        until = self._monotonic() + self._schedule.interval_seconds
        while not stop.is_set() and (left := until - self._monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(left, MOST_QUIET_SECONDS))
            if left > MOST_QUIET_SECONDS and not stop.is_set():
                await self._tell_round()

    async def run_once(self) -> int:
        """Evaluate every window that is due; return how many were."""
        done = 0
        room = asyncio.Semaphore(AT_ONCE)

        async def run(seen: VersionSeen) -> int:
            async with room:
                return await self._run_version(seen)

        try:
            versions = await asyncio.to_thread(self._store.versions)
            done = sum(await asyncio.gather(*(run(seen) for seen in versions)))
        except ModelwatchError as error:
            logger.warning("windows cannot be evaluated: %s", error)
        await self._tell_round()
        return done

    async def _tell_round(self) -> None:
        try:
            if self._listener is not None:
                await self._listener.round_ended()
        except ModelwatchError as error:
            logger.warning("alerts cannot be brought up to date: %s", error)
        except Exception:  # the edge of a background task: alerts must not end evaluation
            logger.exception("alerts cannot be brought up to date")

    async def _run_version(self, seen: VersionSeen) -> int:
        if seen.baseline_id is None:
            return 0
        done = 0
        try:
            due = await asyncio.to_thread(self._due, seen, seen.baseline_id)
            for window, through_id in due.items():
                done += await self._evaluate(seen, window, through_id)
            if due:
                await self._correct(seen, seen.baseline_id, next(iter(due)))
        except ModelwatchError as error:
            logger.warning("%s %s cannot be evaluated: %s", seen.model, seen.version, error)
        except Exception:  # the edge of a background task: one model's data must not end them all
            logger.exception("%s %s cannot be evaluated", seen.model, seen.version)
        return done

    def _due(self, seen: VersionSeen, baseline_id: str) -> dict[TimeWindow, int]:
        """Return the windows to evaluate, oldest first, each with what was taken into account."""
        seconds = self._schedule.window_seconds
        now_ns = self._clock()
        since_ns = max(0, now_ns - HORIZON_WINDOWS * seconds * NANOSECONDS)
        evaluated = self._store.evaluated(
            seen.model, seen.version, baseline_id=baseline_id, since_ns=since_ns
        )
        due = choose_windows(
            self._store.filled_windows(
                seen.model, seen.version, seconds=seconds, since_ns=since_ns
            ),
            evaluated,
            seconds=seconds,
            before_ns=now_ns - int(self._schedule.lateness_seconds * NANOSECONDS),
        )
        if self._growth is not None:
            due += self._growth.due(seen.model, seen.version, baseline_id, evaluated)
        ordered = sorted(set(due), key=lambda window: window.end_ns)
        return {window: evaluated.get(window, -1) for window in ordered}

    async def _evaluate(self, seen: VersionSeen, window: TimeWindow, through_id: int) -> int:
        found = await asyncio.to_thread(self._evaluator.assess, seen.model, seen.version, window)
        evaluation = evaluation_of(found, self._clock())
        if evaluation is None:
            return 0
        is_whole = found.through_id >= through_id  # else its rows became part of a longer span
        if is_whole:
            await self._store.record_evaluation(seen.model, seen.version, evaluation)
        if self._growth is not None:
            labelled = found.outcomes.labels.labelled if found.outcomes else 0
            key = (seen.model, seen.version, evaluation.baseline_id)
            self._growth.evaluated(*key, found.window, labelled)
        if not is_whole:
            return 0
        if self._listener is not None:
            self._listener.evaluated(found)
        _log(found)
        return 1

    async def _correct(self, seen: VersionSeen, baseline_id: str, first: TimeWindow) -> None:
        """Commit what a window that was judged anew changes of those after it."""
        origins = self._evaluator.origins
        if origins is not None:
            for evaluation in await asyncio.to_thread(
                origins.corrected, seen.model, seen.version, baseline_id, first
            ):
                await self._store.record_evaluation(seen.model, seen.version, evaluation)


def evaluation_of(found: Assessment, evaluated_ns: int) -> Evaluation | None:
    """Return what is kept of an assessment; None where there was no baseline."""
    if found.baseline is None or found.report is None:
        return None
    return Evaluation(
        baseline_id=found.baseline.id,
        window=found.window,
        through_id=found.through_id,
        evaluated_ns=evaluated_ns,
        report=to_json(found.report.to_dict()).decode(),
        summary=EvaluationSummary.of(found.report, found.deployed),
    )


def _log(found: Assessment) -> None:
    if found.report is not None and found.report.drifted:
        drifted = [f.name for f in found.report.ranked() if f.severity == "drift"]
        logger.info("%s %s drifts in %s", found.model, found.version, ", ".join(drifted))
