"""Adaptive windowing: a window over a stream that shrinks where its mean has changed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import reduce
from typing import Final, Literal, NamedTuple, TypeAlias

from modelwatch.detectors.stream_detector import LARGEST, StreamDetector, as_float
from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import choice, number, whole

__all__ = ["ADWIN"]

Compatibility = Literal["paper", "river"]

_MODES: Final[tuple[Compatibility, ...]] = ("paper", "river")


_Bucket: TypeAlias = tuple[int, float, float]
"""Neighbouring values: how many, their sum, and their squared deviations from their mean."""


def _joined(older: _Bucket, newer: _Bucket) -> _Bucket:
    n0, total0, m0 = older
    n1, total1, m1 = newer
    gap = total0 / n0 - total1 / n1
    return n0 + n1, total0 + total1, m0 + m1 + n0 * n1 * gap * gap / (n0 + n1)


@dataclass(slots=True)
class _Window:
    rows: list[list[_Bucket]] = field(default_factory=lambda: [[]])
    """By size, smallest first; oldest first within."""
    ticks: int = 0
    width: int = 0
    total: float = 0.0
    m2: float = 0.0

    def oldest_first(self) -> list[_Bucket]:
        return [bucket for row in reversed(self.rows) for bucket in row]

    def insert(self, n: int, total: float, m2: float) -> None:
        self.m2 += m2
        if self.width:
            gap = total / n - self.total / self.width
            self.m2 += self.width * n * gap * gap / (self.width + n)
        self.width += n
        self.total += total
        self.rows[0].append((n, total, m2))

    def compress(self, max_buckets: int) -> None:
        for level, row in enumerate(self.rows):
            if len(row) <= max_buckets:
                return
            if level + 1 == len(self.rows):
                self.rows.append([])
            self.rows[level + 1].append(_joined(row[0], row[1]))
            del row[:2]

    def drop_oldest(self, buckets: int) -> None:
        """Drop so many buckets, and sum up the rest anew: differences would lose digits."""
        for row in reversed(self.rows):
            gone = min(buckets, len(row))
            del row[:gone]
            buckets -= gone
        while not self.rows[-1] and len(self.rows) > 1:
            self.rows.pop()
        self.width, self.total, self.m2 = reduce(_joined, self.oldest_first())


class _Cut(NamedTuple):
    """Where a window parts: buckets before it, and the gap of the means in units of its bound."""

    buckets: int
    gap: float


class ADWIN(StreamDetector[_Window]):
    """Detects a change of the mean of a stream of bounded values (Bifet and Gavalda, 2007).

    The window is kept in buckets of exponentially growing size. Where two parts of it differ in
    mean by more than chance allows at confidence 1 - delta, a change is told and the older part
    dropped. With values in [0, 1], of which error indicators are an example, false alarms are
    bounded by delta a window; other ranges want scaling.

    The paper drops the oldest bucket as long as any cut shows a change. What is left of the old
    part is then too little to be told from the new one, but is told some checks later: one change
    raises about four alarms. Here all that is older than the clearest cut, the one whose gap is
    the most in units of its bound, is dropped at once. The first alarm comes at the same value,
    and nearly always is the only one.

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
    >>> alarms, detector.direction
    ([511], 'rise')
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
        self.delta = number("delta", delta, above=0.0, under=1.0)
        self.compatibility = choice("compatibility", compatibility, _MODES)
        self.clock = whole("clock", clock, 1)
        self.max_buckets = whole("max_buckets", max_buckets, 2)
        self.min_window_length = whole("min_window_length", min_window_length, 1)
        self.grace_period = whole("grace_period", grace_period, 0)
        super().__init__()

    @property
    def width(self) -> int:
        """Values in the window."""
        return self._memory.width

    @property
    def mean(self) -> float:
        """Mean of the window; NaN where it is empty."""
        return self._memory.total / self.width if self.width else math.nan

    @property
    def variance(self) -> float:
        """Variance of the window (n); NaN where it is empty."""
        return self._memory.m2 / self.width if self.width else math.nan

    def update_many(self, n: int, mean: float, m2: float) -> None:
        """Take values that arrive already summed up, as neighbours that stay together.

        Args:
            n: how many, 1 or more.
            mean: their mean.
            m2: sum of their squared deviations from it, 0 or more.

        Raises:
            ConfigurationError: where n or m2 is out of range.
            DataError: where the mean or m2 is no number.
        """
        rows = whole("n", n, 1)
        centre, spread = as_float("mean", mean), as_float("m2", m2)
        if spread < 0.0:
            raise ConfigurationError(f"m2 is {spread}: give 0 or more.")
        if self.drift_detected:
            self._resume()
        if -LARGEST < centre < LARGEST and spread < LARGEST * LARGEST:
            self._insert(rows, rows * centre, spread)
        else:
            self.skipped += rows

    def _empty(self) -> _Window:
        return _Window()

    def _resume(self) -> None:
        if self.compatibility == "river":
            super()._resume()
        self.drift_detected = False

    def _take(self, value: float) -> None:
        self._insert(1, value, 0.0)

    def _is_sound(self) -> bool:
        buckets = self._memory.oldest_first()
        return (
            sum(n for n, _, _ in buckets) == self.width
            and all(n and m2 >= 0.0 for n, _, m2 in buckets)
            and bool(self._memory.rows)
            and self._memory.m2 >= 0.0
        )

    def _insert(self, n: int, total: float, m2: float) -> None:
        window = self._memory
        window.insert(n, total, m2)
        if len(window.rows[0]) > self.max_buckets:
            window.compress(self.max_buckets)
        before = window.ticks // self.clock
        window.ticks += n
        if window.ticks // self.clock > before and window.width > self.grace_period:
            self._check()

    def _check(self) -> None:
        cut = self._clearest_change()
        if cut.buckets:
            self._alarm("rise" if cut.gap > 0 else "fall")
            self._memory.drop_oldest(cut.buckets)

    def _clearest_change(self) -> _Cut:
        """Return the cut whose gap is most in units of its bound; no buckets where none is more."""
        window, least = self._memory, self.min_window_length
        log_term = math.log(2 * math.log(window.width) / self.delta)
        spread = 2 * window.m2 / window.width * log_term
        clearest = _Cut(0, 1.0)
        n0, total0 = 0, 0.0
        for buckets, (n, total, _) in enumerate(window.oldest_first(), 1):
            n0 += n
            total0 += total
            n1 = window.width - n0
            if n1 < least:
                break
            if n0 < least:
                continue
            gap = (window.total - total0) / n1 - total0 / n0
            inverse = self._noise(n0, n1)
            if gap * gap <= spread * inverse:
                continue  # far from its bound, as most are: save the root
            ratio = gap / (math.sqrt(spread * inverse) + 2 / 3 * log_term * inverse)
            if abs(ratio) > abs(clearest.gap):
                clearest = _Cut(buckets, ratio)
        return clearest

    def _noise(self, n0: int, n1: int) -> float:
        """Return the variance of the gap of means of n0 and n1 values, in that of one value."""
        least = self.min_window_length - 1
        return 1 / (n0 - least) + 1 / (n1 - least)
