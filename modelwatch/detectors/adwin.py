"""Adaptive windowing: a window over a stream that shrinks where its mean has changed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from modelwatch.errors import ConfigurationError, FormatError

__all__ = ["ADWIN"]

Compatibility = Literal["paper", "river"]
Direction = Literal["rise", "fall"]


@dataclass(slots=True)
class _Bucket:
    """Neighbouring values: how many, their sum, and their squared deviations from their mean."""

    n: int
    total: float
    m2: float

    def joined(self, newer: _Bucket) -> _Bucket:
        gap = self.total / self.n - newer.total / newer.n
        between = self.n * newer.n * gap * gap / (self.n + newer.n)
        return _Bucket(self.n + newer.n, self.total + newer.total, self.m2 + newer.m2 + between)


class ADWIN:
    """Detects a change of the mean of a stream of bounded values (Bifet and Gavalda, 2007).

    The window is kept in buckets of exponentially growing size. Where two parts of it differ in
    mean by more than chance allows at confidence 1 - delta, a change is told and the older part
    dropped. With values in [0, 1], of which error indicators are an example, false alarms are
    bounded by delta a window; other ranges want scaling.

    Memory: about 5 log2(window) buckets. Not thread-safe. Values that are not finite are skipped
    and counted.

    Args:
        delta: the confidence parameter, in (0, 1).
        compatibility: after an alarm "paper" keeps the recent part of the window, as the paper
            does; "river" starts with an empty window at the next value, and alarms at the very
            values at which river 0.26 does.
        clock: values between two checks, 1 or more.
        max_buckets: buckets of one size before two are joined, 2 or more.
        min_window_length: fewest values on either side of a cut.
        grace_period: values before the first check.

    Attributes:
        drift_detected: whether the last value raised an alarm.
        direction: of the last alarm: whether the mean rose or fell; None before the first.
        skipped: values that were not finite.

    >>> detector = ADWIN()
    >>> stream = [0.0] * 500 + [1.0] * 100
    >>> alarms = []
    >>> for index, value in enumerate(stream):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         alarms.append(index)
    >>> alarms[0], detector.direction
    (511, 'rise')
    """

    def __init__(
        self,
        *,
        delta: float = 0.002,
        compatibility: Compatibility = "paper",
        clock: int = 32,
        max_buckets: int = 5,
        min_window_length: int = 5,
        grace_period: int = 10,
    ) -> None:
        if not 0.0 < delta < 1.0:
            raise ConfigurationError(f"delta is {delta}: give a number between 0 and 1.")
        if compatibility not in ("paper", "river"):
            raise ConfigurationError(f"compatibility is {compatibility!r}: give paper or river.")
        for name, value, least in (
            ("clock", clock, 1),
            ("max_buckets", max_buckets, 2),
            ("min_window_length", min_window_length, 1),
            ("grace_period", grace_period, 0),
        ):
            if value < least:
                raise ConfigurationError(f"{name} is {value}: give {least} or more.")
        self.delta = delta
        self.compatibility: Compatibility = compatibility
        self.clock = clock
        self.max_buckets = max_buckets
        self.min_window_length = min_window_length
        self.grace_period = grace_period
        self.reset()

    def reset(self) -> None:
        """Forget all values."""
        self._rows: list[list[_Bucket]] = [[]]  # by size, smallest first; oldest first within
        self._ticks = 0
        self.width = 0
        self._total = 0.0
        self._m2 = 0.0
        self.skipped = 0
        self.drift_detected = False
        self.direction: Direction | None = None

    @property
    def mean(self) -> float:
        """Mean of the window; NaN where it is empty."""
        return self._total / self.width if self.width else math.nan

    @property
    def variance(self) -> float:
        """Variance of the window (n); NaN where it is empty."""
        return self._m2 / self.width if self.width else math.nan

    def update(self, value: float) -> None:
        """Take one value."""
        self.update_many(1, value, 0.0)

    def update_many(self, n: int, mean: float, m2: float) -> None:
        """Take values that arrive already summed up, as neighbours that stay together.

        Args:
            n: how many, 1 or more.
            mean: their mean.
            m2: sum of their squared deviations from it, 0 or more.

        Raises:
            ConfigurationError: where n or m2 is out of range.
        """
        if n < 1 or m2 < 0.0:
            raise ConfigurationError(f"n is {n} and m2 {m2}: give 1 or more, and 0 or more.")
        if self.drift_detected and self.compatibility == "river":
            self._restart()
        self.drift_detected = False
        if not (math.isfinite(mean) and math.isfinite(m2)):
            self.skipped += n
            return
        self._insert(_Bucket(n, n * float(mean), float(m2)))
        self._compress()
        checks = (self._ticks + n) // self.clock - self._ticks // self.clock
        self._ticks += n
        if checks and self.width > self.grace_period:
            self._shrink()

    def to_state(self) -> dict[str, Any]:
        """Return all that is remembered, ready for JSON; see `from_state`."""
        rows = [[[bucket.n, bucket.total, bucket.m2] for bucket in row] for row in self._rows]
        return {**vars(self), "_rows": rows}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> ADWIN:
        """Return a detector that goes on exactly where another stopped.

        Raises:
            FormatError: where the state is not that of such a detector.
        """
        detector = cls()
        if set(state) != set(vars(detector)):
            raise FormatError("the state is not that of an ADWIN detector.")
        vars(detector).update(state)
        detector._rows = [[_Bucket(*bucket) for bucket in row] for row in state["_rows"]]
        return detector

    def _restart(self) -> None:
        skipped, direction = self.skipped, self.direction
        self.reset()
        self.skipped, self.direction = skipped, direction

    def _insert(self, bucket: _Bucket) -> None:
        self._m2 += bucket.m2
        if self.width:
            gap = bucket.total / bucket.n - self._total / self.width
            self._m2 += self.width * bucket.n * gap * gap / (self.width + bucket.n)
        self.width += bucket.n
        self._total += bucket.total
        self._rows[0].append(bucket)

    def _compress(self) -> None:
        for level, row in enumerate(self._rows):
            if len(row) <= self.max_buckets:
                return
            if level + 1 == len(self._rows):
                self._rows.append([])
            self._rows[level + 1].append(row[0].joined(row[1]))
            del row[:2]

    def _shrink(self) -> None:
        """Drop the oldest bucket as long as some cut of the window shows a change."""
        while (change := self._change()) is not None:
            self.drift_detected = True
            self.direction = change
            self._drop_oldest()

    def _change(self) -> Direction | None:
        """Return the direction of the first change found, cutting from the oldest bucket on."""
        log_term = math.log(2 * math.log(self.width) / self.delta)
        spread = 2 * self.variance * log_term
        least = self.min_window_length
        n0, total0 = 0, 0.0
        for row in reversed(self._rows):
            for bucket in row:
                n0 += bucket.n
                total0 += bucket.total
                n1 = self.width - n0
                if n1 < least:
                    return None
                if n0 < least:
                    continue
                gap = (self._total - total0) / n1 - total0 / n0
                inverse = 1 / (n0 - least + 1) + 1 / (n1 - least + 1)
                if abs(gap) > math.sqrt(spread * inverse) + 2 / 3 * log_term * inverse:
                    return "rise" if gap > 0 else "fall"
        return None

    def _drop_oldest(self) -> None:
        row = self._rows[-1]
        oldest = row.pop(0)
        if not row and len(self._rows) > 1:
            self._rows.pop()
        self.width -= oldest.n
        self._total -= oldest.total
        gap = oldest.total / oldest.n - self._total / self.width
        self._m2 -= oldest.m2 + oldest.n * self.width * gap * gap / (oldest.n + self.width)
