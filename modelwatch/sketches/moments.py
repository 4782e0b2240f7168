"""Count, mean, variance, minimum and maximum that merge without losing digits."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ProfileMismatch

__all__ = ["Moments"]

FloatArray = npt.NDArray[np.float64]


class Moments:
    """First two moments about a fixed shift, with the extremes.

    Kept as the mean's offset from `shift`, for which the baseline's mean serves: sums lose
    the variance where the offset is large against the spread. Merging is Chan, Golub and LeVeque's
    (1979) update. Extremes may be known where the rest is not (n = 0). Not thread-safe.

    >>> moments = Moments(shift=1e9)
    >>> moments.update(np.array([1e9 + 1.0, 1e9 + 3.0]))
    >>> moments.mean - 1e9, moments.variance
    (2.0, 2.0)
    """

    __slots__ = ("m2", "maximum", "mean_offset", "minimum", "n", "shift")

    def __init__(
        self,
        *,
        shift: float = 0.0,
        n: int = 0,
        mean_offset: float = 0.0,
        m2: float = 0.0,
        minimum: float = math.inf,
        maximum: float = -math.inf,
    ) -> None:
        self.shift = shift
        self.n = n
        self.mean_offset = mean_offset
        self.m2 = m2
        self.minimum = minimum
        self.maximum = maximum

    @property
    def mean(self) -> float:
        """The mean; NaN where nothing was counted."""
        return self.shift + self.mean_offset if self.n else math.nan

    @property
    def variance(self) -> float:
        """The unbiased variance (n - 1); NaN below two values."""
        return self.m2 / (self.n - 1) if self.n > 1 else math.nan

    @property
    def standard_deviation(self) -> float:
        """The square root of `variance`."""
        return math.sqrt(self.variance) if self.n > 1 else math.nan

    def update(self, values: FloatArray) -> None:
        """Fold in values, shape (n,), all finite."""
        if values.size:
            self._update(values, float(values.min()), float(values.max()))

    def update_ordered(self, values: FloatArray) -> None:
        """Fold in values that are sorted, smallest first."""
        if values.size:
            self._update(values, float(values[0]), float(values[-1]))

    def _update(self, values: FloatArray, minimum: float, maximum: float) -> None:
        offsets = values - self.shift
        mean = float(np.add.reduce(offsets)) / values.size
        offsets -= mean
        residual = float(np.add.reduce(offsets))
        offsets *= offsets
        squares = float(np.add.reduce(offsets))  # no BLAS: its threads stall a busy service
        m2 = max(squares - residual**2 / values.size, 0.0)
        self._add(values.size, mean, m2, minimum, maximum)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both, about this one's shift (the other's where this is empty)."""
        result = Moments(shift=self.shift if self.n else other.shift)
        for part in (self, other):
            offset = part.mean_offset + (part.shift - result.shift)
            result._add(part.n, offset, part.m2, part.minimum, part.maximum)
        return result

    def without(self, part: Moments) -> Moments:
        """Return the moments of the rest, of which `merge` with the part would give these.

        Extremes stay as they are: what they were made of is not known. Of a part whose spread is
        beyond that of the rest by a factor f, the rest keeps 16 - log10(f) digits.

        Raises:
            ProfileMismatch: where the part has more values.
        """
        n = self.n - part.n
        if n < 0:
            raise ProfileMismatch(f"{part.n} values cannot be taken from {self.n}.")
        result = Moments(shift=self.shift, minimum=self.minimum, maximum=self.maximum)
        if n:
            offset = part.mean_offset + (part.shift - self.shift)
            delta = offset - self.mean_offset
            result.n = n
            result.mean_offset = self.mean_offset - delta * part.n / n
            if n > 1:
                gap = delta * delta * self.n * part.n / n
                result.m2 = max(self.m2 - part.m2 - gap, 0.0)
        return result

    def _add(self, n: int, mean_offset: float, m2: float, minimum: float, maximum: float) -> None:
        self.minimum = min(self.minimum, minimum)
        self.maximum = max(self.maximum, maximum)
        if not n:
            return
        total = self.n + n
        delta = mean_offset - self.mean_offset
        self.m2 += m2 + delta * delta * self.n * n / total
        self.mean_offset += delta * n / total
        self.n = total
