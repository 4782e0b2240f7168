"""Kolmogorov-Smirnov statistic."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.design_effect import WindowEffect
from modelwatch.comparisons.smoothing import rows_of

__all__ = ["KOLMOGOROV_MEAN_SQUARE", "KOLMOGOROV_NU", "ks_each", "ks_p_value", "ks_statistic"]

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

    >>> round(ks_statistic([10, 10, 0], [0, 10, 10]), 12)
    0.5
    """
    return float(ks_each(np.atleast_2d(reference), np.atleast_2d(current))[0])


def ks_each(reference: npt.ArrayLike, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return `ks_statistic` of each row; both sides have shape (features, bins)."""
    p, q = rows_of(reference, current)
    return np.asarray(np.abs(np.cumsum(q - p, axis=-1)).max(axis=-1, initial=0.0))


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
    from scipy import special  # a watched service loads this module, and never calls this

    square = statistic**2 / effect.noise
    if effect.is_clustered:
        return effect.tail(square / KOLMOGOROV_MEAN_SQUARE, KOLMOGOROV_NU)
    return float(special.kolmogorov(math.sqrt(square)))
