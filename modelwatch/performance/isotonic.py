"""Isotonic regression of a truth on a score."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_BLOCKS", "fit_isotonic"]

FloatArray = npt.NDArray[np.float64]

MAX_BLOCKS = 100
"""Levels of the fitted function; more are joined, neighbours of a hundredth of the rows together:
each is two bin edges of every summary. 50,000 independent rows have some 40."""


def fit_isotonic(scores: FloatArray, truth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the non-decreasing function of the score that is nearest to the truth.

    Least squares by pool adjacent violators (Ayer et al., 1955); rows of equal score count as one.
    Each level reaches from its first score to its last, and the function is linear in between.

    Args:
        scores: shape (n,), one or more, finite.
        truth: 0 or 1, or anything between, shape (n,).

    Returns:
        Breakpoints, strictly increasing, shape (k,), and the values there, non-decreasing.

    >>> at, values = fit_isotonic(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.0, 1.0, 0.0, 1.0]))
    >>> at.tolist(), values.tolist()
    ([0.1, 0.2, 0.3, 0.4], [0.0, 0.5, 0.5, 1.0])
    """
    from scipy import optimize  # a watched service loads this module, and never calls this

    distinct, of_row = np.unique(scores, return_inverse=True)
    rows = np.bincount(of_row).astype(np.float64)
    means = np.bincount(of_row, weights=truth) / rows
    fitted = optimize.isotonic_regression(means, weights=rows)
    starts = np.asarray(fitted.blocks[:-1], dtype=np.intp)
    if starts.size > MAX_BLOCKS:
        starts = _joined(starts, rows)
    ends = np.append(starts[1:], distinct.size) - 1
    weight = np.add.reduceat(rows, starts)
    levels = np.add.reduceat(means * rows, starts) / weight
    at = np.column_stack([distinct[starts], distinct[ends]]).ravel()
    values = np.repeat(np.maximum.accumulate(levels), 2)
    kept = np.append(True, np.diff(at) > 0)
    return at[kept], np.clip(values[kept], 0.0, 1.0)


def _joined(starts: npt.NDArray[np.intp], rows: FloatArray) -> npt.NDArray[np.intp]:
    """Keep the first block that begins in each hundredth of the rows."""
    before = (np.cumsum(rows) - rows)[starts]
    hundredth = np.floor(before / rows.sum() * MAX_BLOCKS)
    first = np.append(True, np.diff(hundredth) > 0)
    return np.asarray(starts[first], dtype=np.intp)
