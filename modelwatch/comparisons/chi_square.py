"""Two-sample chi-square statistic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["ChiSquare", "chi_square"]

FloatArray = npt.NDArray[np.float64]

SMALLEST_EXPECTED = 0.5
"""Cells in which fewer current rows are expected are judged together: one row in a cell that the
reference never had would otherwise weigh as much as the samples' ratio."""


@dataclass(frozen=True)
class ChiSquare:
    """A statistic and its degrees of freedom (cells used, less one)."""

    statistic: float
    degrees_of_freedom: int


def chi_square(reference: npt.ArrayLike, current: npt.ArrayLike) -> ChiSquare:
    """Return Pearson's statistic of the hypothesis that both samples have one distribution.

    Both are treated as samples: taking the reference as exact raises false alarms.

    Args:
        reference: counts, shape (cells,).
        current: counts on the same cells.

    Returns:
        The statistic of the 2 x cells contingency table; 0 with 0 degrees of freedom where either
        side is empty or only one cell is used.

    >>> result = chi_square([50, 50], [60, 40])
    >>> round(result.statistic, 6), result.degrees_of_freedom
    (2.020202, 1)
    """
    x, y = np.asarray(reference, np.float64), np.asarray(current, np.float64)
    m, n = x.sum(), y.sum()
    if not (m and n):
        return ChiSquare(0.0, 0)
    x, y = _pooled(x, y, n / (n + m))
    common = (x + y) / (n + m)
    statistic = ((y / n - x / m) ** 2 / common).sum() / (1 / n + 1 / m)
    return ChiSquare(float(statistic), x.size - 1)


def _pooled(x: FloatArray, y: FloatArray, current_share: float) -> tuple[FloatArray, FloatArray]:
    """Drop empty cells, and put cells of too small expectation into one."""
    kept = (x + y) * current_share >= SMALLEST_EXPECTED
    rest_x, rest_y = x[~kept].sum(), y[~kept].sum()
    if (rest_x + rest_y) * current_share >= SMALLEST_EXPECTED or not kept.any():
        return np.append(x[kept], rest_x), np.append(y[kept], rest_y)
    smallest = int(np.argmin(np.where(kept, x + y, np.inf)[kept]))
    x, y = x[kept], y[kept]
    x[smallest] += rest_x
    y[smallest] += rest_y
    return x, y
