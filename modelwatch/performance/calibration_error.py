"""Expected calibration error from score bins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.performance.intervals import Z95, Estimate

__all__ = ["GROUPS", "expected_calibration_error", "tenths"]

FloatArray = npt.NDArray[np.float64]

GROUPS = 10
"""Equal bins of [0, 1] whose gaps are averaged, as in Naeini et al. (2015)."""

UNCALIBRATED_P_VALUE = 0.025


def tenths(bin_edges: FloatArray, values: FloatArray) -> FloatArray:
    """Sum values, shape (..., bins), over the bins of each tenth of [0, 1]: shape (..., 10).

    Exact where the tenths are among the edges; a bin that one cuts belongs to its upper end.
    """
    upper = np.append(bin_edges, 1.0)
    group = np.searchsorted(np.arange(1, GROUPS) / GROUPS, upper, side="left")
    return np.asarray(values @ np.eye(GROUPS)[group], dtype=np.float64)


def expected_calibration_error(
    rows: FloatArray, score_sums: FloatArray, truth_sums: FloatArray, design_effect: float = 1.0
) -> Estimate:
    """Return the mean absolute gap between score and share of the truth over bins of the score.

    ECE = sum_b n_b / N |mean score - mean truth|. The gap of a perfectly calibrated model is not 0
    in a sample, so the lower limit is 0 unless a chi-square of the gaps (Hosmer and Lemeshow, 1980)
    has p < .025; else it is 1.96 standard errors below the value less its bias, each gap being
    taken as folded normal.

    Args:
        rows: rows of each bin, shape (bins,), one or more in all.
        score_sums: sum of their scores.
        truth_sums: how many of them were true.
        design_effect: how much less than independent rows these are worth.

    >>> found = expected_calibration_error(np.array([100.0]), np.array([70.0]), np.array([50.0]))
    >>> round(found.value, 3), found.lower > 0, found.rows
    (0.2, True, 100)
    """
    from scipy import special  # a watched service loads this module, and never calls this

    used = rows > 0
    n, total = rows[used], float(rows.sum())
    gaps = (score_sums[used] - truth_sums[used]) / n
    value = float((n * np.abs(gaps)).sum() / total)
    share = (truth_sums[used] + 0.5) / (n + 1)
    variance = share * (1 - share) / n * design_effect
    error = float(np.sqrt((n**2 * variance).sum())) / total
    statistic = float((gaps**2 / variance).sum())
    lower = 0.0
    if special.chdtrc(n.size, statistic) < UNCALIBRATED_P_VALUE:
        sd, size = np.sqrt(variance), np.abs(gaps)
        folded = sd * np.sqrt(2 / np.pi) * np.exp(-(gaps**2) / (2 * variance))
        bias = folded - size * special.erfc(size / (sd * np.sqrt(2)))
        lower = max(value - float((n * bias).sum()) / total - Z95 * error, 0.0)
    return Estimate.of(value, (lower, min(value + Z95 * error, 1.0)), total)
