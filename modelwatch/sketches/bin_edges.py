"""Where the bins of a numeric feature lie: at the quantiles of its baseline.

A bin is (lower, upper], as OTLP's explicit-bound histograms have it. Quantile bins reproduce the
two-sample KS statistic of the raw values whatever the scale, and a far value (an error code of
1e9) costs one bin, not the resolution of all.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["DEFAULT_BINS", "coarsest_dyadic", "probability_edges", "quantile_edges"]

DEFAULT_BINS = 120
"""Deciles and twentieths are subsets of the edges of 120 bins."""

EDGE_FREEDOM = 0.25
"""An edge may lie this far into the gap to its neighbour: coarse edges compress far better."""

FloatArray = npt.NDArray[np.float64]


def quantile_edges(values: FloatArray, bins: int = DEFAULT_BINS) -> FloatArray:
    """Choose the interior bin edges for a sample.

    Up to `bins` distinct values get a bin each. With more, the edges lie near the quantiles
    k/bins, and a value that alone holds more than a bin's mass (zeros, defaults) has its own bin.
    Values below the smallest and above the largest have a bin each, empty for the sample itself:
    a distribution that moved away altogether is told from its end.

    Args:
        values: the sample, shape (n,), finite; order does not matter.
        bins: how many bins are aimed at, 2 or more, beside the two outer ones. Values with a bin
            of their own may add some.

    Returns:
        Strictly increasing interior edges, at most 2 * bins + 1; empty where there are no values.

    >>> quantile_edges(np.array([1.0, 1.0, 2.0, 4.0])).tolist()
    [0.75, 1.0, 2.0, 4.0]
    >>> len(quantile_edges(np.random.default_rng(0).normal(size=10_000)))
    121
    """
    distinct, counts = np.unique(values, return_counts=True)
    if not distinct.size:
        return np.empty(0)
    if distinct.size == 1:
        return np.array([np.nextafter(distinct[0], -np.inf), distinct[0]])
    if distinct.size <= bins:
        boundaries = np.arange(distinct.size - 1)
        beside_atom = np.ones(boundaries.size, dtype=bool)
    else:
        boundaries, beside_atom = _boundaries_at_quantiles(counts, bins)
    return _coarse_edges(distinct, boundaries, beside_atom)


def probability_edges(bins: int = DEFAULT_BINS) -> FloatArray:
    """Return the interior edges of uniform bins on [0, 1].

    Quantile bins would be blind where scores move to.

    >>> probability_edges(4).tolist()
    [0.25, 0.5, 0.75]
    """
    return np.arange(1, bins) / bins


def coarsest_dyadic(lowest: float, highest: float) -> float:
    """Return the number in [lowest, highest] that is a multiple of the largest power of two.

    >>> coarsest_dyadic(3.1, 4.3), coarsest_dyadic(0.30, 0.33), coarsest_dyadic(-1.0, 2.0)
    (4.0, 0.3125, 0.0)
    """
    if lowest <= 0.0 <= highest:
        return 0.0
    width = highest - lowest
    if not width > 0.0:
        return lowest
    step = 2.0 ** math.floor(math.log2(width))
    best = lowest
    while lowest <= (candidate := math.ceil(lowest / step) * step) <= highest:
        best, step = candidate, 2.0 * step
    return best


def _boundaries_at_quantiles(
    counts: npt.NDArray[np.intp], bins: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return behind which distinct values an edge belongs, and whether it lies beside an atom."""
    cumulative = np.cumsum(counts)
    total = int(cumulative[-1])
    targets = np.ceil(np.arange(1, bins) * total / bins)
    atoms = np.flatnonzero(counts > total / bins)
    found = np.concatenate([np.searchsorted(cumulative, targets), atoms, atoms - 1])
    boundaries = np.unique(found)
    boundaries = boundaries[(boundaries >= 0) & (boundaries < counts.size - 1)]
    return boundaries, np.isin(boundaries, atoms) | np.isin(boundaries + 1, atoms)


def _coarse_edges(
    distinct: FloatArray, boundaries: npt.NDArray[np.intp], beside_atom: npt.NDArray[np.bool_]
) -> FloatArray:
    """Place an edge behind each boundary value where few digits suffice, and the outer two.

    Beside an atom the edge keeps between the two values; elsewhere it may pass a few.
    """
    at = distinct[boundaries]
    gaps = np.diff(np.concatenate([distinct[:1], at, distinct[-1:]])) * EDGE_FREEDOM
    to_next = distinct[boundaries + 1] - at
    lowest = np.where(beside_atom, at, at - gaps[:-1])
    highest = at + np.where(beside_atom, to_next / 2, gaps[1:])
    first, last = float(distinct[0]), float(distinct[-1])
    reach = EDGE_FREEDOM * (last - first) / (boundaries.size + 1)
    pairs = [
        (first - reach, float(np.nextafter(first, -np.inf))),
        *zip(lowest.tolist(), highest.tolist(), strict=True),
        (last, last + reach),
    ]
    return np.unique([coarsest_dyadic(low, high) for low, high in pairs])
