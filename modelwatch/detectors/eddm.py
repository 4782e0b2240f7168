"""Early drift detection method: errors that come at shorter distances."""

from __future__ import annotations

import math
from dataclasses import dataclass

from modelwatch.detectors.stream_detector import StreamDetector
from modelwatch.errors import ConfigurationError, DataError
from modelwatch.parameter_checks import number, whole

__all__ = ["EDDM"]


@dataclass(slots=True)
class _Distances:
    n: int = 0
    errors: int = 0
    last_error: int = 0
    mean: float = 0.0
    m2: float = 0.0
    highest: float | None = None
    warning: bool = False


class EDDM(StreamDetector[_Distances]):
    """Detects errors that become frequent (Baena-Garcia et al., 2006).

    With p' the mean of the distances between errors, in values, s' their standard deviation and
    p' + 2 s' at its highest as the reference, it warns where the present sum is less than alpha of
    it and alarms where it is less than beta. Made for gradual changes; as the reference is the
    highest of many sums, with no allowance for their spread, it alarms on stationary streams too,
    every few hundred errors. After an alarm it starts anew at the next value.

    Alarms and warnings are river's. Both depart from the paper in that the first error counts with
    its distance from the start, the highest sum is looked for after warm_start values rather than
    errors, and a warning stays through an error that makes a new highest sum. The standard
    deviation is that of a sample (n - 1).

    Memory: constant. Not thread-safe. Takes 0 and 1 only. Values that are not finite are skipped
    and counted.

    Args:
        warm_start: errors before the first that can alarm, 1 or more.
        alpha: of a warning, in (0, 1).
        beta: of an alarm, in (0, alpha].

    Attributes:
        drift_detected: whether the last value raised an alarm.
        direction: "rise" (of the error rate) after an alarm; None before the first.
        skipped: values that were not finite.

    >>> import numpy as np
    >>> rng = np.random.default_rng(5)
    >>> stream = np.concatenate([rng.random(1_000) < 0.1, rng.random(200) < 0.5])
    >>> detector = EDDM(alpha=0.8, beta=0.75)
    >>> alarms = []
    >>> for index, value in enumerate(stream):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         alarms.append(index)
    >>> alarms
    [1044]
    """

    LOWEST = 0.0
    HIGHEST = 1.0

    def __init__(self, *, warm_start: int = 30, alpha: float = 0.95, beta: float = 0.9) -> None:
        self.warm_start = whole("warm_start", warm_start, 1)
        self.alpha = number("alpha", alpha, above=0.0, under=1.0)
        self.beta = number("beta", beta, above=0.0, under=1.0)
        if self.beta > self.alpha:
            raise ConfigurationError(f"beta is {beta}: give alpha, which is {alpha}, or less.")
        super().__init__()

    @property
    def warning_detected(self) -> bool:
        """Whether the last error was beyond the limit of a warning, and not of an alarm."""
        return self._memory.warning

    def _empty(self) -> _Distances:
        return _Distances()

    def _is_sound(self) -> bool:
        found = self._memory
        positive = found.highest is None or found.highest > 0.0
        return found.m2 >= 0.0 and found.last_error <= found.n and positive

    def _take(self, value: float) -> None:
        if value not in (0.0, 1.0):
            raise DataError(f"value is {value}: EDDM takes 1 for an error and 0 for none.")
        found = self._memory
        found.n += 1
        if value:
            found.errors += 1
            self._measure(found, found.n - found.last_error)
            found.last_error = found.n
            if found.n > self.warm_start:
                self._decide(found)

    def _measure(self, found: _Distances, distance: int) -> None:
        gap = distance - found.mean
        found.mean += 1.0 / found.errors * gap
        found.m2 += gap * (distance - found.mean)

    def _decide(self, found: _Distances) -> None:
        variance = found.m2 / (found.errors - 1) if found.errors > 1 else 0.0
        level = found.mean + 2 * math.sqrt(variance)
        if found.highest is None or level > found.highest:
            found.highest = level
        elif found.errors > self.warm_start:
            drift = level / found.highest < self.beta
            found.warning = not drift and level / found.highest < self.alpha
            if drift:
                self._alarm("rise")
