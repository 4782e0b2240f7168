"""Wasserstein distance of first order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import rows_of

__all__ = ["wasserstein_distance", "wasserstein_each"]

FloatArray = npt.NDArray[np.float64]


def wasserstein_distance(
    reference: npt.ArrayLike, current: npt.ArrayLike, bounds: npt.ArrayLike
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

    >>> wasserstein_distance([1, 1, 0], [0, 1, 1], [0.0, 1.0, 2.0, 3.0])
    1.0
    """
    rows = np.atleast_2d(reference), np.atleast_2d(current), np.atleast_2d(bounds)
    return float(wasserstein_each(*rows)[0])


def wasserstein_each(
    reference: npt.ArrayLike, current: npt.ArrayLike, bounds: npt.ArrayLike
) -> FloatArray:
    """Return `wasserstein_distance` of each row; `bounds` has shape (features, bins + 1)."""
    p, q = rows_of(reference, current)
    right = np.cumsum(q - p, axis=-1)
    left = np.concatenate([np.zeros_like(right[:, :1]), right[:, :-1]], axis=-1)
    height = np.abs(left) + np.abs(right)
    crossing = left * right < 0
    triangles = (left**2 + right**2) / np.where(crossing, height, 1.0)
    areas = np.where(crossing, triangles, height) / 2
    return np.asarray((areas * np.diff(bounds, axis=-1)).sum(axis=-1))
