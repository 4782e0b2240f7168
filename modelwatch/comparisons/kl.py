"""Kullback-Leibler divergence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import JEFFREYS, shares

__all__ = ["kl_divergence"]


def kl_divergence(
    reference: npt.ArrayLike, current: npt.ArrayLike, *, smoothing: float = JEFFREYS
) -> float:
    """Return the divergence of the current from the reference distribution, sum of q ln(q / p).

    In nats, 0 or more, not symmetric: what is lost by coding current data with the reference's
    distribution (Kullback and Leibler, 1951).

    Args:
        reference: counts p, shape (bins,).
        current: counts q on the same bins.
        smoothing: pseudo-count a bin; with 0 a bin new in `current` gives infinity.

    Returns:
        The divergence; 0.0 where either side is empty.

    >>> round(kl_divergence([50, 50], [60, 40], smoothing=0), 6)
    0.020136
    """
    p, q = shares(reference, smoothing), shares(current, smoothing)
    if not (np.sum(reference) and np.sum(current)):
        return 0.0
    used = q > 0
    with np.errstate(divide="ignore"):
        return float((q[used] * np.log(q[used] / p[used])).sum())
