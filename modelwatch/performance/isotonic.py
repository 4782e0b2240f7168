"""Isotonic regression of a truth on a score."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_BLOCKS", "fit_isotonic"]

FloatArray = npt.NDArray[np.float64]

MAX_BLOCKS = 100
"""Levels of the fitted function; more are joined, neighbours of a hundredth of the rows together:
each is a bin edge of every summary. 50,000 independent rows have some 70."""


def fit_isotonic(scores: FloatArray, truth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the non-decreasing function of the score that is nearest to the truth.

    Least squares by pool adjacent violators (Ayer et al., 1955), rows of equal score counting as
    one. Each level holds at the mean score of its rows and the function is linear in between
    (centred isotonic regression, Oron and Flournoy, 2017): steps would be off as soon as scores
    move within one, and would rank no row of it above another.

    Args:
        scores: shape (n,), one or more, finite.
        truth: 0 or 1, or anything between, shape (n,).

    Returns:
        Breakpoints, strictly increasing, shape (k,), and the values there, non-decreasing.

    >>> at, values = fit_isotonic(np.array([0.0, 0.25, 0.75, 1.0]), np.array([0.0, 1.0, 0.0, 1.0]))
    >>> at.tolist(), values.tolist()
    ([0.0, 0.5, 1.0], [0.0, 0.5, 1.0])
    """
    from scipy import optimize  # a watched service loads this module, and never calls this

    distinct, of_row = np.unique(scores, return_inverse=True)
    rows = np.bincount(of_row).astype(np.float64)
    means = np.bincount(of_row, weights=truth) / rows
    fitted = optimize.isotonic_regression(means, weights=rows)
    starts = np.asarray(fitted.blocks[:-1], dtype=np.intp)
    if starts.size > MAX_BLOCKS:
        starts = _joined(starts, rows)
    weight = np.add.reduceat(rows, starts)
    at = np.add.reduceat(distinct * rows, starts) / weight
    levels = np.maximum.accumulate(np.add.reduceat(means * rows, starts) / weight)
    apart = np.append(True, np.diff(at) > 0)  # neighbouring floats may have one mean
    return at[apart], np.clip(levels[apart], 0.0, 1.0)


def _joined(starts: npt.NDArray[np.intp], rows: FloatArray) -> npt.NDArray[np.intp]:
    """Keep the first block that begins in each hundredth of the rows."""
    before = (np.cumsum(rows) - rows)[starts]
    hundredth = np.floor(before / rows.sum() * MAX_BLOCKS)
    first = np.append(True, np.diff(hundredth) > 0)
    return np.asarray(starts[first], dtype=np.intp)
