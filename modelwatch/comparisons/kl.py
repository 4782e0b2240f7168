"""Kullback-Leibler divergence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import JEFFREYS, checked, checked_smoothing, rows_of

__all__ = ["kl_divergence", "kl_each"]


def kl_divergence(
    reference: npt.ArrayLike, current: npt.ArrayLike, *, smoothing: float = JEFFREYS
) -> float:
    """Return the divergence of the current from the reference distribution, sum of q ln(q / p).

    In nats, 0 or more, not symmetric: what is lost by coding current data with the reference's
    distribution (Kullback and Leibler, 1951).

    Args:
        reference: counts, shape (bins,).
        current: counts on the same bins.
        smoothing: pseudo-count a bin; with 0 a bin new in `current` gives infinity.

    Returns:
        The divergence; 0.0 where either side is empty.

    Raises:
        ConfigurationError: where the counts are not two rows of one length, or one is no count; or
            where the pseudo-count is none.

    >>> round(kl_divergence([50, 50], [60, 40], smoothing=0), 6)
    0.020136
    """
    rows = checked(reference, current)
    return float(kl_each(*rows, smoothing=checked_smoothing(smoothing))[0])


def kl_each(
    reference: npt.ArrayLike, current: npt.ArrayLike, *, smoothing: float = JEFFREYS
) -> npt.NDArray[np.float64]:
    """Return `kl_divergence` of each row; both sides have shape (features, bins)."""
    from scipy import special  # a watched service loads this module, and never calls this

    p, q = rows_of(reference, current, smoothing)
    return np.asarray(special.rel_entr(q, p).sum(axis=-1))
