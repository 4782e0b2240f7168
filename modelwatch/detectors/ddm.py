"""Drift detection method: an error rate that leaves its lowest level."""

from __future__ import annotations

import math
from dataclasses import dataclass

from modelwatch.detectors.stream_detector import StreamDetector
from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import number, whole

__all__ = ["DDM"]


@dataclass(slots=True)
class _Rate:
    n: int = 0
    p: float = 0.0
    p_min: float | None = None
    s_min: float = 0.0
    warning: bool = False


class DDM(StreamDetector[_Rate]):
    """Detects a rise of the error rate (Gama, Medas, Castillo and Rodrigues, 2004).

    With p the error rate so far and s = sqrt(p (1 - p) / n), it warns where p + s exceeds
    p_min + 2 s_min and alarms where it exceeds p_min + 3 s_min, taken where p + s was lowest. Slow
    on small changes after a long quiet time, and prone to false alarms: the lowest of many sums is
    not a typical one. After an alarm it starts anew at the next value.

    Alarms and warnings are river's. Both depart from the paper, which compares with >=: a stream
    without errors, whose bound is 0, would alarm at every value. The lowest sum is looked for from
    the value after warm_start on.

    Memory: constant. Not thread-safe. Takes numbers from 0 to 1: error indicators, or losses of
    that range. Values that are not finite are skipped and counted.

    Args:
        warm_start: values before the first that can alarm, 1 or more.
        warning_threshold: of a warning, in s_min, above 0.
        drift_threshold: of an alarm, in s_min, warning_threshold or more.

    Attributes:
        drift_detected: whether the last value raised an alarm.
        direction: "rise" after an alarm; None before the first.
        skipped: values that were not finite.

    >>> detector = DDM()
    >>> alarms = []
    >>> for index, value in enumerate([0, 0, 0, 0, 1] * 100 + [0, 1] * 100):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         alarms.append(index)
    >>> alarms
    [565]
    """

    LOWEST = 0.0
    HIGHEST = 1.0

    def __init__(
        self,
        *,
        warm_start: int = 30,
        warning_threshold: float = 2.0,
        drift_threshold: float = 3.0,
    ) -> None:
        self.warm_start = whole("warm_start", warm_start, 1)
        self.warning_threshold = number("warning_threshold", warning_threshold, above=0.0)
        self.drift_threshold = number("drift_threshold", drift_threshold, above=0.0)
        if self.drift_threshold < self.warning_threshold:
            raise ConfigurationError(
                f"drift_threshold is {drift_threshold}: give warning_threshold, which is "
                f"{warning_threshold}, or more."
            )
        super().__init__()

    @property
    def warning_detected(self) -> bool:
        """Whether the last value was beyond the limit of a warning, and not of an alarm."""
        return self._memory.warning

    def _empty(self) -> _Rate:
        return _Rate()

    def _is_sound(self) -> bool:
        rate = self._memory
        return 0.0 <= rate.p <= 1.0 and (rate.p_min is None or 0.0 <= rate.p_min <= 1.0)

    def _take(self, value: float) -> None:
        rate = self._memory
        rate.n += 1
        rate.p += 1.0 / rate.n * (value - rate.p)
        if rate.n > self.warm_start:
            self._decide(rate, math.sqrt(max(0.0, rate.p * (1 - rate.p) / rate.n)))

    def _decide(self, rate: _Rate, s: float) -> None:
        level = rate.p + s
        if rate.p_min is None or level <= rate.p_min + rate.s_min:
            rate.p_min, rate.s_min = rate.p, s
        drift = level > rate.p_min + self.drift_threshold * rate.s_min
        rate.warning = not drift and level > rate.p_min + self.warning_threshold * rate.s_min
        if drift:
            self._alarm("rise")
