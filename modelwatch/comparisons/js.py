"""Jensen-Shannon distance."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.smoothing import shares

__all__ = ["js_distance"]


def js_distance(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Return the square root of the Jensen-Shannon divergence, base 2.

    In [0, 1], symmetric, a metric (Endres and Schindelin, 2003). Other tools quote nats (times
    sqrt(ln 2)) or the divergence (squared). Needs no smoothing.

    Args:
        reference: counts, shape (bins,).
        current: counts on the same bins.

    Returns:
        The distance; 0.0 where either side is empty.

    >>> js_distance([1, 0], [0, 1]), js_distance([5, 5], [50, 50])
    (1.0, 0.0)
    """
    p, q = shares(reference, 0.0), shares(current, 0.0)
    if not (p.any() and q.any()):
        return 0.0
    middle = (p + q) / 2
    divergence = (_entropy_against(p, middle) + _entropy_against(q, middle)) / 2
    return math.sqrt(min(max(divergence, 0.0), 1.0))


def _entropy_against(p: npt.NDArray[np.float64], middle: npt.NDArray[np.float64]) -> float:
    used = p > 0
    return float((p[used] * np.log2(p[used] / middle[used])).sum())
