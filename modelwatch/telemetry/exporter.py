"""Profiles and events to a collector, at intervals, by a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from random import SystemRandom
from typing import Final

from modelwatch.profile import Profile
from modelwatch.telemetry.backoff import Backoff, Schedule
from modelwatch.telemetry.export_options import ExportOptions
from modelwatch.telemetry.export_queue import ExportQueue, FaultGuard, Told
from modelwatch.telemetry.privacy import Privacy
from modelwatch.telemetry.transport import Outcome, Transport

__all__ = ["Exporter"]


_chance: Final = SystemRandom()

_FAULT: Final = Outcome(status="unreachable", message="a fault of its own")


def _no_events() -> tuple[Sequence[Told], Mapping[str, int]]:
    return (), {}


class Exporter:
    """Collects profiles and events at each interval and delivers them.

    Thread-safe. One daemon thread does all the sending, and no lock is held meanwhile. All waiting
    is by a monotonic clock: one that is set has no influence. What waits is bounded and counted,
    as `ExportQueue` says.

    Args:
        collect: returns the profiles that ended since the last call; called by the own thread.
        before_interval: called by the own thread before each interval's collection, not before a
            flush; may take its time.
        transport: delivers messages.
        resource: returns the attributes of the process.
        privacy: returns what is held back; nothing where it is left out.
        interval_seconds: between two exports; the first comes within it, at a moment drawn by
            chance, and the others keep its phase.
        guard: swallows and logs faults.
        collect_events: returns the events, predictions and labels since the last call, and how many
            were lost before, by reason; likewise.
        options: what is sent, and how much may wait.
        clock: monotonic seconds.
        random: gives numbers in [0, 1). The default is the same in no two processes, however they
            were forked or seeded, and disturbs no seed of the service.
    """

    def __init__(
        self,
        *,
        collect: Callable[[], Sequence[Profile]],
        before_interval: Callable[[], None],
        transport: Transport,
        resource: Callable[[], Mapping[str, str | int | float | bool]],
        privacy: Callable[[], Privacy] = Privacy,
        interval_seconds: float,
        guard: FaultGuard,
        collect_events: Callable[[], tuple[Sequence[Told], Mapping[str, int]]] = _no_events,
        options: ExportOptions | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = _chance.random,
    ) -> None:
        self._collect = collect
        self._collect_events = collect_events
        self._before_interval = before_interval
        self._transport = transport
        self._resource = resource
        self._privacy = privacy
        self._interval_seconds = interval_seconds
        self._guard = guard
        self._options = options if options is not None else ExportOptions()
        self._clock = clock
        self._random = random
        self.reset()

    def reset(self) -> None:
        """Forget all that waits, the thread and its lock: what a forked child needs."""
        self._condition = threading.Condition()  # guards the five below
        self._thread: threading.Thread | None = None
        self._flushes_asked = 0
        self._flushes_done = 0
        self._flush_deadline = 0.0
        self._is_stopping = False
        # Only the own thread changes these.
        self._queue = ExportQueue(
            resource=self._resource,
            options=self._options,
            guard=self._guard,
            privacy=self._privacy,
        )
        self._backoff = Backoff(self._random)
        self._schedule = Schedule(self._interval_seconds, self._random, self._clock())
        self._not_before = 0.0
        self.failures = 0

    @property
    def is_idle(self) -> bool:
        """Whether all that was collected has been delivered or finally refused."""
        return self._queue.is_empty

    def start(self) -> None:
        """Start the thread, unless it runs."""
        with self._condition:
            if self._thread is not None or self._is_stopping:
                return
            self._schedule = Schedule(self._interval_seconds, self._random, self._clock())
            self._thread = threading.Thread(target=self._run, name="modelwatch-export", daemon=True)
            thread = self._thread
        thread.start()

    def flush(self, timeout_seconds: float) -> bool:
        """Collect and deliver now; True where all was delivered in time.

        False where something still waits, or was refused, even in part, since the flush was asked.
        A wait that a receiver asked for is not observed: each message is tried once.
        """
        refusals = self._queue.refusals
        with self._condition:
            if self._thread is None:
                return self.is_idle
            ticket = self._ask(timeout_seconds)
            done = self._condition.wait_for(
                lambda: self._flushes_done >= ticket or self._thread is None,
                timeout=timeout_seconds,
            )
        return done and self.is_idle and self._queue.refusals == refusals

    def begin_shutdown(self, timeout_seconds: float) -> None:
        """Have the thread deliver what there is, and end; returns at once."""
        with self._condition:
            if self._thread is not None and not self._is_stopping:
                self._ask(timeout_seconds)
            self._is_stopping = True

    def shutdown(self, timeout_seconds: float) -> bool:
        """Deliver what there is, and end the thread; True as for `flush`."""
        self.begin_shutdown(timeout_seconds)
        return self.flush(timeout_seconds)

    def export(self, deadline: float | None = None) -> None:
        """Collect, and deliver as much as can be; for the own thread, or where none runs.

        Args:
            deadline: when to give up, on the clock; while there is one, no backoff is observed.
        """
        self._queue.add(self._collect(), *self._collect_events())
        self._deliver(deadline)

    def _ask(self, timeout_seconds: float) -> int:
        """Ask the thread for a flush; the condition is held."""
        self._flushes_asked += 1
        self._flush_deadline = max(self._flush_deadline, self._clock() + timeout_seconds)
        self._condition.notify_all()
        return self._flushes_asked

    def _run(self) -> None:
        is_last = False
        while not is_last:
            with self._condition:
                self._condition.wait_for(self._is_asked, timeout=self._pause_seconds())
                ticket, deadline = self._flushes_asked, self._flush_deadline
                is_flush, is_last = self._is_asked(), self._is_stopping and self._is_asked()
            with self._guard:
                self._work(deadline if is_flush else None)
            if is_last:
                with self._guard:
                    self._transport.close()
            with self._condition:
                self._flushes_done = self._flushes_asked if is_last else ticket
                self._thread = None if is_last else self._thread
                self._condition.notify_all()

    def _work(self, flush_deadline: float | None) -> None:
        if flush_deadline is not None:
            self.export(flush_deadline)
        elif self._clock() >= self._schedule.due:
            self._schedule.advance(self._clock())
            with self._guard:
                self._before_interval()
            self.export()
        else:
            self._deliver(None)

    def _is_asked(self) -> bool:
        return self._flushes_asked > self._flushes_done

    def _pause_seconds(self) -> float:
        until = self._schedule.due
        if not self.is_idle:
            until = min(until, self._not_before)
        return max(until - self._clock(), 0.0)

    def _deliver(self, flush_deadline: float | None) -> None:
        round_end = self._clock() + self._options.round_timeout_seconds
        deadline = round_end if flush_deadline is None else flush_deadline
        while (message := self._queue.head()) is not None:
            now = self._clock()
            if flush_deadline is None and now < self._not_before:
                return
            if now >= deadline:
                self._not_before = max(self._not_before, self._schedule.due)
                return
            outcome = _FAULT
            try:
                outcome = self._transport.send(
                    message.signal, message.body, timeout_seconds=deadline - now
                )
            finally:
                is_done = self._settle(outcome)
            if not is_done:
                return

    def _settle(self, outcome: Outcome) -> bool:
        """Take note of an outcome; False where nothing is to be sent for a while."""
        is_done = self._queue.settle(outcome)
        if outcome.status == "accepted":
            self._backoff.reset()
            self._not_before = 0.0
            return is_done
        self.failures += 1
        self._guard.notice(f"export {outcome.status}", f"export failed: {outcome.message}")
        if outcome.status == "unreachable":
            wait = self._backoff.next_seconds(outcome.retry_after_seconds)
            self._not_before = self._clock() + wait
        return is_done
