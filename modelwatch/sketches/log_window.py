"""An exponential histogram in a short dense array, as OTLP sends it.

OTLP's buckets lie side by side from the first to the last that is occupied, so that on the wire a
far value costs every bucket in between, or the resolution of all. Here it costs neither: the array
keeps to the bulk, what lies beyond is counted in a bucket of its own at the array's end, and the
point's minimum and maximum, which are exact, say where that is.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from modelwatch.sketches.exponential import (
    COARSEST_SCALE,
    LARGEST,
    SMALLEST,
    ExponentialHistogram,
    buckets_of,
)
from modelwatch.sketches.log_buckets import Buckets, bucket_indices, joined

__all__ = ["LONGEST_ARRAY", "from_window", "to_window"]

LONGEST_ARRAY = 640
"""Buckets of one sign in a message: 640 bytes and some where most are empty."""

SMALL_ERROR = 0.002
"""An error of the distribution function that is too small to look for a smaller one."""

CROWDING_ERROR = 0.25
"""Where values that had buckets of their own share one, so much of them is taken to be misplaced
on other bins: evenly spread, they are misplaced by less than all of them."""


def to_window(histogram: ExponentialHistogram) -> ExponentialHistogram:
    """Return the histogram at the scale at which the least is lost in an array.

    The finer the scale, the more values lie beyond the array's end; the coarser, the more lie in
    one bucket with others. The finest scale whose error is `SMALL_ERROR` at most is taken, and
    where there is none, the one with the least.

    Guarantee: read back by `from_window` with the sample's minimum and maximum, all values are
    there, and far values that are one value on each side, such as error codes, are in their bucket.
    What remains: of several different far values on one side, those between the array and the
    extreme are told to be at the extreme. That is an error of their share, and no resolution.
    """
    best = histogram.at_scale(COARSEST_SCALE)
    least = np.inf
    coarse = histogram
    alone = not histogram.zero_count
    for scale in range(histogram.scale, COARSEST_SCALE, -1):
        coarse = coarse.at_scale(scale)
        positive = _window(coarse.positive, alone and not histogram.negative.total)
        negative = _window(coarse.negative, alone and not histogram.positive.total)
        steps = histogram.scale - scale
        crowded = max(_crowded(part, steps) for part in (histogram.positive, histogram.negative))
        lost = max(positive.misplaced + negative.misplaced, CROWDING_ERROR * crowded)
        if lost < least:
            least = lost
            best = ExponentialHistogram(
                positive.buckets, negative.buckets, histogram.zero_count, scale
            )
        if least <= SMALL_ERROR * histogram.total:
            break
    return best


def from_window(
    sent: ExponentialHistogram, minimum: float | None, maximum: float | None
) -> ExponentialHistogram:
    """Return what was counted, with what lies beyond an array's end at the extreme values.

    Args:
        sent: as it came in.
        minimum: the smallest value; None where it is not told.
        maximum: the largest value, likewise.
    """
    if minimum is None or maximum is None or not (math.isfinite(minimum) and maximum < math.inf):
        return sent
    return ExponentialHistogram(
        _reached(sent.positive, minimum, maximum, sent.scale),
        _reached(sent.negative, -maximum, -minimum, sent.scale),
        sent.zero_count,
        sent.scale,
    )


class _Window(NamedTuple):
    buckets: Buckets
    misplaced: int


def _window(buckets: Buckets, is_alone: bool) -> _Window:
    """Return the buckets in the array that holds the most values, and how many lose their place.

    Args:
        buckets: of one sign.
        is_alone: whether there are no other values, so that the one extreme is of the least
            magnitude, as the other is of the greatest.
    """
    indices, counts = buckets
    if not indices.size or indices[-1] - indices[0] < LONGEST_ARRAY:
        return _Window(buckets, 0)
    width = LONGEST_ARRAY - 2  # a bucket at each end is for what lies beyond
    before = np.concatenate([[0], np.cumsum(counts)])
    ends = np.searchsorted(indices, indices + width)
    first = int(np.argmax(before[ends] - before[:-1]))
    last = int(ends[first])
    kept = Buckets(indices[first:last], counts[first:last])
    low, high = int(before[first]), int(before[-1] - before[last])
    start = int(indices[first])
    beyond = buckets_of({start - 1: low, start + width: high})
    misplaced = low - (int(counts[0]) if low and is_alone else 0)
    misplaced += high - (int(counts[-1]) if high else 0)
    return _Window(joined(kept, beyond), misplaced)


def _crowded(buckets: Buckets, steps: int) -> int:
    """Return how many values, at most, share a coarser bucket with more of another bucket."""
    indices, counts = buckets
    if not indices.size or not steps:
        return 0
    starts = np.flatnonzero(np.diff(indices >> steps, prepend=(indices[0] >> steps) - 1))
    rest = np.add.reduceat(counts, starts) - np.maximum.reduceat(counts, starts)
    return int(rest.max())


def _reached(buckets: Buckets, lowest: float, highest: float, scale: int) -> Buckets:
    """Move the outermost counts to the extreme magnitudes, where these lie beyond."""
    if buckets.indices.size < 2 or not 0 < highest < math.inf:
        return buckets
    reach = np.clip([lowest, highest], SMALLEST, LARGEST)
    bottom, top = bucket_indices(np.log2(reach), scale).tolist()
    indices = buckets.indices.copy()
    if top > indices[-1] + 1:
        indices[-1] = top
    if lowest > 0 and bottom < indices[0] - 1:
        indices[0] = bottom
    return Buckets(indices, buckets.counts)
