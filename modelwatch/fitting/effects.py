"""How much each feature of a baseline varies between blocks of its rows in time order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import BaselineFeature
from modelwatch.comparisons.block_effects import fit_value_effects
from modelwatch.comparisons.blocks import SMALLEST_BLOCK
from modelwatch.comparisons.cells import decile_starts
from modelwatch.comparisons.design_effect import DesignEffect, fit_effect_of_counts
from modelwatch.feature import FeatureProfile, FeatureSpec
from modelwatch.fitting.batch import Batch
from modelwatch.fitting.block_counts import BlockCounts, block_stretches
from modelwatch.fitting.order import Classes, say_sorted_by
from modelwatch.fitting.seasons import SeasonClock, SeasonCounts
from modelwatch.fitting.segments import SegmentRows, SegmentSums
from modelwatch.tables.columns import CategoricalColumn, NumericColumn

__all__ = ["FeatureBlocks", "most_blocks"]

MOST_BYTES = 256 * 2**20
"""Memory for the counts of all blocks of all features; of longer data evenly spaced stretches of
rows are counted."""

MOST_BLOCKS = 40_000
"""Likewise of each feature: 2,000,000 rows. More blocks tell no more, and take time."""

Codes = npt.NDArray[np.intp]


def most_blocks(specs: Mapping[str, FeatureSpec]) -> int:
    """Return of how many blocks of 50 rows there is room for counts."""
    room = MOST_BYTES // sum(_bins(spec) + 1 for spec in specs.values())
    return max(min(room, MOST_BLOCKS), 1)


class FeatureBlocks:
    """The blocks of one feature: counts of 50 rows each, on its bins or cells. A `Summary`.

    Args:
        spec: the feature.
        rows: rows of all the data.
        most_blocks: how many blocks are counted at most.
        in_time_order: whether the rows are; None where it may be so: then a column whose equal
            values all stand together was sorted, and says nothing of time.
        counts: the known values' counts on the bins of numbers, by which cells are chosen.
        singles: categories of one row each.
        clock: tells when the rows came; None where that is not known.
        segments: tells of which segment they are; None without segments.
    """

    def __init__(
        self,
        spec: BaselineFeature,
        rows: int,
        *,
        most_blocks: int,
        in_time_order: bool | None,
        counts: npt.NDArray[np.int64],
        singles: frozenset[str] = frozenset(),
        clock: SeasonClock | None = None,
        segments: SegmentRows | None = None,
    ) -> None:
        self.spec = spec
        self._in_time_order = in_time_order
        self._singles = singles
        self._places = {name: place for place, name in enumerate(spec.cells or ())}
        stretches = block_stretches(rows, most_blocks)
        self._values = BlockCounts(stretches, _bins(spec))
        self._outliers = BlockCounts(stretches, 1)
        starts = decile_starts(counts) if counts.size else np.empty(0, np.intp)
        self._cell_of_bin = np.searchsorted(starts, np.arange(counts.size), side="right") - 1
        self._cells, self._missing, self._outlying = Classes(), Classes(), Classes()
        self._fourth = 0.0
        mean = None if spec.bin_edges is None else spec.mean
        self._seasons = None if clock is None else SeasonCounts(clock, _bins(spec), mean)
        self._segments = None if segments is None else SegmentSums(segments, _bins(spec))

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        column = batch.column(self.spec.name)
        if isinstance(column, CategoricalColumn):
            codes = cells = column.codes(self._places, len(self._places))
            outlying = column.codes(dict.fromkeys(self._singles, 1), 0) > 0
        else:
            codes, cells, outlying = self._of_numbers(column)
        if self._in_time_order is None:
            self._cells.update(cells)
            self._missing.update((codes < 0).astype(np.intp))
            self._outlying.update(outlying.astype(np.intp))
        if self._in_time_order is not False:
            self._values.update(batch.start, codes)
            self._outliers.update(batch.start, np.where(outlying, 0, -1))
        if self._seasons is not None:
            numbers = column.values if isinstance(column, NumericColumn) else None
            self._seasons.update(codes, numbers)
        if self._segments is not None and self._in_time_order is not False:
            self._segments.update(codes, outlying)

    def _of_numbers(self, column: NumericColumn) -> tuple[Codes, Codes, npt.NDArray[np.bool_]]:
        spec = self.spec
        edges = spec.bin_edges if spec.bin_edges is not None else np.empty(0)
        bins = np.searchsorted(edges, column.values, side="left")
        cells = self._cell_of_bin[bins] if self._in_time_order is None else bins
        if column.missing:
            absent = np.isnan(column.values)
            bins, cells = np.where(absent, -1, bins), np.where(absent, -1, cells)
        with np.errstate(over="ignore", under="ignore"):
            square = (column.finite - spec.mean) ** 2
            self._fourth += float((square * square).sum())
        return (
            bins,
            cells,
            (column.values < spec.limits.lower) | (column.values > spec.limits.upper),
        )

    def feature(self, profile: FeatureProfile) -> BaselineFeature:
        """Return the feature with its design effects, given the statistics of all rows."""
        spec = self.spec
        moments = profile.moments
        if moments is not None and moments.n > 1 and moments.variance > 0:
            kurtosis = self._fourth / moments.n / moments.variance / moments.variance
            spec = replace(spec, kurtosis=max(kurtosis, 1.0) if math.isfinite(kurtosis) else None)
        if self._in_time_order is None and self._cells.are_grouped:
            say_sorted_by(spec.name)
            return spec
        if self._in_time_order is False:
            return spec
        counts = self._values.counts.astype(np.int64)
        starts = self._starts()
        values = fit_value_effects(counts, starts, ordered=spec.bin_edges is not None)
        missing = SMALLEST_BLOCK - self._values.counts.sum(axis=1, dtype=np.int64)
        outliers = self._outliers.counts[:, 0].astype(np.int64)
        return replace(
            spec,
            values_effect=values.cells,
            ks_effect=values.ks,
            location_effect=values.location,
            seasons=self._seasons.cycle(counts, starts, values) if self._seasons else None,
            missing_effect=_effect_of_events(missing, self._missing),
            outliers_effect=_effect_of_events(outliers, self._outlying),
            segment_spread=(
                self._segments.spread(ordered=spec.bin_edges is not None)
                if self._segments
                else None
            ),
        )

    def _starts(self) -> Codes:
        """Return at which bin each cell begins; categories are a cell each."""
        totals = self._values.totals
        return decile_starts(totals) if self.spec.bin_edges is not None else np.arange(totals.size)


def _bins(spec: FeatureSpec) -> int:
    if spec.bin_edges is not None:
        return int(spec.bin_edges.size) + 1
    return len(spec.cells or ()) + 1


def _effect_of_events(events: npt.NDArray[np.int64], order: Classes) -> DesignEffect:
    """Return the effect of a share, given how many rows of each block have it."""
    if order.are_grouped:
        return DesignEffect()
    counts = np.column_stack([SMALLEST_BLOCK - events, events])
    return fit_effect_of_counts(counts, counts.sum(axis=0))
