"""The one place where empty bins get a share above zero."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["JEFFREYS", "rows_of", "shares"]

JEFFREYS = 0.5
"""Pseudo-count a bin: the Jeffreys prior of a multinomial. 0 gives the textbook formulas."""

FloatArray = npt.NDArray[np.float64]


def shares(counts: npt.ArrayLike, smoothing: float = JEFFREYS) -> FloatArray:
    """Return each bin's share of its distribution's total, smoothed.

    Args:
        counts: shape (..., bins), zero or more.
        smoothing: added to every bin, zero or more.

    Returns:
        Shares that sum to one along the last axis; all zero where there is nothing to share.

    >>> shares([0, 3], smoothing=0.5).tolist()
    [0.125, 0.875]
    """
    smoothed = np.asarray(counts, dtype=np.float64) + smoothing
    total = smoothed.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(smoothed, total, out=np.zeros_like(smoothed), where=total > 0))


def rows_of(
    reference: npt.ArrayLike, current: npt.ArrayLike, smoothing: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Return both sides' shares, all zero in a row of which one side is empty.

    Args:
        reference: counts, shape (features, bins).
        current: counts on the same bins.
        smoothing: pseudo-count a bin.
    """
    p, q = shares(reference, smoothing), shares(current, smoothing)
    filled = np.any(reference, axis=-1) & np.any(current, axis=-1)
    p[~filled], q[~filled] = 0.0, 0.0
    return p, q
