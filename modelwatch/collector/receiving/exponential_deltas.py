"""What two cumulative points of an exponential histogram differ by.

Both are read at the coarser of their scales: an SDK lowers the scale of a series as its values
spread, and neighbouring buckets then make one. Where their zero thresholds differ, what lies in the
buckets up to that of the greater one counts as zero in both. Then the counts are subtracted bucket
by bucket, which is exact.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint

from modelwatch.sketches.log_buckets import bounds, bucket_indices
from modelwatch.telemetry.wire.folding import sparse_buckets

__all__ = ["counted_between", "counts_alone", "has_counts"]

IntArray = npt.NDArray[np.int64]
Point = ExponentialHistogramDataPoint

_FAR: Final = 2**40
"""More than the index of any bucket."""


class _Placed(NamedTuple):
    """Counts in the order of the values that they are of.

    Attributes:
        places: strictly increasing: 0 of what counts as zero; of a bucket of positive values its
            index and `_FAR`, of one of negative values less than zero by as much.
        counts: one a place.
    """

    places: IntArray
    counts: IntArray


def has_counts(payload: bytes) -> bool:
    """Return whether a serialised point tells of any value."""
    point = Point.FromString(payload)
    return bool(
        point.zero_count or any(point.positive.bucket_counts) or any(point.negative.bucket_counts)
    )


def counts_alone(payload: bytes) -> bytes:
    """Return a serialised point without all that `counted_between` does not need of it."""
    point = Point.FromString(payload)
    for field in ("attributes", "count", "sum", "min", "max", "exemplars"):
        point.ClearField(field)
    return point.SerializeToString()


def counted_between(before: bytes, after: bytes, *, is_same_start: bool) -> bytes | None:
    """Return what was counted between two points; None where the series began anew in between.

    Args:
        before: the earlier one, a serialised ``ExponentialHistogramDataPoint`` that can be read.
        after: the later one, likewise.
        is_same_start: whether both say since when they count, and that it is the same time. Then a
            bucket that lost what others gained does not mean that they began anew: a sender may
            tell far values apart now here, now there. What moved is then taken from the nearest
            buckets above that gained.

    Returns:
        A point of the later one's attributes, without sum, minimum and maximum.
    """
    earlier, later = Point.FromString(before), Point.FromString(after)
    scale = min(earlier.scale, later.scale)
    thresholds = {_zero_threshold(earlier), _zero_threshold(later)}
    threshold = max(thresholds)
    zeros_through = None
    if len(thresholds) > 1:
        index = bucket_indices(np.log2([threshold]), scale)
        zeros_through, threshold = int(index[0]), float(bounds(index, scale)[1][0])
    new = _difference(
        *(_placed(point, point.scale - scale, zeros_through) for point in (earlier, later))
    )
    if new.counts.min(initial=0) < 0:
        if not is_same_start or new.counts.sum() < 0:
            return None
        new = _settled(new)
    told = Point(attributes=later.attributes, scale=scale, zero_threshold=threshold)
    _write(told, new)
    return told.SerializeToString()


def _zero_threshold(point: Point) -> float:
    return point.zero_threshold if 0.0 < point.zero_threshold < math.inf else 0.0


def _placed(point: Point, steps: int, zeros_through: int | None) -> _Placed:
    """Return the counts of a point at a scale coarser by some steps.

    Args:
        point: any.
        steps: how much coarser.
        zeros_through: the last bucket that counts as zero; None where none does.
    """
    places, counts = [np.zeros(1, np.int64)], [np.array([point.zero_count], np.int64)]
    for sign, buckets in ((-1, point.negative), (1, point.positive)):
        indices, own = sparse_buckets(buckets)
        indices = indices >> steps
        place = sign * (indices + _FAR)
        places.append(place if zeros_through is None else place * (indices > zeros_through))
        counts.append(own)
    return _summed(np.concatenate(places), np.concatenate(counts))


def _summed(places: IntArray, counts: IntArray) -> _Placed:
    each, at = np.unique(places, return_inverse=True)
    sums = np.zeros(each.size, np.int64)
    np.add.at(sums, at, counts)
    return _Placed(each, sums)


def _difference(earlier: _Placed, later: _Placed) -> _Placed:
    places = np.concatenate([earlier.places, later.places])
    return _summed(places, np.concatenate([-earlier.counts, later.counts]))


def _settled(new: _Placed) -> _Placed:
    """Return counts of which none is negative, and whose sum is the same."""
    through = np.cumsum(new.counts)
    settled = np.clip(np.maximum.accumulate(through), 0, through[-1])
    return _Placed(new.places, np.diff(settled, prepend=0))


def _write(point: Point, told: _Placed) -> None:
    used = told.counts > 0
    point.count = int(told.counts.sum())
    point.zero_count = int(told.counts[told.places == 0].sum())
    for sign, buckets in ((-1, point.negative), (1, point.positive)):
        own = used & (told.places * sign > 0)
        if own.any():
            indices = told.places[own] * sign - _FAR
            buckets.offset = int(indices.min())
            dense = np.zeros(int(indices.max()) - buckets.offset + 1, np.int64)
            dense[indices - buckets.offset] = told.counts[own]
            buckets.bucket_counts.extend(dense.tolist())
