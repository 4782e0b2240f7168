"""The one place where empty bins get a share above zero."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["JEFFREYS", "shares"]

JEFFREYS = 0.5
"""Pseudo-count a bin: the Jeffreys prior of a multinomial. 0 gives the textbook formulas."""


def shares(counts: npt.ArrayLike, smoothing: float = JEFFREYS) -> npt.NDArray[np.float64]:
    """Return each bin's share of the total, smoothed.

    Args:
        counts: shape (bins,), zero or more.
        smoothing: added to every bin, zero or more.

    Returns:
        Shares that sum to one; all zero where there is nothing to share.

    >>> shares([0, 3], smoothing=0.5).tolist()
    [0.125, 0.875]
    """
    smoothed = np.asarray(counts, dtype=np.float64) + smoothing
    total = smoothed.sum()
    return smoothed / total if total > 0 else smoothed
