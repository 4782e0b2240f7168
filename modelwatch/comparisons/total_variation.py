"""Total variation distance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import checked, rows_of

__all__ = ["total_variation", "total_variation_each"]


def total_variation(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Return the largest difference in probability of any set of bins: half the sum of |q - p|.

    In [0, 1], symmetric, a metric: the share of rows that would have to change. Needs no smoothing.

    Args:
        reference: counts, shape (bins,).
        current: counts on the same bins.

    Returns:
        The distance; 0.0 where either side is empty.

    Raises:
        ConfigurationError: where the counts are not two rows of one length, or one is no count.

    >>> round(total_variation([5, 5], [9, 1]), 12)
    0.4
    """
    return float(total_variation_each(*checked(reference, current))[0])


def total_variation_each(
    reference: npt.ArrayLike, current: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return `total_variation` of each row; both sides have shape (features, bins)."""
    p, q = rows_of(reference, current)
    return np.asarray(np.abs(q - p).sum(axis=-1) / 2)
