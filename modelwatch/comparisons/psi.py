"""Population stability index."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import JEFFREYS, shares

__all__ = ["psi", "psi_noise_floor"]


def psi(reference: npt.ArrayLike, current: npt.ArrayLike, *, smoothing: float = JEFFREYS) -> float:
    """Return the population stability index, sum of (q - p) ln(q / p).

    Natural logarithm, symmetric, 0 or more. The limits of 0.1 and 0.25 in common use assume
    deciles of the reference (Siddiqi, Credit Risk Scorecards, 2006).

    Args:
        reference: counts p, shape (bins,).
        current: counts q on the same bins.
        smoothing: pseudo-count a bin; with 0 an empty bin on one side gives infinity.

    Returns:
        The index; 0.0 where either side is empty.

    >>> round(psi([50, 50], [60, 40], smoothing=0), 6)
    0.040547
    """
    p, q = shares(reference, smoothing), shares(current, smoothing)
    if not (np.sum(reference) and np.sum(current)):
        return 0.0
    used = (p > 0) | (q > 0)
    with np.errstate(divide="ignore"):
        terms = (q[used] - p[used]) * np.log(q[used] / p[used])
    return float(terms.sum())


def psi_noise_floor(bins: int, reference_rows: float, current_rows: float) -> float:
    """Return what the index is expected to be without any change, for independent rows.

    (bins - 1) (1/n + 1/m), from its chi-square limit (Yurdakul, 2018). Of rows that come in
    clusters, give the number divided by the design effect.

    >>> round(psi_noise_floor(10, 1_000, 1_000), 4)
    0.018
    """
    if not (reference_rows and current_rows):
        return 0.0
    return (bins - 1) * (1 / reference_rows + 1 / current_rows)
