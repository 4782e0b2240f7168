"""Population stability index."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import JEFFREYS, checked, checked_smoothing, rows_of

__all__ = ["psi", "psi_each", "psi_noise_floor"]


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

    Raises:
        ConfigurationError: where the counts are not two rows of one length, or one is no count; or
            where the pseudo-count is none.

    >>> round(psi([50, 50], [60, 40], smoothing=0), 6)
    0.040547
    """
    rows = checked(reference, current)
    return float(psi_each(*rows, smoothing=checked_smoothing(smoothing))[0])


def psi_each(
    reference: npt.ArrayLike, current: npt.ArrayLike, *, smoothing: float = JEFFREYS
) -> npt.NDArray[np.float64]:
    """Return `psi` of each row; both sides have shape (features, bins)."""
    from scipy import special  # a watched service loads this module, and never calls this

    p, q = rows_of(reference, current, smoothing)
    return np.asarray((special.rel_entr(q, p) + special.rel_entr(p, q)).sum(axis=-1))


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
