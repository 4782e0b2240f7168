"""McDiarmid's bound on weighted means before and after the best cut."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from modelwatch.detectors.stream_detector import Direction, StreamDetector
from modelwatch.parameter_checks import flag, number

__all__ = ["HDDM_W"]


class _Sample(NamedTuple):
    """Values seen as one: their weighted mean, and the sum of their squared weights."""

    ewma: float
    weight: float


@dataclass(slots=True)
class _Side:
    """What tells a change in one direction."""

    before: _Sample | None = None
    after: _Sample | None = None
    cut: float | None = None


@dataclass(slots=True)
class _Samples:
    total: _Sample | None = None
    rise: _Side = field(default_factory=_Side)
    fall: _Side = field(default_factory=_Side)
    warning: bool = False


class HDDM_W(StreamDetector[_Samples]):
    """Detects a change of the mean of bounded values (Frias-Blanco et al., 2015, the W-test).

    Exponentially weighted means, so that recent values count most, of all values up to a cut and
    of those since: a change is told where they differ by more than
    sqrt((sum of both samples' squared weights) ln(1 / confidence) / 2). The cut is where
    mean + bound was lowest. Quick on gradual changes; the bound is for one comparison, and one is
    made at each value. After an alarm it starts anew at the next value.

    Alarms and warnings are river's, but for warnings in the two-sided test, where river may warn
    and alarm at the same value. Both depart from the paper in the weights of a sample's first
    value: their squares sum up to 1 there, and to lambda_val**2 + (1 - lambda_val)**2 here, so that
    the bounds are those of a sample with one value more; after 100 values nothing is left of this.
    A fall is told only where asked for.

    Memory: constant. Not thread-safe. Takes numbers from 0 to 1: error indicators, or losses of
    that range. Values that are not finite are skipped and counted.

    Args:
        drift_confidence: chance of a false alarm in one comparison, in (0, 1).
        warning_confidence: the same of a warning, drift_confidence or more, below 1.
        lambda_val: the weight of the newest value, lambda in the paper, in (0, 1].
        two_sided_test: whether a fall is told too.

    Attributes:
        drift_detected: whether the last value raised an alarm.
        direction: of the last alarm; None before the first.
        skipped: values that were not finite.

    >>> detector = HDDM_W()
    >>> alarms = []
    >>> for index, value in enumerate([0, 0, 0, 0, 1] * 100 + [1] * 20):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         alarms.append(index)
    >>> alarms
    [512]
    """

    LOWEST = 0.0
    HIGHEST = 1.0

    def __init__(
        self,
        *,
        drift_confidence: float = 0.001,
        warning_confidence: float = 0.005,
        lambda_val: float = 0.05,
        two_sided_test: bool = False,
    ) -> None:
        self.drift_confidence = number("drift_confidence", drift_confidence, above=0.0, under=1.0)
        self.warning_confidence = number(
            "warning_confidence", warning_confidence, least=self.drift_confidence, under=1.0
        )
        self.lambda_val = number("lambda_val", lambda_val, above=0.0, most=1.0)
        self.two_sided_test = flag("two_sided_test", two_sided_test)
        self._drift_term = math.log(1.0 / self.drift_confidence)
        self._warning_term = math.log(1.0 / self.warning_confidence)
        super().__init__()

    @property
    def warning_detected(self) -> bool:
        """Whether the last value was beyond the limit of a warning, and not of an alarm."""
        return self._memory.warning

    def _empty(self) -> _Samples:
        return _Samples()

    def _is_sound(self) -> bool:
        sides = (self._memory.rise, self._memory.fall)
        samples = [
            self._memory.total,
            *(one for side in sides for one in (side.before, side.after)),
        ]
        return all(one.weight >= 0.0 for one in samples if one is not None)

    def _take(self, value: float) -> None:
        samples = self._memory
        total = samples.total = self._joined(samples.total, value)
        samples.warning = False
        self._follow(samples.rise, total, value, 1.0)
        self._decide(samples.rise, 1.0, "rise")
        if self.two_sided_test:
            self._follow(samples.fall, total, value, -1.0)
            self._decide(samples.fall, -1.0, "fall")

    def _joined(self, sample: _Sample | None, value: float) -> _Sample:
        newest, rest = self.lambda_val, 1.0 - self.lambda_val
        if sample is None:
            return _Sample(value, newest * newest + rest * rest)
        return _Sample(
            newest * value + rest * sample.ewma, newest * newest + rest * rest * sample.weight
        )

    def _follow(self, side: _Side, total: _Sample, value: float, sign: float) -> None:
        """Cut anew where the bound on the mean is the lowest, else add the value after the cut."""
        bound = sign * total.ewma + math.sqrt(total.weight * self._drift_term / 2)
        if side.cut is None or bound < side.cut:
            side.before, side.after, side.cut = total, None, bound
        else:
            side.after = self._joined(side.after, value)

    def _decide(self, side: _Side, sign: float, direction: Direction) -> None:
        if side.before is None or side.after is None:
            return
        gap = sign * (side.after.ewma - side.before.ewma)
        weight = side.before.weight + side.after.weight
        if gap > math.sqrt(weight * self._drift_term / 2):
            self._alarm(direction)
            self._memory.warning = False
        elif gap > math.sqrt(weight * self._warning_term / 2):
            self._memory.warning = not self.drift_detected
