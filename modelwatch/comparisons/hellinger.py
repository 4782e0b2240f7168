"""Hellinger distance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import checked, rows_of

__all__ = ["hellinger_distance", "hellinger_each"]


def hellinger_distance(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Return the Euclidean distance of the square roots of the shares, over sqrt(2).

    In [0, 1], symmetric, a metric (Hellinger, 1909). Needs no smoothing.

    Args:
        reference: counts, shape (bins,).
        current: counts on the same bins.

    Returns:
        The distance; 0.0 where either side is empty.

    Raises:
        ConfigurationError: where the counts are not two rows of one length, or one is no count.

    >>> hellinger_distance([1, 0], [0, 1]), round(hellinger_distance([5, 5], [9, 1]), 6)
    (1.0, 0.32492)
    """
    return float(hellinger_each(*checked(reference, current))[0])


def hellinger_each(reference: npt.ArrayLike, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return `hellinger_distance` of each row; both sides have shape (features, bins)."""
    p, q = rows_of(reference, current)
    return np.asarray(np.sqrt(np.square(np.sqrt(p) - np.sqrt(q)).sum(axis=-1) / 2))
