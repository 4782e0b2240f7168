"""Hoeffding's bound on the mean so far, against the mean up to the best cut."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from modelwatch.detectors.stream_detector import Direction, StreamDetector
from modelwatch.parameter_checks import flag, number

__all__ = ["HDDM_A"]


class _Mean(NamedTuple):
    n: int
    value: float


_NOTHING: Final = _Mean(0, 0.0)


@dataclass(slots=True)
class _Means:
    so_far: _Mean = _NOTHING
    low: _Mean | None = None
    """Up to the cut that a rise is measured from."""
    high: _Mean | None = None
    """Up to the cut that a fall is measured from."""
    warning: bool = False


class HDDM_A(StreamDetector[_Means]):
    """Detects a change of the mean of bounded values (Frias-Blanco et al., 2015, the A-test).

    The mean up to a cut, n values, is compared with the mean of all N: a rise is told where it
    exceeds sqrt((N - n) / (n N) ln(2 / confidence) / 2). The cut is where mean + Hoeffding's bound
    was lowest. Needs no distribution of the values. The bound is for one comparison, and one is
    made at each value. After an alarm it starts anew at the next value.

    Alarms and warnings are river's, but for warnings in the two-sided test, where river may warn
    and alarm at the same value. Both depart from the paper in taking 2 / confidence in the
    one-sided test too, where the paper has 1: the more careful choice. A fall is told only where
    asked for; the authors' own program lets a fall restart the detector without telling it.

    Memory: constant. Not thread-safe. Takes numbers from 0 to 1: error indicators, or losses of
    that range. Values that are not finite are skipped and counted.

    Args:
        drift_confidence: chance of a false alarm in one comparison, in (0, 1).
        warning_confidence: the same of a warning, drift_confidence or more, below 1.
        two_sided_test: whether a fall is told too.

    Attributes:
        drift_detected: whether the last value raised an alarm.
        direction: of the last alarm; None before the first.
        skipped: values that were not finite.

    >>> detector = HDDM_A()
    >>> alarms = []
    >>> for index, value in enumerate([0, 0, 0, 0, 1] * 100 + [0, 1] * 100):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         alarms.append(index)
    >>> alarms
    [541]
    """

    LOWEST = 0.0
    HIGHEST = 1.0

    def __init__(
        self,
        *,
        drift_confidence: float = 0.001,
        warning_confidence: float = 0.005,
        two_sided_test: bool = False,
    ) -> None:
        self.drift_confidence = number("drift_confidence", drift_confidence, above=0.0, under=1.0)
        self.warning_confidence = number(
            "warning_confidence", warning_confidence, least=self.drift_confidence, under=1.0
        )
        self.two_sided_test = flag("two_sided_test", two_sided_test)
        self._cut_term = math.log(1.0 / self.drift_confidence)
        self._drift_term = math.log(2.0 / self.drift_confidence)
        self._warning_term = math.log(2.0 / self.warning_confidence)
        super().__init__()

    @property
    def warning_detected(self) -> bool:
        """Whether the last value was beyond the limit of a warning, and not of an alarm."""
        return self._memory.warning

    def _empty(self) -> _Means:
        return _Means()

    def _is_sound(self) -> bool:
        means = self._memory
        cuts = [cut for cut in (means.low, means.high) if cut is not None]
        return all(0 < cut.n <= means.so_far.n for cut in cuts)

    def _take(self, value: float) -> None:
        means = self._memory
        n = means.so_far.n + 1
        means.so_far = _Mean(n, means.so_far.value + 1.0 / n * (value - means.so_far.value))
        means.warning = False
        means.low = self._cut(means.low, 1.0)
        self._decide(means.low, 1.0, "rise")
        if self.two_sided_test:
            means.high = self._cut(means.high, -1.0)
            self._decide(means.high, -1.0, "fall")

    def _cut(self, cut: _Mean | None, sign: float) -> _Mean:
        """Return the mean so far where its bound is the lowest, else the mean up to the cut."""
        now = self._memory.so_far
        if cut is None:
            return now
        bound = sign * now.value + math.sqrt(1.0 / (2 * now.n) * self._cut_term)
        return (
            now
            if sign * cut.value + math.sqrt(1.0 / (2 * cut.n) * self._cut_term) >= bound
            else cut
        )

    def _decide(self, cut: _Mean, sign: float, direction: Direction) -> None:
        now = self._memory.so_far
        if cut.n == now.n:
            return
        gap = sign * (now.value - cut.value)
        spread = (now.n - cut.n) / cut.n * (1.0 / now.n) / 2
        if gap >= math.sqrt(spread * self._drift_term):
            self._alarm(direction)
            self._memory.warning = False
        elif gap >= math.sqrt(spread * self._warning_term):
            self._memory.warning = not self.drift_detected
