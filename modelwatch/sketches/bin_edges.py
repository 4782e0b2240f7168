"""Where the bins of a numeric feature lie: at the quantiles of its baseline.

Bins exclude their lower bound and include their upper one, like those of OTLP's explicit-bound
histograms. At quantiles they resolve a sample equally well on any scale, so that the KS statistic
comes out as on the raw values; and a far value (an error code of 1e9) costs one bin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = [
    "DEFAULT_BINS",
    "coarsest_dyadic",
    "constant_range",
    "probability_edges",
    "quantile_edges",
]

DEFAULT_BINS = 120
"""Deciles and twentieths are subsets of the edges of 120 bins."""

EDGE_FREEDOM = 0.25
"""An edge may lie this far into the gaps to its neighbours: coarse edges compress better. That
part of a gap holds about that part of a bin's mass, however wide it is."""

MOST_STRETCH = 2.0
"""A gap of more than this many times the other one counts for no more: it may lead to an error code
far away."""

FLOAT32_TOLERANCE = 2.0**-20
"""About ten times the relative error of a 32-bit float."""

TAIL_SHARES = (1 / 960, 1 / 480, 1 / 240)
"""Both tails have edges at these shares too: what lies far out is told to a thousandth."""

FloatArray = npt.NDArray[np.float64]


def quantile_edges(
    values: FloatArray, bins: int = DEFAULT_BINS, *, further: Sequence[float] = ()
) -> FloatArray:
    """Choose the interior bin edges for a sample.

    Where there are no more distinct values than `bins`, each has its bin. Otherwise the edges lie
    near the quantiles k/bins, and frequent values, such as zeros and defaults, keep to themselves:
    they have an edge closely below too, which tells when they have moved off their place.
    Values below the smallest and above the largest have a bin each, empty for the sample itself:
    a distribution that moved away altogether is told from its end.

    Args:
        values: the sample, shape (n,), finite; order does not matter.
        bins: how many bins are aimed at, 2 or more, beside the two outer ones. Values with a bin
            of their own may add some.
        further: edges to add where they lie beyond the other inner ones and inside the sample's
            range, as a fence between the tail and an error code does.

    Returns:
        Strictly increasing interior edges, at most 2 * bins + 7 and the further ones; empty where
        there are no values.

    >>> quantile_edges(np.array([1.0, 2.0, 4.0]), 2).tolist()
    [0.75, 1.0, 2.0, 4.0]
    >>> quantile_edges(np.array([1.0, 1.0, 2.0, 4.0])).tolist()
    [0.75, 0.96875, 1.0, 1.96875, 2.0, 3.9375, 4.0]
    >>> len(quantile_edges(np.random.default_rng(0).normal(size=10_000)))
    127
    """
    distinct, counts = np.unique(values, return_counts=True)
    if not distinct.size:
        return np.empty(0)
    if distinct.size == 1:
        return np.array(constant_range(float(distinct[0])))
    if distinct.size <= bins:
        boundaries = np.arange(distinct.size - 1)
        beside_atom = np.ones(boundaries.size, dtype=bool)
    else:
        boundaries, beside_atom = _boundaries_at_quantiles(counts, bins)
    edges = _coarse_edges(distinct, boundaries, beside_atom)
    edges = np.unique(np.concatenate([edges, _edges_below(distinct, counts, bins)]))
    inner = edges[1:-1] if edges.size > 2 else edges
    outlying = [
        edge for edge in further if edges[0] < edge < inner[0] or inner[-1] < edge < edges[-1]
    ]
    return np.unique([*edges, *outlying])


def probability_edges(bins: int = DEFAULT_BINS) -> FloatArray:
    """Return the interior edges of uniform bins on [0, 1].

    A model's scores may come to lie where the baseline has hardly any, and so no quantiles.

    >>> probability_edges(4).tolist()
    [0.25, 0.5, 0.75]
    """
    return np.arange(1, bins) / bins


def constant_range(value: float) -> tuple[float, float]:
    """Return a range just wide enough for a constant that lost digits on its way (to float32).

    >>> low, high = constant_range(0.1)
    >>> low < float(np.float32(0.1)) < high
    True
    """
    reach = max(abs(value) * FLOAT32_TOLERANCE, float(np.finfo(np.float64).tiny))
    return value - reach, value + reach


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
    tail = np.array(TAIL_SHARES)
    targets = np.ceil(total * np.concatenate([np.arange(1, bins) / bins, tail, 1 - tail]))
    atoms = np.flatnonzero(counts > total / bins)
    found = np.concatenate([np.searchsorted(cumulative, targets), atoms, atoms - 1])
    boundaries = np.unique(found)
    boundaries = boundaries[(boundaries >= 0) & (boundaries < counts.size - 1)]
    return boundaries, np.isin(boundaries, atoms) | np.isin(boundaries + 1, atoms)


def _coarse_edges(
    distinct: FloatArray, boundaries: npt.NDArray[np.intp], beside_atom: npt.NDArray[np.bool_]
) -> FloatArray:
    """Place an edge behind each boundary value where few digits suffice, and the outer two.

    Beside an atom the edge keeps between the two values, and lets the atom stay in its bin where it
    lost digits on its way (float32 for float64); elsewhere it may pass a few.
    """
    at = distinct[boundaries]
    gaps = np.diff(np.concatenate([distinct[:1], at, distinct[-1:]]))
    gaps[0] = gaps[0] or gaps[1]
    smaller = np.minimum(gaps[:-1], gaps[1:])
    below, above = (
        EDGE_FREEDOM * np.minimum(gap, MOST_STRETCH * smaller) for gap in (gaps[:-1], gaps[1:])
    )
    clear = np.minimum((distinct[boundaries + 1] - at) / 2, EDGE_FREEDOM * smaller)
    lowest = np.where(beside_atom, at + np.minimum(_float32_margin(at), clear), at - below)
    highest = np.where(beside_atom, at + clear, at + above)
    first, last = float(distinct[0]), float(distinct[-1])
    reach = EDGE_FREEDOM * (last - first) / (boundaries.size + 1)
    pairs = [
        (first - reach, first - reach / 2),
        *zip(lowest.tolist(), highest.tolist(), strict=True),
        (last + min(float(_float32_margin(distinct[-1:])[0]), reach), last + reach),
    ]
    return np.unique([coarsest_dyadic(low, high) for low, high in pairs])


def _edges_below(distinct: FloatArray, counts: npt.NDArray[np.intp], bins: int) -> FloatArray:
    """Place an edge closely below each value that holds more than a bin's mass.

    In between it and the value there is room for what a value loses on its way (float32).
    """
    atoms = np.flatnonzero(counts > counts.sum() / bins)
    between = np.diff(distinct)
    below, above = np.append(between[0], between), np.append(between, between[-1])
    gaps = np.minimum(below, above)[atoms]
    reach = np.maximum(gaps / 32, 2 * np.abs(distinct[atoms]) * FLOAT32_TOLERANCE)
    highest = distinct[atoms] - reach / 2
    fits = reach < gaps / 2
    pairs = zip((distinct[atoms] - reach)[fits].tolist(), highest[fits].tolist(), strict=True)
    return np.array([coarsest_dyadic(low, high) for low, high in pairs])


def _float32_margin(values: FloatArray) -> FloatArray:
    """Return by how much each value may grow where it is rounded to 32 bits."""
    with np.errstate(over="ignore"):
        exact = values == values.astype(np.float32)
    return np.where(exact, 0.0, np.abs(values) * FLOAT32_TOLERANCE)
