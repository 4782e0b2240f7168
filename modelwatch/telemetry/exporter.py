"""Profiles to a collector, at intervals, by a thread of its own.

What was sent once is sent again as the same bytes until it is acknowledged or finally refused, so
that a receiver can tell a repetition. What was never sent waits as profiles, and neighbours are
merged when too many wait, so that an outage costs resolution in time but no rows. Rows that the
receiver refused for good are reported with the next profile that it takes.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from modelwatch.errors import ProfileMismatch
from modelwatch.profile import Profile
from modelwatch.telemetry.transport import Outcome, Signal
from modelwatch.telemetry.wire import encode_logs, encode_metrics

__all__ = ["Exporter", "FaultGuard", "Transport"]

_MOST_WAITING: Final = 32
"""Profiles that wait unsent; beyond it the two oldest neighbours are merged."""

_FIRST_BACKOFF_SECONDS: Final = 1.0
_LONGEST_BACKOFF_SECONDS: Final = 60.0


class Transport(Protocol):
    """Delivers one serialised message; never raises for what the network does."""

    def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Outcome:
        """Send a message and say what became of it."""

    def close(self) -> None:
        """Release what is held open."""


class FaultGuard(AbstractContextManager[Any], Protocol):
    """Swallows faults inside a ``with`` block, and logs notices once per kind."""

    def notice(self, kind: str, message: str) -> None:
        """Log a warning, once per kind and interval."""


@dataclass(frozen=True)
class _Message:
    """A message that was sent, or is about to be.

    Attributes:
        signal: its kind.
        body: its bytes.
        rows: the rows that are lost if it is refused.
        dropped: the dropped rows that it reports, by reason; they are then to be reported again.
        reported_failures: the failed exports that it reports.
    """

    signal: Signal
    body: bytes
    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    reported_failures: int = 0


class Exporter:
    """Collects profiles at each interval and delivers them.

    Thread-safe. One daemon thread does all the sending, and no lock is held meanwhile. Memory: two
    encoded messages and 32 profiles.

    Rows of a refused message are counted as dropped (``export_refused``) by the next profile. Where
    a receiver takes a part of a message only, that is a failed export, but how many rows it refused
    cannot be known from its answer, and none are counted.

    Args:
        collect: returns the profiles that ended since the last call; called by the own thread.
        before_interval: called by the own thread before each interval's collection, not before a
            flush; may take its time.
        transport: delivers messages.
        resource: returns the attributes of the process.
        interval_seconds: between two exports.
        guard: swallows and logs faults.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        collect: Callable[[], Sequence[Profile]],
        before_interval: Callable[[], None],
        transport: Transport,
        resource: Callable[[], Mapping[str, str | int | float | bool]],
        interval_seconds: float,
        guard: FaultGuard,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._collect = collect
        self._before_interval = before_interval
        self._transport = transport
        self._resource = resource
        self._interval_seconds = interval_seconds
        self._guard = guard
        self._clock = clock
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
        self._messages: list[_Message] = []
        self._waiting: list[Profile] = []
        self._unreported_failures = 0
        self._unreported_dropped: Counter[str] = Counter()
        self._refusals = 0
        self._attempts = 0
        self._not_before = 0.0
        self.failures = 0

    @property
    def is_idle(self) -> bool:
        """Whether all that was collected has been delivered or finally refused."""
        return not self._messages and not self._waiting

    def start(self) -> None:
        """Start the thread, unless it runs."""
        with self._condition:
            if self._thread is not None or self._is_stopping:
                return
            self._thread = threading.Thread(target=self._run, name="modelwatch-export", daemon=True)
            thread = self._thread
        thread.start()

    def flush(self, timeout_seconds: float) -> bool:
        """Collect and deliver now; True where all was delivered in time.

        False where something still waits, or was refused, even in part, since the flush was asked.
        """
        refusals = self._refusals
        deadline = self._clock() + timeout_seconds
        with self._condition:
            if self._thread is None:
                return self.is_idle
            self._flushes_asked += 1
            ticket = self._flushes_asked
            self._flush_deadline = max(self._flush_deadline, deadline)
            self._condition.notify_all()
            done = self._condition.wait_for(
                lambda: self._flushes_done >= ticket or self._thread is None,
                timeout=timeout_seconds,
            )
        return done and self.is_idle and self._refusals == refusals

    def shutdown(self, timeout_seconds: float) -> bool:
        """Deliver what there is, and end the thread; True as for `flush`."""
        with self._condition:
            self._is_stopping = True
        return self.flush(timeout_seconds)

    def _run(self) -> None:
        due = self._clock() + self._interval_seconds
        while True:
            with self._condition:
                self._condition.wait_for(self._is_asked, timeout=self._pause_seconds(due))
                ticket, deadline = self._flushes_asked, self._flush_deadline
                is_flush, is_last = self._is_asked(), self._is_stopping
            with self._guard:
                if is_flush:
                    self.export(deadline)
                elif self._clock() >= due:
                    due = self._clock() + self._interval_seconds
                    with self._guard:
                        self._before_interval()
                    self.export()
                else:
                    self._deliver(None)
            if is_last:
                with self._guard:
                    self._transport.close()
            with self._condition:
                self._flushes_done = ticket
                self._thread = None if is_last else self._thread
                self._condition.notify_all()
            if is_last:
                return

    def export(self, deadline: float | None = None) -> None:
        """Collect, and deliver as much as can be; for the own thread, or where none runs.

        Args:
            deadline: when to give up, on the clock; while there is one, no backoff is observed.
        """
        self._waiting.extend(self._collect())
        self._shorten_waiting()
        self._deliver(deadline)

    def _is_asked(self) -> bool:
        return self._flushes_asked > self._flushes_done

    def _pause_seconds(self, due: float) -> float:
        until = due if self.is_idle else min(due, max(self._not_before, self._clock()))
        return max(until - self._clock(), 0.0)

    def _deliver(self, deadline: float | None) -> None:
        while not self.is_idle:
            now = self._clock()
            if now >= deadline if deadline is not None else now < self._not_before:
                return
            if not self._messages:
                self._messages = self._encode(self._waiting.pop(0))
                continue
            message = self._messages[0]
            remaining = None if deadline is None else deadline - now
            outcome = self._transport.send(message.signal, message.body, timeout_seconds=remaining)
            if not self._settle(message, outcome):
                return

    def _settle(self, message: _Message, outcome: Outcome) -> bool:
        """Take note of an outcome; False where the message has to be sent again later."""
        if outcome.status == "accepted":
            self._attempts = 0
            self._not_before = 0.0
            self._unreported_failures -= message.reported_failures
            self._messages.pop(0)
            return True
        self.failures += 1
        self._unreported_failures += 1
        self._guard.notice(f"export {outcome.status}", f"export failed: {outcome.message}")
        if outcome.status == "unreachable":
            self._back_off(outcome.retry_after_seconds)
            return False
        self._refusals += 1
        if outcome.status == "refused":
            self._unreported_dropped.update(message.dropped)
            self._unreported_dropped.update({"export_refused": message.rows})
        self._messages.pop(0)
        return True

    def _back_off(self, retry_after_seconds: float | None) -> None:
        wait = min(_FIRST_BACKOFF_SECONDS * 2.0**self._attempts, _LONGEST_BACKOFF_SECONDS)
        self._attempts = min(self._attempts + 1, 10)
        self._not_before = self._clock() + max(wait, retry_after_seconds or 0.0)

    def _encode(self, profile: Profile) -> list[_Message]:
        resource = self._resource()
        failures = self._unreported_failures
        profile.dropped.update(+self._unreported_dropped)
        self._unreported_dropped.clear()
        metrics = encode_metrics(profile, resource=resource, export_failures=failures)
        messages = [
            _Message(
                "metrics",
                metrics,
                rows=profile.rows,
                dropped=Counter(profile.dropped),
                reported_failures=failures,
            )
        ]
        logs = encode_logs(profile, resource=resource)
        return [*messages, _Message("logs", logs)] if logs else messages

    def _shorten_waiting(self) -> None:
        """Merge the oldest neighbours that can be merged; lose the oldest where none can."""
        while len(self._waiting) > _MOST_WAITING:
            for index in range(len(self._waiting) - 1):
                try:
                    merged = self._waiting[index].merge(self._waiting[index + 1])
                except ProfileMismatch:
                    continue
                self._waiting[index : index + 2] = [merged]
                break
            else:
                lost = self._waiting.pop(0)
                self._waiting[0].dropped["export_queue_full"] += lost.rows
                self._guard.notice("export queue", f"{lost.rows} rows were lost: too many wait.")
