"""Each feature of a baseline beside its current statistics, on the same bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.comparisons.cells import category_counts
from modelwatch.comparisons.value_effects import ValueEffects
from modelwatch.errors import ProfileMismatch
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.reference import Reference, expected_feature
from modelwatch.seasons import SeasonKind
from modelwatch.sketches import Categories, ExponentialHistogram, Histogram

__all__ = ["Pair", "extremes", "on_baseline_bins", "pairs_of"]

IntArray = npt.NDArray[np.int64]


class Pair(NamedTuple):
    """One feature, before and now.

    Attributes:
        feature: its description.
        reference: its statistics in the baseline.
        current: its statistics now, on the baseline's bins.
        cells: counts of both on the cells of the chi-square test, each of shape (cells,).
        values: how many rows are in the cells of the two sides.
        totals: how many rows they have, missing values too.
        effects: how much its values vary between blocks.
        season: the cycle by which the reference was chosen; None where it is all of the baseline.
    """

    feature: BaselineFeature
    reference: FeatureProfile
    current: FeatureProfile
    cells: tuple[IntArray, IntArray]
    values: tuple[int, int]
    totals: tuple[int, int]
    effects: ValueEffects
    season: SeasonKind | None = None

    @property
    def rows(self) -> int:
        """Values on the side that has fewer."""
        return min(self.values)


def pairs_of(baseline: Baseline, current: Profile) -> list[Pair]:
    """Return the features that the current data has.

    Raises:
        ProfileMismatch: where a feature holds values of another kind.
    """
    sides = []
    hours = current.came(by_clock=baseline.seasons == "clock")
    for name, feature in baseline.features.items():
        now = current.features.get(name)
        if now is not None:
            before = baseline.profile.features[name]
            now = on_baseline_bins(now, before)
            expected = expected_feature(before, feature, hours) if feature.seasons else None
            sides.append(_Sides(feature, expected or before, now, expected is not None))
    cells = _numeric_cells(sides, baseline.reference)
    return [_pair(one, cells.get(one.feature.name) or _category_cells(one)) for one in sides]


class _Sides(NamedTuple):
    """One feature on the same bins, before and now."""

    feature: BaselineFeature
    before: FeatureProfile
    now: FeatureProfile
    is_seasonal: bool


class _Cells(NamedTuple):
    """Counts on the cells of the chi-square test, their sums, and all values, before and now.

    Of categories, the cells of a baseline may be counted on every other row.
    """

    counts: tuple[IntArray, IntArray]
    sums: tuple[int, int]
    observed: tuple[int, int]


def _pair(sides: _Sides, cells: _Cells) -> Pair:
    feature, before, now, is_seasonal = sides
    seasons = feature.seasons if is_seasonal else None
    observed = cells.observed
    return Pair(
        feature,
        before,
        now,
        cells.counts,
        values=cells.sums,
        totals=(observed[0] + before.missing_count, observed[1] + now.missing_count),
        effects=seasons.effects if seasons else feature.value_effects,
        season=seasons.kind if seasons else None,
    )


def extremes(feature: FeatureProfile) -> tuple[float, float]:
    """Return the smallest and largest value, as far as they are known."""
    moments = feature.moments
    if moments is not None and math.isfinite(moments.minimum):
        return moments.minimum, moments.maximum
    edges = feature.values.bin_edges if isinstance(feature.values, Histogram) else np.empty(0)
    return (float(edges[0]), float(edges[-1])) if edges.size else (0.0, 0.0)


def on_baseline_bins(current: FeatureProfile, reference: FeatureProfile) -> FeatureProfile:
    """Bring numbers that were counted on other bins onto the baseline's."""
    target = reference.values
    values = current.values
    if isinstance(values, ExponentialHistogram) and isinstance(target, Histogram):
        return replace(current, values=values.on_bins(target.bin_edges, target.counts))
    if type(values) is not type(target):
        raise ProfileMismatch(
            f"feature {current.name!r} holds {current.kind} values, in the baseline "
            f"{reference.kind} ones: the source sends another type than it was trained on."
        )
    if isinstance(values, Histogram) and isinstance(target, Histogram):
        if values.bin_edges is target.bin_edges or np.array_equal(
            values.bin_edges, target.bin_edges
        ):
            return current
        low, high = extremes(current)
        return replace(current, values=values.rebinned(target.bin_edges, low, high))
    return current


def _numeric_cells(sides: Sequence[_Sides], reference: Reference) -> dict[str, _Cells]:
    """Return the cells of all numbers, summed up at once."""
    numeric = [
        (one.feature.name, one.before.values.counts, one.now.values.counts)
        for one in sides
        if isinstance(one.before.values, Histogram) and isinstance(one.now.values, Histogram)
    ]
    if not numeric:
        return {}
    starts = [reference.starts[name] for name, _, _ in numeric]
    firsts = np.cumsum([0, *(counts.size for _, counts, _ in numeric)])
    sizes = np.array([own.size for own in starts])
    begins = np.concatenate(starts) + np.repeat(firsts[:-1], sizes)
    ends = np.cumsum(sizes)
    found: list[list[tuple[IntArray, int]]] = []
    for side in (1, 2):
        counts = np.concatenate([one[side] for one in numeric])
        cells = np.split(np.add.reduceat(counts, begins), ends[:-1])
        sums = np.add.reduceat(counts, firsts[:-1]).tolist()
        found.append(list(zip(cells, sums, strict=True)))
    return {
        name: _Cells((before, now), (before_sum, now_sum), (before_sum, now_sum))
        for (name, _, _), (before, before_sum), (now, now_sum) in zip(numeric, *found, strict=True)
    }


def _category_cells(sides: _Sides) -> _Cells:
    feature, before, now, _ = sides
    if not (isinstance(before.values, Categories) and isinstance(now.values, Categories)):
        raise ProfileMismatch(f"feature {feature.name!r} holds {before.kind} values on one side.")
    counts = (
        np.array(feature.cell_counts, dtype=np.int64),
        category_counts(now.values.counts, now.values.total, feature.cells or ()),
    )
    sums = int(counts[0].sum()), int(counts[1].sum())
    return _Cells(counts, sums, (before.observed, now.observed))
