"""Page-Hinkley test: a cumulative sum of deviations from the running mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from modelwatch.detectors.stream_detector import StreamDetector
from modelwatch.parameter_checks import choice, number, whole

__all__ = ["PageHinkley"]

Mode = Literal["rise", "fall", "both"]

_MODES: Final[tuple[Mode, ...]] = ("rise", "fall", "both")


@dataclass(slots=True)
class _Sums:
    n: int = 0
    mean: float = 0.0
    rise: float = 0.0
    lowest_rise: float = 0.0
    fall: float = 0.0
    highest_fall: float = 0.0


class PageHinkley(StreamDetector[_Sums]):
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
        self.min_instances = whole("min_instances", min_instances, 1)
        self.delta = number("delta", delta, least=0.0)
        self.threshold = number("threshold", threshold, above=0.0)
        self.alpha = number("alpha", alpha, above=0.0, most=1.0)
        self.mode = choice("mode", mode, _MODES)
        super().__init__()

    def _empty(self) -> _Sums:
        return _Sums()

    def _take(self, value: float) -> None:
        sums = self._memory
        sums.n += 1
        sums.mean += (value - sums.mean) / sums.n
        deviation = value - sums.mean
        sums.rise = self.alpha * sums.rise + deviation - self.delta
        sums.fall = self.alpha * sums.fall + deviation + self.delta
        sums.lowest_rise = min(sums.lowest_rise, sums.rise)
        sums.highest_fall = max(sums.highest_fall, sums.fall)
        if sums.n >= self.min_instances:
            self._decide(sums)

    def _decide(self, sums: _Sums) -> None:
        if self.mode != "fall" and sums.rise - sums.lowest_rise > self.threshold:
            self._alarm("rise")
        elif self.mode != "rise" and sums.highest_fall - sums.fall > self.threshold:
            self._alarm("fall")
