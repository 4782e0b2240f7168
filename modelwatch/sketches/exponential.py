"""Counts of numeric values on exponentially growing bins, for a feature without a baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ProfileMismatch
from modelwatch.sketches.histogram import Histogram

__all__ = ["ExponentialHistogram"]

FloatArray = npt.NDArray[np.float64]

SCALE = 6
"""OTLP's scale: a bucket's upper bound is 2 ** (1 / 2**6), about 1.1%, above its lower one."""

SMALLEST, LARGEST = 2.0**-40, 2.0**50
"""Magnitudes are clipped to about 1e-12 (below: zero) and 1e15: at most 5,760 buckets a sign."""


class ExponentialHistogram:
    """OTLP exponential histogram of a fixed scale, kept sparse.

    The scale never changes, so a far value or an error code of 1e9 costs one bucket and no
    resolution, and any two histograms merge exactly. What it can't do is resolve values whose
    spread is small against their offset (Kelvin, Unix times): bins on a baseline's quantiles do.
    Bucket i holds the magnitudes in (2**(i / 64), 2**((i + 1) / 64)]. Not thread-safe.

    >>> histogram = ExponentialHistogram()
    >>> histogram.update(np.array([-2.0, 0.0, 1.5, 1e9]))
    >>> histogram.total, histogram.zero_count
    (4, 1)
    """

    __slots__ = ("negative", "positive", "zero_count")

    scale = SCALE
    zero_threshold = SMALLEST

    def __init__(
        self,
        positive: Mapping[int, int] | None = None,
        negative: Mapping[int, int] | None = None,
        zero_count: int = 0,
    ) -> None:
        self.positive: Counter[int] = Counter(positive or {})
        self.negative: Counter[int] = Counter(negative or {})
        self.zero_count = zero_count

    @property
    def total(self) -> int:
        """How many values were counted."""
        return self.zero_count + self.positive.total() + self.negative.total()

    def update(self, values: FloatArray) -> None:
        """Count values, shape (n,), all finite; magnitudes below 2**-40 count as zero."""
        magnitudes = np.abs(values)
        zero = magnitudes < SMALLEST
        self.zero_count += int(zero.sum())
        for counts, chosen in (
            (self.positive, magnitudes[(values > 0) & ~zero]),
            (self.negative, magnitudes[(values < 0) & ~zero]),
        ):
            indices, found = np.unique(_bucket_index(chosen), return_counts=True)
            counts.update(dict(zip(indices.tolist(), found.tolist(), strict=True)))

    def merge(self, other: ExponentialHistogram) -> ExponentialHistogram:
        """Return the counts of both; exact."""
        return ExponentialHistogram(
            self.positive + other.positive,
            self.negative + other.negative,
            self.zero_count + other.zero_count,
        )

    def on_bins(self, bin_edges: FloatArray) -> Histogram:
        """Return the same counts on explicit bins.

        A bucket's count goes to the bin of its lower end: whole numbers up to 90 then keep to the
        bins that end at them. Other values err by a bucket's width, 1.1%, at most.

        Args:
            bin_edges: interior edges, strictly increasing, shape (k,).
        """
        places = [
            *((np.nextafter(_bound(index), np.inf), n) for index, n in self.positive.items()),
            *((-_bound(index + 1), n) for index, n in self.negative.items()),
            (0.0, self.zero_count),
        ]
        result = Histogram(bin_edges)
        bins = np.searchsorted(result.bin_edges, [place for place, _ in places], side="left")
        np.add.at(result.counts, bins, [count for _, count in places])
        return result


def from_buckets(
    scale: int, positive: Mapping[int, int], negative: Mapping[int, int], zero_count: int
) -> ExponentialHistogram:
    """Read buckets of another scale, as other clients send them.

    A finer scale is merged down exactly; a coarser one goes to the middle of each bucket.

    Raises:
        ProfileMismatch: where the scale lies outside OTLP's -10 to 20.
    """
    if not -10 <= scale <= 20:
        raise ProfileMismatch(f"an exponential histogram's scale is -10 to 20, got {scale}.")
    shift = scale - SCALE
    return ExponentialHistogram(_rescaled(positive, shift), _rescaled(negative, shift), zero_count)


def _rescaled(counts: Mapping[int, int], shift: int) -> Counter[int]:
    result: Counter[int] = Counter()
    for index, count in counts.items():
        middle = index >> shift if shift >= 0 else (index << -shift) + (1 << (-shift - 1))
        result[middle] += count
    return result


def _bucket_index(magnitudes: FloatArray) -> npt.NDArray[np.int64]:
    clipped = np.clip(magnitudes, SMALLEST, LARGEST)
    indices: npt.NDArray[np.int64] = np.ceil(np.log2(clipped) * 2**SCALE).astype(np.int64)
    return indices - 1


def _bound(index: int) -> float:
    return float(2.0 ** (index / 2**SCALE))
