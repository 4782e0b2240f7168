"""Kolmogorov-Smirnov windowing: the newest values against a sample of those before them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.detectors.stream_detector import StreamDetector
from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import number, whole

__all__ = ["KSWIN"]

_MOST_VALUES: Final = 20_000
_DRAWN_AHEAD: Final = 8_192
"""Random numbers that are drawn in one call, about."""


@dataclass(slots=True)
class _Window:
    values: npt.NDArray[np.float64]
    """In order of time; those from `filled` on are not yet seen."""
    filled: int = 0
    tests: int = 0
    distance: int | None = None


class KSWIN(StreamDetector[_Window]):
    """Detects a change of the distribution of a stream (Raab, Heusinger and Schleif, 2020).

    Of the last window_size values the newest stat_size are compared, at each value, with as many
    drawn without replacement from those before, by the two-sample Kolmogorov-Smirnov test: its
    statistic, and its exact two-sided p-value, are those of `scipy.stats.ks_2samp`. An alarm is
    told where p <= alpha, and leaves the newest stat_size values in the window. As one test is
    made at each value, the chance of a false alarm grows with the stream: alpha is no rate of
    false alarms.

    How this departs from river: river also wants a statistic above 0.1, which matters for
    stat_size above 600 only; and after an alarm it starts with an empty window and the same
    sequence of random numbers again, where the paper, and this, keep the newest values and go on.
    The paper approximates the p-value's limit by sqrt(-ln(alpha) / stat_size); here, as in river,
    it is exact. Draws are numpy's, not those of the module that river takes.

    Memory: window_size values, and 8,192 numbers drawn ahead. Time: window_size log window_size a
    value. Not thread-safe. Values that are not finite are skipped and counted.

    Args:
        alpha: the p-value that alarms, in (0, 1).
        window_size: values in the window, 2 stat_size to 20,000.
        stat_size: values in each sample, r in the paper, 2 or more.
        seed: of the draws, 0 or more; detectors of the same seed draw alike.

    Attributes:
        drift_detected: whether the last value raised an alarm.
        direction: always None: distributions may differ in any way.
        skipped: values that were not finite.

    >>> detector = KSWIN(seed=1)
    >>> alarms = []
    >>> for index, value in enumerate([0.0, 1.0] * 200 + [2.0, 3.0] * 50):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         alarms.append(index)
    >>> alarms
    [413]
    """

    def __init__(
        self,
        *,
        alpha: float = 0.005,
        window_size: int = 100,
        stat_size: int = 30,
        seed: int = 0,
    ) -> None:
        self.alpha = number("alpha", alpha, above=0.0, under=1.0)
        self.window_size = whole("window_size", window_size, 4, _MOST_VALUES)
        self.stat_size = whole("stat_size", stat_size, 2, self.window_size // 2)
        self.seed = whole("seed", seed, 0)
        self._critical = _critical_distance(self.stat_size, self.alpha)
        older = self.window_size - self.stat_size
        self._signs = np.repeat(np.array([0, 1]), [older, self.stat_size])
        self._drawn = -1, np.empty((0, 0), dtype=np.intp)
        super().__init__()

    @property
    def statistic(self) -> float:
        """The largest gap between the samples' distributions; NaN where no test was made last."""
        distance = self._memory.distance
        return math.nan if distance is None else distance / self.stat_size

    @property
    def p_value(self) -> float:
        """The chance of such a statistic without a change; NaN where no test was made last."""
        distance = self._memory.distance
        return math.nan if distance is None else _p_value(self.stat_size, distance)

    def _empty(self) -> _Window:
        return _Window(np.zeros(self.window_size))

    def _is_sound(self) -> bool:
        window = self._memory
        distance = 0 if window.distance is None else window.distance
        is_of_size = window.values.shape == (self.window_size,)
        return is_of_size and window.filled <= self.window_size and distance <= self.stat_size

    def _resume(self) -> None:
        self.drift_detected = False
        window = self._memory
        window.values[: self.stat_size] = window.values[-self.stat_size :].copy()
        window.filled = self.stat_size
        window.distance = None

    def _take(self, value: float) -> None:
        window = self._memory
        if window.filled < self.window_size:
            window.values[window.filled] = value
            window.filled += 1
        else:
            window.values[:-1] = window.values[1:]
            window.values[-1] = value
        if window.filled == self.window_size:
            window.distance = self._distance(window.values, self._draw(window.tests))
            window.tests += 1
            if window.distance >= self._critical:
                self._alarm(None)

    def _distance(self, values: npt.NDArray[np.float64], drawn: npt.NDArray[np.intp]) -> int:
        """Return the KS statistic times stat_size: newest values count 1, those drawn -1."""
        signs = self._signs.copy()
        signs[drawn] = -1
        order = values.argsort()
        in_order = values[order]
        is_last_of_equals = in_order[1:] != in_order[:-1]
        gaps = signs[order].cumsum()[:-1] * is_last_of_equals
        return int(max(gaps.max(), -gaps.min()))

    def _draw(self, test: int) -> npt.NDArray[np.intp]:
        """Return what the test compares with: a function of its number and the seed alone.

        A sample is the places of the stat_size smallest of as many random numbers as there are
        values to draw from. Samples are drawn ahead in blocks, as the calls cost more than they do.
        """
        older = self.window_size - self.stat_size
        tests = max(1, _DRAWN_AHEAD // older)
        block, row = divmod(test, tests)
        if self._drawn[0] != block:
            bits = np.random.PCG64(self.seed).advance(block * tests * older)
            numbers = np.random.Generator(bits).random((tests, older))
            places = numbers.argpartition(self.stat_size - 1, axis=1)
            self._drawn = block, places[:, : self.stat_size].copy()
        sample: npt.NDArray[np.intp] = self._drawn[1][row]
        return sample


def _p_value(size: int, distance: int) -> float:
    """Return P(D >= distance / size) for two samples of one size (Gnedenko and Korolyuk, 1951)."""
    if distance == 0:
        return 1.0
    paths = sum(
        (1 if i % 2 else -1) * math.comb(2 * size, size - i * distance)
        for i in range(1, size // distance + 1)
    )
    return 2 * paths / math.comb(2 * size, size)


def _critical_distance(size: int, alpha: float) -> int:
    """Return the least distance with a p-value of alpha or less."""
    low, high = 0, size
    if _p_value(size, high) > alpha:
        raise ConfigurationError(
            f"alpha is {alpha}, which two samples of {size} can't reach: give a larger stat_size."
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _p_value(size, middle) <= alpha else (middle, high)
    return high
