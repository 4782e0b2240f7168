"""Kolmogorov-Smirnov statistic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import shares

__all__ = ["ks_statistic"]


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
    p, q = shares(reference, 0.0), shares(current, 0.0)
    if not (p.any() and q.any()):
        return 0.0
    return float(np.abs(np.cumsum(q - p)).max())
