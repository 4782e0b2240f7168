"""Largest difference of a single bin."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import checked, rows_of

__all__ = ["l_infinity", "l_infinity_each"]


def l_infinity(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Return the largest difference of the shares of one bin, max |q - p|.

    In [0, 1], symmetric, a metric: meant for categories, of which it finds the one that moved most
    (Breck and others, Data Validation for Machine Learning, 2019). Needs no smoothing.

    Args:
        reference: counts, shape (bins,).
        current: counts on the same bins.

    Returns:
        The distance; 0.0 where either side is empty.

    Raises:
        ConfigurationError: where the counts are not two rows of one length, or one is no count.

    >>> round(l_infinity([5, 3, 2], [5, 5, 0]), 12)
    0.2
    """
    return float(l_infinity_each(*checked(reference, current))[0])


def l_infinity_each(reference: npt.ArrayLike, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return `l_infinity` of each row; both sides have shape (features, bins)."""
    p, q = rows_of(reference, current)
    return np.asarray(np.abs(q - p).max(axis=-1, initial=0.0))
