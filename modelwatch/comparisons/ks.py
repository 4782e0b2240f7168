"""Kolmogorov-Smirnov statistic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.design_effect import WindowEffect
from modelwatch.comparisons.smoothing import checked, shares, steps_of
from modelwatch.comparisons.window_effects import WindowEffects

__all__ = [
    "KOLMOGOROV_MEAN_SQUARE",
    "KOLMOGOROV_NU",
    "ks_at_ends_each",
    "ks_each",
    "ks_of_steps",
    "ks_p_value",
    "ks_p_value_each",
    "ks_statistic",
]

FloatArray = npt.NDArray[np.float64]

HEAVY_BINS = 1.5
"""A bin of more than this times the mean mass is taken as one value's, at its upper bound; so is
one of more than `HEAVY_SHARE`, and one after an empty bin, as discrete values have between them."""

HEAVY_SHARE = 0.2

KOLMOGOROV_MEAN_SQUARE = np.pi**2 / 12
"""Mean of the square of a value of Kolmogorov's law, to which rows * statistic**2 converges."""

KOLMOGOROV_NU = 2.0 / (7.0 / 5.0 - 1.0)
"""Twice its squared mean over its variance: the mean of the fourth power is 7 pi**4 / 720."""


def ks_statistic(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Return the largest difference of the two distribution functions at the bin edges.

    In [0, 1]. On bins at the reference's quantiles it lies below the statistic of the raw values
    by at most the mass of one bin, 1 / bins, and by far less for shifts of location or scale.

    Args:
        reference: counts on ordered bins, shape (bins,).
        current: counts on the same bins.

    Returns:
        The statistic; 0.0 where either side is empty.

    Raises:
        ConfigurationError: where the counts are not two rows of one length, or one is no count.

    >>> round(ks_statistic([10, 10, 0], [0, 10, 10]), 12)
    0.5
    """
    return float(ks_each(*checked(reference, current))[0])


def ks_each(reference: npt.ArrayLike, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return `ks_statistic` of each row; both sides have shape (features, bins)."""
    return ks_of_steps(steps_of(reference, current))


def ks_of_steps(steps: FloatArray) -> FloatArray:
    """Return the same from the differences that `steps_of` returns."""
    return np.asarray(np.abs(steps).max(axis=-1, initial=0.0))


def ks_at_ends_each(
    counts: npt.ArrayLike, bounds: npt.NDArray[np.float64], ends: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return how far distribution functions are from 0 and 1 where the other side's begin and end.

    Of values that hold much mass and moved within a bin, as the zeros of a count do by an offset,
    the edges tell nothing, and the smallest and largest value all. Within a bin the values are
    taken as spread evenly, but for a bin of much mass, in which they are at its upper bound.

    Args:
        counts: of one side on ordered bins, shape (features, bins).
        bounds: of the bins, closed by the smallest and largest value of that side, shape
            (features, bins + 1).
        ends: smallest and largest value of the other side, shape (features, 2).

    Returns:
        The larger of both differences, shape (features,).

    >>> ks_at_ends_each([[6, 1]], np.array([[0.0, 0.0, 8.0]]), np.array([[4.0, 8.0]])).round(3)
    array([0.929])
    """
    share = shares(counts, 0.0)
    begin, end = ends[:, 0], ends[:, 1]
    first, last = bounds[:, 0], bounds[:, -1]
    # The bounds increase: the first one that is not below a point tells how many are.
    begun = (bounds < ends[:, :1]).argmin(axis=1)
    ended = (bounds <= ends[:, 1:]).argmin(axis=1)
    below, up_to = _shares_at(share, bounds, ends, np.column_stack([begun, ended]) - 1)
    below = np.where(begin <= first, 0.0, np.where(begin > last, 1.0, below))
    up_to = np.where(end < first, 0.0, np.where(end >= last, 1.0, up_to))
    return np.asarray(np.where(share.any(axis=1), np.maximum(below, 1 - up_to), 0.0))


def _shares_at(
    share: FloatArray, bounds: FloatArray, points: FloatArray, at: npt.NDArray[np.intp]
) -> tuple[FloatArray, FloatArray]:
    """Return the share of values up to two points that lie in the given bins of each row.

    Args:
        share: of each bin, shape (features, bins).
        bounds: of the bins, shape (features, bins + 1).
        points: shape (features, 2).
        at: the bin of each point; any number where the point lies outside of all.
    """
    rows, bins = np.arange(share.shape[0])[:, None], share.shape[1]
    at = np.clip(at, 0, bins - 1)
    low, high, mass = bounds[rows, at], bounds[rows, at + 1], share[rows, at]
    width = np.where(high > low, high - low, 1.0)
    part = np.clip((points - low) / width, 0.0, 1.0)
    used = np.count_nonzero(share, axis=1)[:, None]
    is_heavy = mass > HEAVY_BINS / np.maximum(used, 1)
    is_heavy |= (mass > HEAVY_SHARE) | ((at > 0) & (share[rows, at - 1] == 0))
    heights = np.cumsum(share, axis=1)[rows, at] - mass
    found = heights + np.where(is_heavy, 0.0, part) * mass
    return found[:, 0], found[:, 1]


def ks_p_value(statistic: float, effect: WindowEffect) -> float:
    """Return the chance of a statistic this large without any change.

    By Kolmogorov's asymptotic law where the reference's blocks show no dependence; it is a little
    conservative on bins, and much so on a handful of them.

    Args:
        statistic: in [0, 1].
        effect: how much the squared statistic of the reference's blocks exceeds that law.

    >>> from modelwatch.comparisons.design_effect import DesignEffect
    >>> round(ks_p_value(0.05, DesignEffect().between(1_000, 10_000)), 4)
    0.0212
    """
    return float(ks_p_value_each(np.array([statistic]), WindowEffects.of([effect]))[0])


def ks_p_value_each(statistics: FloatArray, effects: WindowEffects) -> FloatArray:
    """Return `ks_p_value` of each, shape (features,)."""
    from scipy import special  # a watched service loads this module, and never calls this

    squares = statistics**2 / effects.noise
    independent = special.kolmogorov(np.sqrt(squares))
    return effects.p_values(independent, squares / KOLMOGOROV_MEAN_SQUARE, KOLMOGOROV_NU)
