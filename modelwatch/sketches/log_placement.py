"""Where in its bucket a value lies: as a reference has it, evenly spread, or all in one place."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.sketches.histogram import Histogram
from modelwatch.sketches.log_buckets import Buckets

__all__ = ["placed_below"]

FloatArray = npt.NDArray[np.float64]

ATOM_RATIO = 3.0
"""A bucket that holds so many times what its fuller neighbour does has a value in it that is
frequent by itself: a default, a rounded number, an error code."""


def placed_below(
    target: Histogram, lower: FloatArray, upper: FloatArray, buckets: Buckets
) -> FloatArray:
    """Return how many values lie at or below each edge of other bins.

    What a bucket holds beyond its neighbours, which is all of it where these are empty, is taken
    for one value: it goes to the lowest of the bins that the edges cut out of the bucket, for bins
    include their upper edges, or to one that is much denser in the reference. The rest is shared
    out as the reference's own counts are, so that no difference is made up where none can be seen,
    and evenly where it has none. The error at an edge is less than what the one bucket around it
    holds.

    Args:
        target: the bins, with the counts of the reference or zeros.
        lower: lower bounds of the buckets in the order of the values, shape (m,).
        upper: their upper bounds, shape (m,).
        buckets: indices in the order of the values, and counts.

    >>> one = Buckets(np.array([0]), np.array([8]))
    >>> low, high = np.array([1.0]), np.array([2.0])
    >>> placed_below(Histogram([1.5, 3.0]), low, high, one).tolist()
    [8.0, 8.0]
    >>> placed_below(Histogram([1.0, 1.5, 2.0], [0, 1, 9, 0]), low, high, one).tolist()
    [0.0, 0.0, 8.0]
    """
    edges = target.bin_edges
    if not buckets.counts.size or not edges.size:
        return np.zeros(edges.size)
    before = np.concatenate([[0], np.cumsum(buckets.counts)])
    at = np.searchsorted(upper, edges, side="left")  # the bucket that holds the edge, or follows it
    inside = np.minimum(at, upper.size - 1)
    is_in = (at < upper.size) & (edges > lower[inside])
    atoms = _atoms(buckets)
    part = (buckets.counts - atoms)[inside] * _shares(target, lower[inside], upper[inside])
    for bucket in np.unique(inside[is_in & (atoms[inside] > 0)]).tolist():
        of_bucket = np.flatnonzero(is_in & (inside == bucket))
        part[of_bucket[_densest(target, of_bucket) :]] += atoms[bucket]
    found: FloatArray = before[at] + np.where(is_in, part, 0.0)
    return found


def _shares(target: Histogram, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the share of a bucket's values that lies at or below each edge, which is inside it."""
    edges = target.bin_edges
    heights = np.cumsum(target.counts[:-1]).astype(np.float64)
    bottom, top = np.interp(low, edges, heights), np.interp(high, edges, heights)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        even = (edges - low) / (high - low)
        expected = (heights - bottom) / (top - bottom)
    shares: FloatArray = np.nan_to_num(np.where(top > bottom, expected, even))
    return np.clip(shares, 0.0, 1.0)


def _densest(target: Histogram, edges: npt.NDArray[np.intp]) -> int:
    """Return which of the bins that consecutive edges cut out of a bucket one value goes to."""
    first, last = int(edges[0]), int(edges[-1])
    known = target.bin_edges
    with np.errstate(over="ignore"):
        widths = np.diff(known[max(first - 1, 0) : last + 2])
    widths = np.concatenate([[np.inf] * (first == 0), widths, [np.inf] * (last == known.size - 1)])
    density = target.counts[first : last + 2] / widths
    best = int(np.argmax(density))
    return best if density[best] > ATOM_RATIO * density[0] else 0


def _atoms(buckets: Buckets) -> FloatArray:
    """Return how much of each bucket's count is one value."""
    counts = buckets.counts.astype(np.float64)
    touches = np.diff(buckets.indices) == 1
    left = np.concatenate([[0.0], np.where(touches, counts[:-1], 0.0)])
    right = np.concatenate([np.where(touches, counts[1:], 0.0), [0.0]])
    fuller = np.maximum(left, right)
    return np.where(counts > ATOM_RATIO * fuller, counts - fuller, 0.0)
