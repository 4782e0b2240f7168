"""Two-sample chi-square statistic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.design_effect import WindowEffect
from modelwatch.comparisons.smoothing import checked
from modelwatch.comparisons.window_effects import WindowEffects

__all__ = [
    "ChiSquare",
    "chi_square",
    "chi_square_each",
    "chi_square_p_value",
    "chi_square_p_value_each",
]

FloatArray = npt.NDArray[np.float64]

UNEQUAL_PARTS = 1.5
"""Of clustered rows the statistic is a sum of parts of unequal weight, most of it the one of the
level, whose tail is longer than that of as many equal parts: it has so many times fewer degrees of
freedom. Without it, undrifted windows of an AR(1) stream of coefficient .99, 1,000 rows each, had
p < 1e-4 in .00047."""

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

    Raises:
        ConfigurationError: where the counts are not two rows of one length, or one is no count.

    >>> result = chi_square([50, 50], [60, 40])
    >>> round(result.statistic, 6), result.degrees_of_freedom
    (2.020202, 1)
    """
    x, y = checked(reference, current)
    return _chi_square(x[0], y[0])


def _chi_square(x: FloatArray, y: FloatArray) -> ChiSquare:
    m, n = x.sum(), y.sum()
    if not (m and n):
        return ChiSquare(0.0, 0)
    x, y = _pooled(x, y, n / (n + m))
    common = (x + y) / (n + m)
    statistic = ((y / n - x / m) ** 2 / common).sum() / (1 / n + 1 / m)
    return ChiSquare(float(statistic), x.size - 1)


def chi_square_each(
    reference: npt.ArrayLike, current: npt.ArrayLike
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return statistic and degrees of freedom of each row; both sides have (features, cells)."""
    x, y = np.asarray(reference, np.float64), np.asarray(current, np.float64)
    m, n = x.sum(axis=1, keepdims=True), y.sum(axis=1, keepdims=True)
    total = np.maximum(m + n, 1.0)
    is_full = np.all((x + y) * (n / total) >= SMALLEST_EXPECTED, axis=1) & (m > 0)[:, 0]
    statistics, degrees = np.zeros(x.shape[0]), np.zeros(x.shape[0], np.int64)
    p, q, common = (part[is_full] for part in (x, y, x + y))
    rows = 1 / n[is_full] + 1 / m[is_full]
    squares = (q / n[is_full] - p / m[is_full]) ** 2 / (common / total[is_full])
    statistics[is_full] = squares.sum(axis=1) / rows[:, 0]
    degrees[is_full] = x.shape[1] - 1
    for index in np.flatnonzero(~is_full):
        result = _chi_square(x[index], y[index])
        statistics[index], degrees[index] = result.statistic, result.degrees_of_freedom
    return statistics, degrees


def chi_square_p_value(
    result: ChiSquare, current_rows: float, reference_rows: float, effect: WindowEffect
) -> float:
    """Return the chance of a difference this large without any change.

    The two-sample chi-square test where the reference's blocks show no dependence, else that of the
    statistic over phi(n)/n + phi(m)/m, where each side's sampling error has its own design effect.

    Args:
        result: the two-sample statistic.
        current_rows: rows n of the window, above 0.
        reference_rows: rows m of the reference, above 0.
        effect: how much the statistic of the reference's blocks exceeds its degrees of freedom.

    Returns:
        In [0, 1]; 1.0 where there is nothing to compare.

    >>> from modelwatch.comparisons.design_effect import DesignEffect
    >>> effect = DesignEffect().between(1_000, 10_000)
    >>> round(chi_square_p_value(ChiSquare(16.9, 9), 1_000, 10_000, effect), 3)
    0.05
    """
    found = chi_square_p_value_each(
        np.array([result.statistic]),
        np.array([result.degrees_of_freedom]),
        1 / np.array([current_rows]) + 1 / np.array([reference_rows]),
        WindowEffects.of([effect]),
    )
    return float(found[0])


def chi_square_p_value_each(
    statistics: FloatArray,
    degrees: npt.NDArray[np.int64],
    independent_noise: FloatArray,
    effects: WindowEffects,
) -> FloatArray:
    """Return `chi_square_p_value` of each.

    Args:
        statistics: shape (features,).
        degrees: degrees of freedom of each.
        independent_noise: 1/n + 1/m of each.
        effects: of each.
    """
    from scipy import special  # a watched service loads this module, and never calls this

    some = np.maximum(degrees, 1)
    ratios = statistics / some * independent_noise / effects.noise
    nu = np.minimum(effects.nu, some) / UNEQUAL_PARTS
    found = effects.p_values(special.chdtrc(some, statistics), ratios, nu)
    return np.where(degrees > 0, found, 1.0)


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
