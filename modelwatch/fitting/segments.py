"""What rows of a segment are compared with, and how much they vary between blocks.

A segment's blocks may stray from it by more than blocks of the whole stray from the whole: where
each segment has a level of its own that changes, the whole averages over them. So that is measured
on the segments' own rows, one figure for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.comparisons.block_effects import fit_pooled_effects
from modelwatch.comparisons.blocks import FEWEST_BLOCKS, SMALLEST_BLOCK, count_blocks
from modelwatch.comparisons.cells import category_counts
from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.comparisons.value_effects import SegmentSpread
from modelwatch.errors import SchemaError
from modelwatch.feature import FeatureProfile, FeatureSpec
from modelwatch.fitting.batch import Batch
from modelwatch.fitting.block_counts import block_stretches
from modelwatch.segments import SegmentCodes
from modelwatch.sketches import Categories

__all__ = ["SegmentBlocks", "SegmentRows", "SegmentSums", "baseline_of_segment"]

MOST_BLOCKS = 10_000
"""Blocks of all segments together, of 500,000 rows: as all of them tell one figure, more blocks
would not tell it much better."""

Codes = npt.NDArray[np.intp]


def baseline_of_segment(baseline: Baseline, name: str) -> Baseline:
    """Do what `Baseline.of_segment` promises."""
    if name not in baseline.segments:
        raise SchemaError(
            f"the baseline has no segment {name!r}, it has {sorted(baseline.segments)}: fit it "
            "with segment= and rows of that segment."
        )
    profile = baseline.segments[name]
    features = {
        feature.name: replace(
            feature,
            seasons=None,
            **_effects(feature),
            cell_counts=_cell_counts(feature, profile.features[feature.name]),
        )
        for feature in baseline.features.values()
    }
    return replace(
        baseline,
        rows=profile.rows,
        features=features,
        profile=profile,
        segment=None,
        segments={},
        performance=None,
    )


def _effects(feature: BaselineFeature) -> dict[str, Any]:
    spread = feature.segment_spread
    if spread is None:
        return {}
    return {
        "values_effect": spread.values.cells,
        "ks_effect": spread.values.ks,
        "location_effect": spread.values.location,
        "missing_effect": spread.missing,
        "outliers_effect": spread.outliers,
        "segment_spread": None,
    }


def _cell_counts(feature: FeatureSpec, profile: FeatureProfile) -> tuple[int, ...]:
    values = profile.values
    if feature.cells is None or not isinstance(values, Categories):
        return ()
    return tuple(category_counts(values.counts, values.total, feature.cells).tolist())


class SegmentRows:
    """Which rows of a batch are of which segment. A `Summary`, to be updated before the features'.

    Args:
        column: the column that names the segment.
        rows: rows of all the data.
        most_blocks: how many blocks of 50 rows there is room for.
    """

    def __init__(self, column: str, rows: int, most_blocks: int) -> None:
        self._column = column
        self._stretches = block_stretches(rows, min(most_blocks, MOST_BLOCKS))
        self._codes = SegmentCodes()
        self._parts: list[tuple[int, Codes]] = []

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        codes = self._codes.of(batch.raw[self._column])
        rows = np.arange(batch.start, batch.start + batch.rows)
        counted = np.zeros(batch.rows, dtype=bool)
        for stretch in self._stretches:
            end = stretch.start + stretch.blocks * SMALLEST_BLOCK
            counted |= (rows >= stretch.start) & (rows < end)
        places = np.flatnonzero(counted & (codes > 0))
        places = places[np.argsort(codes[places], kind="stable")]
        present, starts = np.unique(codes[places], return_index=True)
        parts = np.split(places, starts)[1:]
        self._parts = list(zip(present.tolist(), parts, strict=True))

    def parts(self, codes: Codes) -> Iterator[tuple[int, Codes]]:
        """Yield the number of each segment in the last batch, and what is given of its rows."""
        for segment, places in self._parts:
            yield segment, codes[places]


class SegmentBlocks:
    """Counts of each 50 rows of a segment, for all segments. A byte a count. Not thread-safe.

    Args:
        rows: tells which rows are whose.
        bins: how many bins there are.
    """

    def __init__(self, rows: SegmentRows, bins: int) -> None:
        self._rows = rows
        self._bins = bins
        self._pending: dict[int, Codes] = {}
        self._blocks: dict[int, list[npt.NDArray[np.uint8]]] = {}

    def update(self, codes: Codes) -> None:
        """Take in the rows that `SegmentRows` has just taken in.

        Args:
            codes: the bin of each, negative where it has none.
        """
        for segment, part in self._rows.parts(codes):
            pending = self._pending.get(segment)
            joined = part if pending is None else np.concatenate([pending, part])
            whole = joined.size // SMALLEST_BLOCK * SMALLEST_BLOCK
            self._pending[segment] = joined[whole:]
            if whole:
                counts = count_blocks(joined[:whole], self._bins).astype(np.uint8)
                self._blocks.setdefault(segment, []).append(counts)

    def counts(self) -> list[npt.NDArray[np.int64]]:
        """Return the blocks of each segment that has enough, shape (blocks, bins)."""
        found = [np.concatenate(parts).astype(np.int64) for parts in self._blocks.values()]
        return [blocks for blocks in found if blocks.shape[0] >= FEWEST_BLOCKS]


class SegmentSums:
    """The blocks of one feature by segment. Not thread-safe.

    Args:
        rows: tells which rows are whose.
        bins: the feature's bins, or cells.
    """

    def __init__(self, rows: SegmentRows, bins: int) -> None:
        self._values = SegmentBlocks(rows, bins)
        self._outliers = SegmentBlocks(rows, 1)

    def update(self, codes: Codes, outlying: npt.NDArray[np.bool_]) -> None:
        """Take in the rows that `SegmentRows` has just taken in.

        Args:
            codes: the bin of each, negative where it has none.
            outlying: whether it is an outlier.
        """
        self._values.update(codes)
        self._outliers.update(np.where(outlying, 0, -1))

    def spread(self, *, ordered: bool) -> SegmentSpread | None:
        """Return how much they vary; None where no segment has enough rows to tell.

        Args:
            ordered: whether the feature's bins have an order.
        """
        counts = self._values.counts()
        if not counts:
            return None
        missing = [SMALLEST_BLOCK - blocks.sum(axis=1, keepdims=True) for blocks in counts]
        return SegmentSpread(
            values=fit_pooled_effects(counts, ordered=ordered),
            missing=_of_events(missing),
            outliers=_of_events(self._outliers.counts()),
        )


def _of_events(parts: list[npt.NDArray[np.int64]]) -> DesignEffect:
    both = [np.column_stack([SMALLEST_BLOCK - events, events]) for events in parts]
    return fit_pooled_effects(both, ordered=False).cells
