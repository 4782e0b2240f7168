"""Vectors of many rows added up, whatever series each of them has.

Counts and sums add, minima and maxima take the least and the greatest; where a histogram told no
extreme, its NaN gives way to any number. Where one that holds values told no sum, that of the whole
is not known either: a mean of it would be too small. It is NaN, of that series alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.errors import StoreError
from modelwatch.telemetry.wire.arrivals import Series, SeriesSet

__all__ = ["Accumulator", "Vectors"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MOST_COUNT: Final = 2**61
"""Sums of counts stay at this, so that adding two of them never leaves 64 bits."""

_ADDED_UNCHECKED: Final = 128
"""Arrivals, of counts up to 2**53, that are added before sums are looked at again."""

_CACHED_PLACES: Final = 256
"""Series sets of which an accumulator remembers where their numbers go."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """What one row tells.

    Attributes:
        series_set: which series, in order.
        counts: of all series, one after the other.
        sums: one a histogram; NaN where absent.
        minima: likewise; NaN where absent.
        maxima: likewise.
    """

    series_set: SeriesSet
    counts: IntArray
    sums: FloatArray
    minima: FloatArray
    maxima: FloatArray

    def require_fit(self) -> None:
        """Do nothing where the arrays are as long as the series say.

        Raises:
            StoreError: where they are not.
        """
        fits = self.counts.size == self.series_set.size
        if not fits or self.sums.size != self.series_set.histograms:
            raise StoreError("a row of the store is damaged: its numbers do not fit its series.")


class Accumulator:
    """A running sum over the union of the series that were added. Not thread-safe.

    Adding the same series as ever takes some 5 us for 4,840 counts, other series some 40 us.
    """

    def __init__(self) -> None:
        self._series: list[Series] = []
        self._set: SeriesSet | None = None
        self._starts: dict[int, tuple[int, int]] = {}
        self._places: dict[int, tuple[IntArray, IntArray]] = {}
        self._counts = np.zeros(0, np.int64)
        self._sums = np.zeros(0)
        self._minima = np.zeros(0)
        self._maxima = np.zeros(0)
        self._unchecked = 0

    @property
    def nbytes(self) -> int:
        """Bytes that the vectors take."""
        return self._counts.nbytes + 3 * self._sums.nbytes

    def vectors(self) -> Vectors:
        """Return the sums so far; they change with what is added later."""
        if self._set is None:
            self._set = SeriesSet(tuple(self._series))
        self._cap()
        return Vectors(self._set, self._counts, self._sums, self._minima, self._maxima)

    def add(self, vectors: Vectors) -> None:
        """Add what one row tells."""
        if self._set is None or vectors.series_set.key != self._set.key:
            self._add_other(vectors)
        else:
            self._counts += vectors.counts
            self._sums += _known_sums(vectors)
            np.fmin(self._minima, vectors.minima, out=self._minima)
            np.fmax(self._maxima, vectors.maxima, out=self._maxima)
        self._unchecked += 1
        if self._unchecked >= _ADDED_UNCHECKED:
            self._cap()

    def add_sums(self, vectors: Vectors) -> None:
        """Add what a row of sums tells, whose counts may be large already."""
        self._cap()
        self.add(vectors)
        self._cap()

    def _cap(self) -> None:
        self._unchecked = 0
        if self._counts.max(initial=0) > _MOST_COUNT:
            np.minimum(self._counts, _MOST_COUNT, out=self._counts)

    def _add_other(self, vectors: Vectors) -> None:
        counts_at, floats_at = self._places_of(vectors.series_set)
        self._counts[counts_at] += vectors.counts
        self._sums[floats_at] += _known_sums(vectors)
        self._minima[floats_at] = np.fmin(self._minima[floats_at], vectors.minima)
        self._maxima[floats_at] = np.fmax(self._maxima[floats_at], vectors.maxima)

    def _places_of(self, series_set: SeriesSet) -> tuple[IntArray, IntArray]:
        found = self._places.get(series_set.key)
        if found is None:
            self._make_room(series_set)
            if len(self._places) >= _CACHED_PLACES:
                self._places.clear()
            found = self._places[series_set.key] = self._find(series_set)
        return found

    def _find(self, series_set: SeriesSet) -> tuple[IntArray, IntArray]:
        counts_at: list[IntArray] = []
        floats_at: list[int] = []
        for series in series_set.series:
            start, histogram = self._starts[series.key]
            counts_at.append(np.arange(start, start + series.width))
            if series.is_histogram:
                floats_at.append(histogram)
        empty = np.zeros(0, np.int64)
        return np.concatenate([empty, *counts_at]), np.array(floats_at, np.int64)

    def _make_room(self, series_set: SeriesSet) -> None:
        if not self._series:
            self._set = series_set
        size, histograms = self._counts.size, self._sums.size
        for series in series_set.series:
            if series.key in self._starts:
                continue
            if self._set is not series_set:
                self._set = None
            self._starts[series.key] = (size, histograms)
            self._series.append(series)
            size += series.width
            histograms += series.is_histogram
        self._grow(size, histograms)

    def _grow(self, size: int, histograms: int) -> None:
        more, more_floats = size - self._counts.size, histograms - self._sums.size
        self._counts = np.concatenate([self._counts, np.zeros(more, np.int64)])
        self._sums = np.concatenate([self._sums, np.zeros(more_floats)])
        self._minima = np.concatenate([self._minima, np.full(more_floats, np.nan)])
        self._maxima = np.concatenate([self._maxima, np.full(more_floats, np.nan)])


def _known_sums(vectors: Vectors) -> FloatArray:
    """Return sums with zeros for those that were not told of histograms without a value."""
    sums = vectors.sums
    if not math.isnan(sums.sum()):
        return sums
    offsets = vectors.series_set.offsets
    totals = np.add.reduceat(vectors.counts, offsets[:-1])
    is_histogram = [series.is_histogram for series in vectors.series_set.series]
    return np.where(np.isnan(sums) & (totals[is_histogram] == 0), 0.0, sums)
