"""What watched calls leave behind until it is folded into a profile: bounded, never blocking."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from modelwatch.capture.packed_rows import Kept
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.rows import Batch
from modelwatch.profile import DURATION_BOUNDS_SECONDS

__all__ = ["CLEAN", "MOST_UNCOUNTED", "BatchEntry", "Buffer", "CallTally", "RowEntry", "Tallied"]

RowEntry = tuple[int, Kept, Any, Any, float]
"""One captured row: the plan's number, values, `CLEAN` or else extra features or None, result or
`Failure`, seconds.

A plain tuple, because making one is the cheapest way to keep five things. With the plan itself in
it, the garbage collector would look at each waiting row again and again; where all five are plain
values, it does so once."""

CLEAN: Final[tuple[()]] = ()
"""Stands for the extra features of a row that has none, and whose values have passed the plan's
checks: they need not be looked at again."""

MOST_UNCOUNTED: Final = 65_536

_MOST_ERROR_TYPES: Final = 100
_DURATION_BINS: Final = len(DURATION_BOUNDS_SECONDS) + 1


class BatchEntry(NamedTuple):
    """One captured batch."""

    plan: CapturePlan
    batch: Batch
    output: Any


@dataclass
class Tallied:
    """Calls counted without their rows."""

    durations: list[int] = field(default_factory=lambda: [0] * _DURATION_BINS)
    duration_sum_seconds: float = 0.0
    predictions: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)


class CallTally:
    """Counts calls whose rows are not kept, exactly and in bounded memory. Thread-safe.

    Attributes:
        unsampled: seconds of calls that the sample left out and that are not counted yet. The
            watched call appends to it directly, which is quicker than `record_call` by far, while
            it holds fewer than `MOST_UNCOUNTED`.
    """

    def __init__(self) -> None:
        self.unsampled: deque[float] = deque()
        self.reset()

    def reset(self) -> None:
        """Forget all counts, and take a new lock: what a forked child needs."""
        self.unsampled.clear()
        # Guards _counts. The garbage collector may end a watched generator, and so count its call,
        # in the midst of a count of the same thread.
        self._lock = threading.RLock()
        self._counts = Tallied()

    def record_call(self, duration_seconds: float | None, error_type: str = "") -> None:
        """Count a call.

        Args:
            duration_seconds: how long it took; None where that is unknown.
            error_type: the type of the exception it raised; empty where it succeeded.
        """
        with self._lock:
            counts = self._counts
            counts.predictions[_bounded(counts.predictions, error_type)] += 1
            if duration_seconds is not None:
                counts.durations[bisect_left(DURATION_BOUNDS_SECONDS, duration_seconds)] += 1
                counts.duration_sum_seconds += duration_seconds

    def record_dropped(self, reason: str, rows: int = 1) -> None:
        """Count rows that are not captured."""
        with self._lock:
            self._counts.dropped[reason] += rows

    def count_unsampled(self) -> None:
        """Count the calls in `unsampled`; for one thread at a time."""
        popleft = self.unsampled.popleft
        durations = [popleft() for _ in range(len(self.unsampled))]
        if not durations:
            return
        seconds = np.array(durations)
        found = np.bincount(
            np.searchsorted(DURATION_BOUNDS_SECONDS, seconds), minlength=_DURATION_BINS
        )
        with self._lock:
            counts = self._counts
            counts.predictions[""] += len(durations)
            counts.dropped["not_sampled"] += len(durations)
            counts.duration_sum_seconds += float(seconds.sum())
            counts.durations = [
                a + b for a, b in zip(counts.durations, found.tolist(), strict=True)
            ]

    def take(self) -> Tallied:
        """Return what was counted since the last time, and start from zero."""
        self.count_unsampled()
        with self._lock:
            taken, self._counts = self._counts, Tallied()
        return taken


class Buffer:
    """Captured rows that wait to be folded: at most so many single ones, and as many in batches.

    Any thread appends without a lock; one at a time takes. With several threads the bound may be
    exceeded by one row a thread.

    Args:
        capacity_rows: how many rows of either sort may wait.

    Attributes:
        rows: single rows, the oldest first. The watched call appends to it directly.
        capacity_rows: as given.
        plans: those that single rows refer to, by their number.
    """

    def __init__(self, capacity_rows: int) -> None:
        self.capacity_rows = capacity_rows
        self.plans: dict[int, CapturePlan] = {}
        self._superseded: set[int] = set()
        self.rows: list[RowEntry] = []
        self._batches: deque[BatchEntry] = deque()
        self.reset()

    def reset(self) -> None:
        """Forget all rows, and take a new lock: what a forked child needs."""
        # Guards _batches and _batch_rows together; for the garbage collector as above.
        self._lock = threading.RLock()
        self._batch_rows = 0
        self._batches.clear()
        self.rows.clear()

    def __len__(self) -> int:
        return len(self.rows) + self._batch_rows

    def know(self, plan: CapturePlan) -> None:
        """Keep a plan that rows are about to refer to."""
        self.plans[plan.number] = plan

    def let_go(self, plan: CapturePlan) -> None:
        """Let go of all other plans that were superseded when this was last called.

        For one thread at a time, when no row waits but those of calls that are just ending.

        Args:
            plan: the one in use.
        """
        superseded = {*self.plans.copy()} - {plan.number}
        for number in superseded & self._superseded:
            del self.plans[number]
        self._superseded = superseded - self._superseded

    def append_batch(self, entry: BatchEntry) -> bool:
        """Keep a batch; False where it does not fit."""
        with self._lock:
            if self._batch_rows + entry.batch.rows > self.capacity_rows:
                return False
            self._batches.append(entry)
            self._batch_rows += entry.batch.rows
            return True

    def take_rows(self, limit: int) -> list[RowEntry]:
        """Take the oldest single rows, at most so many; for one thread at a time."""
        taken = self.rows[:limit]
        del self.rows[: len(taken)]
        return taken

    def take_batch(self) -> BatchEntry | None:
        """Take the oldest batch, or None."""
        with self._lock:
            if not self._batches:
                return None
            entry = self._batches.popleft()
            self._batch_rows -= entry.batch.rows
            return entry


def _bounded(counts: Counter[str], error_type: str) -> str:
    known = error_type in counts or len(counts) < _MOST_ERROR_TYPES
    return error_type if known else "_OTHER"
