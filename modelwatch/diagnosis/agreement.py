"""How well a map of the reference's values explains the current ones, from two summaries.

If current values are T(x) of the reference's x, with T rising, then the current distribution
function at T(e) equals the reference's at e, at each edge e. The current one is known at its own
edges, between them it lies between its neighbours, and it is 0 below the minimum and 1 from the
maximum on. What lies outside these bounds contradicts the map: a distance on the scale of the KS
statistic. It is sought both ways, from the reference's edges and from the current ones.

Where the mapped values fall in few bins, as metres do on the bins of kilometres, the bounds
say little. Then mean and spread must agree too; both are brought to the KS scale by the normal law.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import BaselineFeature
from modelwatch.comparisons.intervals import mean_shift_interval, std_ratio_interval
from modelwatch.diagnosis.whole_multiples import are_multiples, native_step, sums_are_multiples
from modelwatch.feature import FeatureProfile
from modelwatch.lazy import cached_property
from modelwatch.sketches import Histogram, Moments

__all__ = ["Comparison", "Fit", "Map", "affine"]

FloatArray = npt.NDArray[np.float64]
Function = Callable[[FloatArray], FloatArray]
Curve = tuple[FloatArray, FloatArray]
"""Bin edges, and the share of values at or below each."""

KS_OF_SHIFT = 0.4
"""KS statistic of a small shift by one standard deviation of a normal law: its density at 0."""

KS_OF_SPREAD = 0.24
"""KS statistic of a small change of a normal law's spread, by its logarithm: x phi(x) at 1."""

WIDE_BOUNDS = 0.3
"""Bounds wider than this on average tell too little: mean and spread are asked too."""

KOLMOGOROV = 1.36
"""95% point of Kolmogorov's law."""

LARGEST_NOISE = 0.08
"""Chance is allowed this much at most: a fit that bad explains nothing, however few the rows."""

COARSER = 5.0
"""A grid coarser than this many of the reference's steps is hardly hit by chance."""

LARGEST_SHIFT, LARGEST_RATIO = 3.0, 2.5
"""By how many standard deviations, and by what factor of them, plain drift may move a feature."""

CERTAINTY = 1.727
"""What widens an interval of 95% confidence to 99%, as a factor of the variance."""

SMALLEST_VARIANCE, LARGEST_VARIANCE = 1e-200, 1e200
"""Beyond, ratios of 64-bit floats overflow."""

SAME = 1e-9
"""Relative error that arithmetic on 64-bit floats may have left."""


@dataclass(frozen=True)
class Map:
    """A monotone map of values and its inverse; `rising` is False where it turns their order.

    Values outside its domain come out as NaN.
    """

    forward: Function
    inverse: Function
    rising: bool = True


def affine(factor: float, offset: float = 0.0) -> Map:
    """Return x -> factor x + offset, with a factor other than zero.

    >>> affine(2.0, 1.0).inverse(np.array([5.0])).tolist()
    [2.0]
    """
    return Map(lambda x: factor * x + offset, lambda y: (y - offset) / factor, factor > 0)


@dataclass(frozen=True)
class Fit:
    """What is left of a difference once a map is undone.

    Attributes:
        misfit: largest contradiction, on the scale of the KS statistic.
        explained: share of the plain difference that went away, in [0, 1].
    """

    misfit: float
    explained: float


@dataclass(frozen=True)
class Comparison:
    """Two summaries of one numeric feature, each with a histogram and moments.

    Attributes:
        x: the reference's histogram.
        y: the current one, on bins of its own or the same.
        a: the reference's moments.
        b: the current ones.
        chance: what chance alone makes of the KS statistic, rows coming in clusters.
        kurtosis: the reference's fourth moment over its squared variance, 3 for normal values.
        noises: one over the independent rows, of the current mean and of the reference's.
    """

    x: Histogram
    y: Histogram
    a: Moments
    b: Moments
    chance: float
    kurtosis: float = 3.0
    noises: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(
        cls, feature: BaselineFeature, reference: FeatureProfile, current: FeatureProfile
    ) -> Comparison | None:
        """Bring two summaries together; None where one has no spread or is no histogram."""
        x, y, a, b = reference.values, current.values, reference.moments, current.moments
        if not (isinstance(x, Histogram) and isinstance(y, Histogram)) or a is None or b is None:
            return None
        if not (a.variance > 0.0 and b.variance > 0.0 and x.bin_edges.size and y.bin_edges.size):
            return None
        if not all(SMALLEST_VARIANCE < side.variance < LARGEST_VARIANCE for side in (a, b)):
            return None
        phi = feature.values_effect.phi_at
        chance = KOLMOGOROV * math.sqrt(phi(b.n) / b.n + phi(a.n) / a.n)
        phi = feature.location_effect.phi_at
        noises = (phi(b.n) / b.n, phi(a.n) / a.n)
        return cls(x, y, a, b, chance, feature.kurtosis or 3.0, noises)

    @property
    def noise(self) -> float:
        """What a fit may leave unexplained by chance."""
        return min(self.chance, LARGEST_NOISE)

    @cached_property
    def restlessness(self) -> float:
        """How far blocks of the baseline lie apart beyond chance, on the scale of KS.

        Where it is large, factors and offsets come about by themselves.
        """
        a, b = (moments.n for moments in (self.a, self.b))
        independent = KOLMOGOROV**2 * (1.0 / a + 1.0 / b)
        return math.sqrt(max(self.chance**2 - independent, 0.0))

    @cached_property
    def step(self) -> float | None:
        """The step that the reference's values are multiples of, None where there is none."""
        return native_step(self.a)

    @cached_property
    def grid(self) -> Literal["kept", "left", "none"]:
        """Whether the current values are multiples of that step.

        Plain drift keeps the resolution that values are recorded in; arithmetic on them rarely
        does.
        """
        if self.step is None or sums_are_multiples(self.b, self.step) is None:
            return "none"
        return "kept" if are_multiples(self.b, self.step) else "left"

    @cached_property
    def difference(self) -> float:
        """The KS statistic as far as the bins show it: what plain drift leaves unexplained."""
        below_x, below_y = self.shares
        return float(np.abs(below_x - below_y).max(initial=0.0))

    @cached_property
    def shares(self) -> tuple[FloatArray, FloatArray]:
        """Shares of both sides at or below each edge of their own."""
        return self.x.cumulative_share(), self.y.cumulative_share()

    @property
    def shift(self) -> float:
        """How far the mean moved, in standard deviations of the reference."""
        return (self.b.mean - self.a.mean) / self.a.standard_deviation

    def quantiles(self, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the quantiles of both sides, linear within a bin."""
        return (
            self.x.quantiles(shares, self.a.minimum, self.a.maximum),
            self.y.quantiles(shares, self.b.minimum, self.b.maximum),
        )

    def fit(self, mapping: Map, difference: float | None = None) -> Fit:
        """Tell how well a map explains the difference.

        Args:
            mapping: what may have been done to the values.
            difference: what is to be explained; that of the two histograms where None.
        """
        misfit = self._misfit(mapping)
        plain = self.difference if difference is None else difference
        explained = 1.0 - misfit / plain if plain > 0.0 else 0.0
        return Fit(misfit, min(max(explained, 0.0), 1.0))

    def is_exact(self, factor: float, offset: float = 0.0) -> bool:
        """Tell whether minimum and maximum were mapped to the digit: drift does not do that.

        Zero, which any factor leaves as it is, tells nothing.
        """
        ends = (self.a.minimum, self.a.maximum)
        if offset == 0.0 and 0.0 in ends:
            return False
        lowest, highest = sorted(factor * end + offset for end in ends)
        slack = SAME * max(abs(self.b.minimum), abs(self.b.maximum))
        return abs(lowest - self.b.minimum) <= slack and abs(highest - self.b.maximum) <= slack

    @cached_property
    def is_grid_shifted(self) -> bool:
        """Whether all current values lie beside the reference's grid by one amount."""
        return (
            self.grid == "left"
            and self.step is not None
            and are_multiples(self.b, self.step, self.b.minimum)
        )

    def follows_grid(self, factor: float, offset: float = 0.0) -> bool:
        """Tell whether the current values lie on the reference's grid once that is mapped.

        Plain drift would have to hit the new grid by chance: both extremes and both sums.
        """
        if self.step is None:
            return False
        moved = abs(factor) * self.step
        is_telling = self.grid == "left" or abs(factor) >= COARSER or offset != 0.0
        return (
            is_telling
            and are_multiples(self.b, moved, offset)
            and not are_multiples(self.a, moved, offset)
            and self.is_plausible(factor, offset)
        )

    def may_be(self, factor: float) -> bool:
        """Tell whether a factor is one that both the spreads and the means allow, beside chance."""
        a, b = self.a, self.b
        now, before = (CERTAINTY * noise for noise in self.noises)
        spreads = b.standard_deviation / a.standard_deviation
        low, high = std_ratio_interval(spreads, self.kurtosis, now + before)
        shift = (b.mean - factor * a.mean) / (factor * a.standard_deviation)
        left, right = mean_shift_interval(shift, spreads / factor, now, before)
        return low <= factor <= high and left <= 0.0 <= right

    def is_plausible(self, factor: float, offset: float = 0.0) -> bool:
        """Tell whether plain drift might be all that is left once a map is undone."""
        spread = abs(factor) * self.a.standard_deviation
        shift = (self.b.mean - factor * self.a.mean - offset) / spread
        ratio = self.b.standard_deviation / spread
        return abs(shift) <= LARGEST_SHIFT and 1 / LARGEST_RATIO <= ratio <= LARGEST_RATIO

    def _misfit(self, mapping: Map) -> float:
        with np.errstate(all="ignore"):
            below_x, below_y = self.shares
            x, y = (self.x.bin_edges, below_x), (self.y.bin_edges, below_y)
            there, there_width = _contradiction(x, y, self.b, mapping.forward, mapping.rising)
            back, _ = _contradiction(y, x, self.a, mapping.inverse, mapping.rising)
            misfit = max(there, back)
            if there_width > WIDE_BOUNDS:
                misfit = max(misfit, self._misfit_of_moments(mapping))
        return misfit

    def _misfit_of_moments(self, mapping: Map) -> float:
        mean, spread = _mapped_moments(self.x, self.a, mapping.forward)
        if not spread > 0.0 or not math.isfinite(spread):
            return 1.0
        shift = abs(self.b.mean - mean) / spread
        ratio = self.b.standard_deviation / spread
        return max(KS_OF_SHIFT * shift, KS_OF_SPREAD * abs(math.log(ratio)))


def _contradiction(
    x: Curve, y: Curve, extremes: Moments, forward: Function, rising: bool
) -> tuple[float, float]:
    """Return the largest contradiction at the edges of x, and the mean width of the bounds."""
    (edges, expected), (other_edges, shares) = x, y
    at = forward(edges)
    known = ~np.isnan(at)
    if not known.all():
        at, expected = at[known], expected[known]
    if not at.size:
        return 1.0, 1.0
    heights = np.concatenate([[0.0], shares, [1.0]])
    slack = SAME * max(abs(extremes.minimum), abs(extremes.maximum))
    bins = np.searchsorted(other_edges, at, side="left")
    lower = np.where(at > extremes.maximum + slack, 1.0, heights[bins])
    upper = np.where(at < extremes.minimum - slack, 0.0, heights[bins + 1])
    if not rising:
        expected = 1.0 - expected
    missed = np.maximum(lower - expected, expected - upper)
    return float(missed.max(initial=0.0)), float((upper - lower).mean())


def _mapped_moments(x: Histogram, moments: Moments, forward: Function) -> tuple[float, float]:
    """Return mean and standard deviation of mapped values; exact where the map is affine."""
    ends = forward(np.array([moments.minimum, moments.mean, moments.maximum]))
    chord = ends[0] + (ends[2] - ends[0]) * (moments.mean - moments.minimum) / (
        moments.maximum - moments.minimum
    )
    if abs(chord - ends[1]) <= SAME * np.abs(ends).max():
        slope = abs(ends[2] - ends[0]) / (moments.maximum - moments.minimum)
        return float(ends[1]), float(slope * moments.standard_deviation)
    edges = np.concatenate([[-np.inf], x.bin_edges, [np.inf]])
    closed = np.clip(edges, moments.minimum, moments.maximum)
    middles = forward((closed[:-1] + closed[1:]) / 2)
    used = (x.counts > 0) & ~np.isnan(middles)
    if not used.any():
        return 0.0, 0.0
    mean = float(np.average(middles[used], weights=x.counts[used]))
    variance = float(np.average(np.square(middles[used] - mean), weights=x.counts[used]))
    return mean, math.sqrt(variance)
