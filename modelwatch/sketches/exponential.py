"""Counts of numeric values on exponentially growing buckets, for a feature without a baseline."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ProfileMismatch
from modelwatch.sketches.histogram import Histogram
from modelwatch.sketches.log_buckets import (
    EMPTY,
    Buckets,
    bounds,
    bucket_indices,
    coarser,
    counted_by_sign,
    joined,
)
from modelwatch.sketches.log_placement import placed_below

__all__ = [
    "COARSEST_SCALE",
    "FINEST_SCALE",
    "LARGEST",
    "MOST_BUCKETS",
    "SMALLEST",
    "ExponentialHistogram",
    "buckets_of",
]

FloatArray = npt.NDArray[np.float64]

FINEST_SCALE, COARSEST_SCALE = 20, -10
"""OTLP's scales. At the finest, a bucket's upper bound is 0.66 millionths above its lower one."""

MOST_BUCKETS = 1_024
"""Occupied buckets, both signs together: 16 kB."""

SMALLEST, LARGEST = 2.0**-1022, 2.0**1023
"""Magnitudes below the first count as zero; those above the second as that."""

FIRST_VALUES = 4_096
"""Of a large sample, so many are counted first: they find the scale that the rest is counted on."""

VALUES_AT_ONCE = 65_536
"""Few enough for a processor's cache."""


class ExponentialHistogram:
    """OTLP's exponential histogram, kept sparse: only occupied buckets take room.

    The scale is the finest at which no more than `MOST_BUCKETS` buckets are occupied. What costs
    resolution is therefore the number of different values, not the range that they span: an error
    code of 1e9 or a thousandth of 1e-6 takes one bucket and no resolution from the others, up to
    1,024 different values are told to a millionth, and values whose spread is small against their
    offset (Kelvin, Unix times) are resolved as well as any. (DDSketch and the histogram of
    OpenTelemetry's SDK bound the range, and lose the bulk to one far value; halving the resolution
    of all buckets at once is from UDDSketch, Epicoco et al. 2020.)

    The state depends on the values alone, not on their order or on how they were spread over
    histograms: the number of occupied buckets never falls as values are added or the scale
    rises. So merging is exact, associative and commutative.

    On the wire, buckets lie in a dense array: see `modelwatch.sketches.log_window` for what that
    costs. Takes finite values: NaN and infinities are counted as missing before. Not thread-safe.

    Args:
        positive: counts of positive values.
        negative: counts of negative values, by magnitude.
        zero_count: how many were zero.
        scale: of the buckets given, -10 to 20.

    Raises:
        ProfileMismatch: where the scale is another.

    >>> histogram = ExponentialHistogram()
    >>> histogram.update(np.array([-2.0, 0.0, 1.5, 1e9]))
    >>> histogram.total, histogram.zero_count, histogram.scale
    (4, 1, 20)
    """

    __slots__ = ("negative", "positive", "scale", "zero_count")

    zero_threshold = SMALLEST

    def __init__(
        self,
        positive: Buckets = EMPTY,
        negative: Buckets = EMPTY,
        zero_count: int = 0,
        scale: int = FINEST_SCALE,
    ) -> None:
        if not COARSEST_SCALE <= scale <= FINEST_SCALE:
            raise ProfileMismatch(f"an exponential histogram's scale is -10 to 20, got {scale}.")
        self.positive = positive
        self.negative = negative
        self.zero_count = zero_count
        self.scale = scale
        self._shrink()

    @property
    def total(self) -> int:
        """How many values were counted."""
        return self.zero_count + self.positive.total + self.negative.total

    def update(self, values: FloatArray) -> None:
        """Count values, shape (n,), all finite; about 20 ns each where there are many."""
        for part in np.split(values, range(FIRST_VALUES, values.size, VALUES_AT_ONCE)):
            self._count(part)

    def _count(self, values: FloatArray) -> None:
        magnitudes = np.abs(values)
        is_zero = magnitudes < SMALLEST
        zeros = int(is_zero.sum())
        if zeros:
            self.zero_count += zeros
            values, magnitudes = values[~is_zero], magnitudes[~is_zero]
        np.minimum(magnitudes, LARGEST, out=magnitudes)
        indices = bucket_indices(np.log2(magnitudes, out=magnitudes), self.scale)
        positive, negative = counted_by_sign(indices, values < 0)
        self.positive, self.negative = (
            joined(self.positive, positive),
            joined(self.negative, negative),
        )
        self._shrink()

    def _shrink(self) -> None:
        """Lower the scale until few enough buckets are occupied."""
        while self.positive.indices.size + self.negative.indices.size > MOST_BUCKETS:
            if self.scale == COARSEST_SCALE:
                break
            self.positive, self.negative = coarser(self.positive, 1), coarser(self.negative, 1)
            self.scale -= 1

    def at_scale(self, scale: int) -> ExponentialHistogram:
        """Return the same counts at a scale that is not finer."""
        steps = self.scale - scale
        return ExponentialHistogram(
            coarser(self.positive, steps), coarser(self.negative, steps), self.zero_count, scale
        )

    def merge(self, other: ExponentialHistogram) -> ExponentialHistogram:
        """Return the counts of both, at the coarser scale of the two or below."""
        scale = min(self.scale, other.scale)
        mine, theirs = self.at_scale(scale), other.at_scale(scale)
        return ExponentialHistogram(
            joined(mine.positive, theirs.positive),
            joined(mine.negative, theirs.negative),
            self.zero_count + other.zero_count,
            scale,
        )

    def on_bins(
        self, bin_edges: FloatArray, expected: npt.NDArray[np.int64] | None = None
    ) -> Histogram:
        """Return the same counts on explicit bins.

        Within a bucket, values are taken to lie as those of a reference do; where it is not given
        or has none there, see `modelwatch.sketches.log_placement.placed_below`.

        Args:
            bin_edges: interior edges, strictly increasing, shape (k,).
            expected: counts of the reference on these bins, shape (k + 1,).
        """
        target = Histogram(bin_edges, expected)
        edges = target.bin_edges
        below = np.where(edges >= 0.0, float(self.zero_count), 0.0)
        lower, upper = bounds(self.positive.indices, self.scale)
        below += placed_below(target, lower, upper, self.positive)
        lower, upper = bounds(self.negative.indices[::-1], self.scale)
        mirrored = Buckets(-self.negative.indices[::-1], self.negative.counts[::-1])
        least = np.nextafter(
            -upper, -np.inf
        )  # of negative values, it is the lower bound that is in
        below += placed_below(target, least, -lower, mirrored)
        at = np.rint(below).astype(np.int64)
        return Histogram(edges, np.diff(at, prepend=0, append=self.total))


def buckets_of(counts: Mapping[int, int]) -> Buckets:
    """Return buckets from counts by index.

    >>> buckets_of({3: 1, -1: 2, 7: 0}).indices.tolist()
    [-1, 3]
    """
    found = sorted((index, count) for index, count in counts.items() if count)
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    return Buckets(pairs[:, 0], pairs[:, 1])
