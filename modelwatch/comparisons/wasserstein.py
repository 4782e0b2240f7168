"""Wasserstein distance of first order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import shares

__all__ = ["wasserstein_distance"]


def wasserstein_distance(
    reference: npt.ArrayLike, current: npt.ArrayLike, bounds: npt.NDArray[np.float64]
) -> float:
    """Return the area between the two distribution functions, each linear within a bin.

    In the feature's unit, 0 or more; divided by the reference's standard deviation it compares
    between features.

    Args:
        reference: counts on ordered bins, shape (bins,).
        current: counts on the same bins.
        bounds: the bins' bounds, shape (bins + 1,): the outer ones are the smallest and largest
            value seen on either side.

    Returns:
        The distance; 0.0 where either side is empty.

    >>> wasserstein_distance([1, 1, 0], [0, 1, 1], np.array([0.0, 1.0, 2.0, 3.0]))
    1.0
    """
    p, q = shares(reference, 0.0), shares(current, 0.0)
    if not (p.any() and q.any()):
        return 0.0
    heights = np.concatenate([[0.0], np.cumsum(q - p)])
    left, right = heights[:-1], heights[1:]
    crossing = left * right < 0
    size = np.where(crossing, np.abs(left) + np.abs(right), 1.0)
    triangles = (left**2 + right**2) / size / 2
    trapezes = (np.abs(left) + np.abs(right)) / 2
    return float((np.where(crossing, triangles, trapezes) * np.diff(bounds)).sum())
