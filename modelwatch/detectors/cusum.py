"""Two-sided tabular CUSUM: sums of deviations from a target, in standard deviations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from modelwatch.detectors.stream_detector import LARGEST, StreamDetector
from modelwatch.parameter_checks import number, whole

__all__ = ["CUSUM"]

_LEAST_SD: Final = 1 / LARGEST
"""A smaller spread is none: sums in units of it would not be finite."""


@dataclass(slots=True)
class _Sums:
    n: int = 0
    mean: float = 0.0
    m2: float = 0.0
    sd: float | None = None
    rise: float = 0.0
    fall: float = 0.0


class CUSUM(StreamDetector[_Sums]):
    """Detects a change of the mean of a stream (Page, 1954).

    The tabular form of Montgomery (2012, section 9.1), both ways. With z = (x - target) / sd it
    keeps the sums C+ = max(0, C+ + z - k) and C- = max(0, C- - z - k) and alarms where one exceeds
    h. On independent normal values with a known target and b = h + 1.166, a false alarm comes
    every (exp(2 k b) - 2 k b - 1) / (4 k^2) values, and a shift of 2 k is found after about
    b / k - 1 / (2 k^2) (Siegmund, 1985): at k = 0.5 every 470 and after 10 with the textbooks'
    h = 5, every 70,000 and after 20 with 10. A target that is learnt is itself uncertain by
    sd / sqrt(warm_up), and costs more false alarms the shorter the warm-up is.

    A target or standard deviation that is not given is learnt from the first values, and anew
    after each alarm; while the values of the warm-up are all alike it goes on. Those that are
    given are kept, so that a stream that stays off its target goes on alarming.

    Memory: constant. Not thread-safe. Values that are not finite are skipped and counted.

    Args:
        target: mean of the undisturbed stream, in its unit; None: learnt.
        sd: standard deviation of the undisturbed stream, in its unit; None: learnt.
        k: a deviation that is tolerated, in standard deviations, 0 or more.
        h: how far a sum may stray, in standard deviations.
        warm_up: values that target and sd are learnt from, 2 or more.

    Attributes:
        drift_detected: whether the last value raised an alarm.
        direction: of the last alarm; None before the first.
        skipped: values that were not finite.

    >>> detector = CUSUM(target=0.0, sd=1.0)
    >>> alarms = []
    >>> for index, value in enumerate([0.0] * 100 + [1.5] * 100):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         alarms.append((index, detector.direction))
    >>> alarms[0]
    (110, 'rise')
    """

    def __init__(
        self,
        *,
        target: float | None = None,
        sd: float | None = None,
        k: float = 0.5,
        h: float = 10.0,
        warm_up: int = 200,
    ) -> None:
        self.target = None if target is None else number("target", target, above=-LARGEST)
        self.sd = None if sd is None else number("sd", sd, least=_LEAST_SD)
        self.k = number("k", k, least=0.0)
        self.h = number("h", h, above=0.0)
        self.warm_up = whole("warm_up", warm_up, 2)
        super().__init__()

    def _empty(self) -> _Sums:
        if self.target is None or self.sd is None:
            return _Sums()
        return _Sums(mean=self.target, sd=self.sd)

    def _is_sound(self) -> bool:
        return self._memory.m2 >= 0.0 and (self._memory.sd is None or self._memory.sd >= _LEAST_SD)

    def _take(self, value: float) -> None:
        sums = self._memory
        if sums.sd is None:
            self._learn(sums, value)
            return
        z = (value - sums.mean) / sums.sd
        sums.rise = max(0.0, sums.rise + z - self.k)
        sums.fall = max(0.0, sums.fall - z - self.k)
        if sums.rise > self.h:
            self._alarm("rise")
        elif sums.fall > self.h:
            self._alarm("fall")

    def _learn(self, sums: _Sums, value: float) -> None:
        sums.n += 1
        gap = value - sums.mean
        sums.mean += gap / sums.n
        sums.m2 += gap * (value - sums.mean)
        sd = math.sqrt(sums.m2 / (sums.n - 1)) if self.sd is None and sums.n > 1 else self.sd
        if sd is not None and sd >= _LEAST_SD and sums.n >= self.warm_up:
            sums.sd = sd
            sums.mean = sums.mean if self.target is None else self.target
