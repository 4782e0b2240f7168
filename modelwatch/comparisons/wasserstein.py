"""Wasserstein distance of first order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import checked, checked_row, steps_of
from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import shown

__all__ = ["wasserstein_distance", "wasserstein_each", "wasserstein_of_steps"]

FURTHEST_BOUND = 1e140

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

    Raises:
        ConfigurationError: where the counts are not two rows of one length, or one is no count; or
            where the bounds are not one more, finite and in order.

    >>> wasserstein_distance([1, 1, 0], [0, 1, 1], [0.0, 1.0, 2.0, 3.0])
    1.0
    """
    x, y = checked(reference, current)
    return float(wasserstein_each(x, y, _checked_bounds(bounds, x.size))[0])


def wasserstein_each(
    reference: npt.ArrayLike, current: npt.ArrayLike, bounds: npt.ArrayLike
) -> FloatArray:
    """Return `wasserstein_distance` of each row; `bounds` has shape (features, bins + 1)."""
    return wasserstein_of_steps(steps_of(reference, current), np.asarray(bounds, np.float64))


def wasserstein_of_steps(right: FloatArray, bounds: FloatArray) -> FloatArray:
    """Return the same from the differences at upper edges that `steps_of` returns."""
    left = np.concatenate([np.zeros_like(right[:, :1]), right[:, :-1]], axis=-1)
    areas = (np.abs(left) + np.abs(right)) / 2
    crossing = left * right < 0
    low, high = left[crossing], right[crossing]
    areas[crossing] = (low**2 + high**2) / (np.abs(low) + np.abs(high)) / 2
    return np.asarray((areas * np.diff(bounds, axis=-1)).sum(axis=-1))


def _checked_bounds(bounds: npt.ArrayLike, bins: int) -> FloatArray:
    """Return the bounds of so many bins, shape (1, bins + 1)."""
    row = checked_row("bounds", bounds)
    if row.size != bins + 1:
        raise ConfigurationError(
            f"bounds are {row.size} numbers for {bins} bins: give one more than there are bins."
        )
    if not (np.abs(row) <= FURTHEST_BOUND).all() or (np.diff(row) < 0.0).any():
        raise ConfigurationError(
            f"bounds are {shown(row.tolist())}: give numbers within {FURTHEST_BOUND:g} of 0, in "
            "increasing order."
        )
    return row[None, :]
