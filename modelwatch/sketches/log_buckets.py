"""Sparse counts on exponentially growing buckets, as sorted arrays; of one sign of numbers.

At scale s, bucket i holds the magnitudes in (2**(i / 2**s), 2**((i + 1) / 2**s)]. Two neighbours,
2i and 2i + 1, make bucket i of scale s - 1, so that counts are made coarser without any loss but
that of resolution. All functions are pure.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["EMPTY", "Buckets", "bounds", "bucket_indices", "coarser", "counted_by_sign", "joined"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MOST_SPARSE = 4
"""Indices that span up to so many times their number are counted in an array, others by sorting."""


class Buckets(NamedTuple):
    """Occupied buckets: their indices, strictly increasing, and their counts, 1 or more."""

    indices: IntArray
    counts: IntArray

    @property
    def total(self) -> int:
        """How many values were counted."""
        return int(self.counts.sum())


EMPTY = Buckets(np.empty(0, np.int64), np.empty(0, np.int64))


def bucket_indices(logarithms: FloatArray, scale: int) -> IntArray:
    """Return the bucket of each magnitude, given as its logarithm to base 2, shape (n,).

    >>> bucket_indices(np.log2([1.0, 2.0, 3.0]), 0).tolist()
    [-1, 0, 1]
    """
    scaled = logarithms * 2.0**scale
    indices: IntArray = np.ceil(scaled, out=scaled).astype(np.int64)
    indices -= 1
    return indices


def bounds(indices: IntArray, scale: int) -> tuple[FloatArray, FloatArray]:
    """Return the lower and upper bounds of buckets; infinite where no float is as large."""
    with np.errstate(over="ignore", under="ignore"):
        lower = np.exp2(indices / 2.0**scale)
        upper = np.exp2((indices + 1) / 2.0**scale)
    return lower, upper


def counted_by_sign(
    indices: IntArray, is_negative: npt.NDArray[np.bool_]
) -> tuple[Buckets, Buckets]:
    """Count the indices of positive and of negative values, each of shape (n,), in any order.

    >>> positive, negative = counted_by_sign(np.array([7, -2, 7]), np.array([False, True, False]))
    >>> positive.counts.tolist(), negative.indices.tolist()
    ([2], [-2])
    """
    if not indices.size:
        return EMPTY, EMPTY
    first = int(indices.min())
    span = int(indices.max()) - first + 1
    if span > MOST_SPARSE * indices.size:
        return _sorted(indices[~is_negative]), _sorted(indices[is_negative])
    indices -= first
    if not is_negative.any():
        return _dense(np.bincount(indices), first), EMPTY
    dense = np.bincount(indices + span * is_negative, minlength=span)
    return _dense(dense[:span], first), _dense(dense[span:], first)


def _sorted(indices: IntArray) -> Buckets:
    found, counts = np.unique(indices, return_counts=True)
    return Buckets(found, counts.astype(np.int64))


def _dense(counts: IntArray, first: int) -> Buckets:
    used = np.flatnonzero(counts)
    return Buckets(used + first, counts[used].astype(np.int64))


def coarser(buckets: Buckets, steps: int) -> Buckets:
    """Return the counts at a scale lower by so many steps.

    >>> coarser(Buckets(np.array([0, 1, 2]), np.array([5, 6, 7])), 1).counts.tolist()
    [11, 7]
    """
    if not steps or not buckets.indices.size:
        return buckets
    return _summed(buckets.indices >> steps, buckets.counts)


def joined(a: Buckets, b: Buckets) -> Buckets:
    """Return the counts of both, which are of one scale."""
    if not b.indices.size:
        return a
    if not a.indices.size:
        return b
    indices = np.concatenate([a.indices, b.indices])
    order = np.argsort(indices, kind="stable")
    return _summed(indices[order], np.concatenate([a.counts, b.counts])[order])


def _summed(indices: IntArray, counts: IntArray) -> Buckets:
    """Add up the counts of equal neighbours."""
    is_first = np.empty(indices.size, dtype=np.bool_)
    is_first[0] = True
    np.not_equal(indices[1:], indices[:-1], out=is_first[1:])
    starts = np.flatnonzero(is_first)
    return Buckets(indices[starts], np.add.reduceat(counts, starts))
