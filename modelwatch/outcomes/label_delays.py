"""How long labels took to become known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.errors import FormatError, ProfileMismatch

__all__ = ["DELAY_EDGES_SECONDS", "LabelDelays"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MINUTE: Final = 60.0
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

DELAY_EDGES_SECONDS: Final = (
    *(1.0, 2.0, 5.0, 10.0, 30.0),
    *(MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR),
    *(DAY, 2 * DAY, 3 * DAY, 5 * DAY, 7 * DAY, 14 * DAY, 21 * DAY, 30 * DAY, 45 * DAY),
    *(60 * DAY, 90 * DAY, 120 * DAY, 180 * DAY, 270 * DAY, 365 * DAY, 400 * DAY),
)
"""Bounds between the bins of delays."""

NS_PER_SECOND: Final = 1e9


class LabelDelays:
    """Labels by the time from prediction to label, in bins. Merging adds. Not thread-safe.

    Bins are [-inf, 1 s], (1 s, 2 s], ... (400 days, inf]. A label that was known before the
    prediction counts as known at once.

    Args:
        counts: labels in each bin; zeros where None.

    Raises:
        ProfileMismatch: where there are not as many counts as bins, or one is negative.

    >>> delays = LabelDelays()
    >>> delays.update(np.array([0, 0]), np.array([1_500_000_000, 60_000_000_000]))
    >>> delays.total, delays.quantile(1.0)
    (2, 60.0)
    """

    __slots__ = ("counts",)

    def __init__(self, counts: Sequence[int] | IntArray | None = None) -> None:
        size = len(DELAY_EDGES_SECONDS) + 1
        self.counts: IntArray = (
            np.zeros(size, np.int64) if counts is None else np.array(counts, dtype=np.int64)
        )
        if self.counts.shape != (size,) or self.counts.min() < 0:
            raise ProfileMismatch(f"delays of labels are {size} counts of 0 or more.")

    @property
    def total(self) -> int:
        """Labels counted."""
        return int(self.counts.sum())

    def update(self, predicted_ns: IntArray, labelled_ns: IntArray) -> None:
        """Count rows by the times of their predictions and of their labels, shapes (n,)."""
        seconds = (labelled_ns - predicted_ns) / NS_PER_SECOND
        bins = np.searchsorted(DELAY_EDGES_SECONDS, seconds, side="left")
        self.counts = self.counts + np.bincount(bins, minlength=self.counts.size)

    def quantile(self, share: float) -> float:
        """Return the delay in seconds that a share of the labels did not exceed.

        Linear within a bin; the largest bound where it is beyond; NaN without labels.

        Args:
            share: in [0, 1].
        """
        if not self.total:
            return math.nan
        edges = (0.0, *DELAY_EDGES_SECONDS)
        below = np.concatenate([[0], np.cumsum(self.counts)])
        wanted = share * self.total
        at = int(np.searchsorted(below, wanted, side="left" if wanted > 0 else "right")) - 1
        if at + 1 >= len(edges):
            return edges[-1]
        part = (wanted - below[at]) / max(below[at + 1] - below[at], 1)
        return float(edges[at] + part * (edges[at + 1] - edges[at]))

    def merge(self, other: LabelDelays) -> LabelDelays:
        """Return the counts of both."""
        return LabelDelays(self.counts + other.counts)

    def without(self, part: LabelDelays) -> LabelDelays:
        """Return the counts of the rest, of which `merge` with the part would give these.

        Raises:
            ProfileMismatch: where the part holds more.
        """
        return LabelDelays(self.counts - part.counts)

    @classmethod
    def from_counts(cls, counts: Sequence[int]) -> LabelDelays:
        """Read counts that were stored.

        Raises:
            FormatError: where there are not as many as bins, or one is negative.
        """
        try:
            return cls(counts)
        except ProfileMismatch as error:
            raise FormatError(str(error)) from error
