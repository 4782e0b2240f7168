"""Jensen-Shannon distance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import checked, rows_of

__all__ = ["js_distance", "js_each"]


def js_distance(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Return the square root of the Jensen-Shannon divergence, base 2.

    In [0, 1], symmetric, a metric (Endres and Schindelin, 2003). Elsewhere it may be in
    nats, which is sqrt(ln 2) times as much, or squared, as the divergence is. Needs no smoothing.

    Args:
        reference: counts, shape (bins,).
        current: counts on the same bins.

    Returns:
        The distance; 0.0 where either side is empty.

    Raises:
        ConfigurationError: where the counts are not two rows of one length, or one is no count.

    >>> js_distance([1, 0], [0, 1]), js_distance([5, 5], [50, 50])
    (1.0, 0.0)
    """
    return float(js_each(*checked(reference, current))[0])


def js_each(reference: npt.ArrayLike, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return `js_distance` of each row; both sides have shape (features, bins)."""
    from scipy import special  # a watched service loads this module, and never calls this

    p, q = rows_of(reference, current)
    middle = (p + q) / 2
    nats = (special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum(axis=-1) / 2
    return np.asarray(np.sqrt(np.clip(nats / np.log(2.0), 0.0, 1.0)))
