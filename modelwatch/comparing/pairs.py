"""Each feature of a baseline beside its current statistics, on the same bins."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.comparisons.cells import category_counts
from modelwatch.comparisons.value_effects import ValueEffects
from modelwatch.errors import ProfileMismatch
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.reference import expected_feature
from modelwatch.seasons import SeasonKind
from modelwatch.sketches import Categories, ExponentialHistogram, Histogram

__all__ = ["Pair", "extremes", "on_baseline_bins", "pairs_of"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pair:
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
    pairs = []
    hours = current.came(by_clock=baseline.seasons == "clock")
    for name, feature in baseline.features.items():
        now = current.features.get(name)
        if now is not None:
            before = baseline.profile.features[name]
            now = on_baseline_bins(now, before)
            expected = expected_feature(before, feature, hours) if feature.seasons else None
            starts = baseline.reference.starts.get(name)
            pairs.append(_pair(feature, expected or before, now, starts, expected is not None))
    return pairs


def _pair(
    feature: BaselineFeature,
    before: FeatureProfile,
    now: FeatureProfile,
    starts: npt.NDArray[np.intp] | None,
    seasonal: bool,
) -> Pair:
    seasons = feature.seasons if seasonal else None
    cells = _cells(feature, before, now, starts)
    return Pair(
        feature,
        before,
        now,
        cells,
        values=(int(cells[0].sum()), int(cells[1].sum())),
        totals=(before.total, now.total),
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


def _cells(
    feature: BaselineFeature,
    reference: FeatureProfile,
    current: FeatureProfile,
    starts: npt.NDArray[np.intp] | None,
) -> tuple[IntArray, IntArray]:
    match reference.values, current.values:
        case Histogram() as x, Histogram() as y if starts is not None:
            return np.add.reduceat(x.counts, starts), np.add.reduceat(y.counts, starts)
        case Categories(), Categories() as y:
            before = np.array(feature.cell_counts, dtype=np.int64)
            return before, category_counts(y.counts, y.total, feature.cells or ())
    raise ProfileMismatch(f"feature {reference.name!r} holds {reference.kind} values on one side.")
