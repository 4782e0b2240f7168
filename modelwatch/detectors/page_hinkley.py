"""Page-Hinkley test: a cumulative sum of deviations from the running mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from modelwatch.errors import ConfigurationError, FormatError

__all__ = ["PageHinkley"]

Direction = Literal["rise", "fall"]
Mode = Literal["rise", "fall", "both"]


class PageHinkley:
    """Detects a change of the mean of a stream (Page, 1954; Hinkley, 1971).

    Quick on abrupt changes, and prone to false alarms where the threshold is low against the
    stream's spread. After an alarm it starts anew at the next value. Memory: constant. Not
    thread-safe. Values that are not finite are skipped and counted.

    Args:
        min_instances: values before the first alarm.
        delta: a deviation that is tolerated, in the stream's unit.
        threshold: how far the sum may stray, lambda in the papers.
        alpha: how much of the sum is kept at each value, in (0, 1].
        mode: which change is told.

    Attributes:
        drift_detected: whether the last value raised an alarm.
        direction: of the last alarm; None before the first.
        skipped: values that were not finite.

    >>> detector = PageHinkley(threshold=20)
    >>> alarms = []
    >>> for index, value in enumerate([0.0] * 100 + [1.0] * 100):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         alarms.append((index, detector.direction))
    >>> alarms
    [(122, 'rise')]
    """

    def __init__(
        self,
        *,
        min_instances: int = 30,
        delta: float = 0.005,
        threshold: float = 50.0,
        alpha: float = 0.9999,
        mode: Mode = "both",
    ) -> None:
        if min_instances < 1:
            raise ConfigurationError(f"min_instances is {min_instances}: give 1 or more.")
        if not delta >= 0.0 or not threshold > 0.0:
            raise ConfigurationError(
                f"delta is {delta} and threshold {threshold}: give 0 or more, and more than 0."
            )
        if not 0.0 < alpha <= 1.0:
            raise ConfigurationError(f"alpha is {alpha}: give a number above 0 and up to 1.")
        if mode not in ("rise", "fall", "both"):
            raise ConfigurationError(f"mode is {mode!r}: give rise, fall or both.")
        self.min_instances = min_instances
        self.delta = delta
        self.threshold = threshold
        self.alpha = alpha
        self.mode: Mode = mode
        self.reset()

    def reset(self) -> None:
        """Forget all values."""
        self._n = 0
        self._mean = 0.0
        self._rise = self._lowest_rise = 0.0
        self._fall = self._highest_fall = 0.0
        self.skipped = 0
        self.drift_detected = False
        self.direction: Direction | None = None

    def update(self, value: float) -> None:
        """Take one value."""
        if self.drift_detected:
            self._restart()
        if not math.isfinite(value):
            self.skipped += 1
            return
        self._n += 1
        self._mean += (value - self._mean) / self._n
        deviation = value - self._mean
        self._rise = self.alpha * self._rise + deviation - self.delta
        self._fall = self.alpha * self._fall + deviation + self.delta
        self._lowest_rise = min(self._lowest_rise, self._rise)
        self._highest_fall = max(self._highest_fall, self._fall)
        if self._n >= self.min_instances:
            self._decide()

    def to_state(self) -> dict[str, Any]:
        """Return all that is remembered, ready for JSON; see `from_state`."""
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> PageHinkley:
        """Return a detector that goes on exactly where another stopped.

        Raises:
            FormatError: where the state is not that of such a detector.
        """
        detector = cls()
        if set(state) != set(vars(detector)):
            raise FormatError("the state is not that of a PageHinkley detector.")
        vars(detector).update(state)
        return detector

    def _restart(self) -> None:
        skipped, direction = self.skipped, self.direction
        self.reset()
        self.skipped, self.direction = skipped, direction

    def _decide(self) -> None:
        rose = self._rise - self._lowest_rise > self.threshold
        fell = self._highest_fall - self._fall > self.threshold
        if rose and self.mode != "fall":
            self.drift_detected, self.direction = True, "rise"
        elif fell and self.mode != "rise":
            self.drift_detected, self.direction = True, "fall"
