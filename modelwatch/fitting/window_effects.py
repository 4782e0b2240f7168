"""Design effects measured on windows of live traffic, in time order, in place of blocks of rows.

Windows are blocks of neighbouring rows, of unequal size: the curve tells phi for windows of their
mean size and for several of them together. What happens within a window cannot be seen in its sums,
so that below that size the curve of the current baseline goes on, where there is one; else the
smallest measured phi serves, which is too careful. Windows of a service include its daily and
weekly cycles: a curve over them counts these as variation, as that of a table does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import BaselineFeature
from modelwatch.comparisons.block_effects import fit_value_effects
from modelwatch.comparisons.blocks import FEWEST_BLOCKS, SMALLEST_BLOCK
from modelwatch.comparisons.cells import category_counts, decile_starts
from modelwatch.comparisons.design_effect import DesignEffect, fit_effect_of_counts
from modelwatch.feature import FeatureProfile
from modelwatch.sketches import Categories, Histogram

__all__ = ["with_measured_effects"]

IntArray = npt.NDArray[np.int64]


def with_measured_effects(
    feature: BaselineFeature, windows: Sequence[FeatureProfile]
) -> BaselineFeature | None:
    """Return the feature with design effects that its windows show; None where they are too few.

    Args:
        feature: its bins or cells, and the curves that go on below the size of a window.
        windows: what was observed of it in windows that follow one another; on its bins.
    """
    filled = [one for one in windows if one.total]
    if len(filled) < FEWEST_BLOCKS:
        return None
    mean_rows = sum(one.total for one in filled) / len(filled)
    if mean_rows < SMALLEST_BLOCK:
        return None
    counts = np.array([_counts(feature, one) for one in filled], dtype=np.int64)
    ordered = feature.bin_edges is not None
    starts = decile_starts(counts.sum(axis=0)) if ordered else np.arange(counts.shape[1])
    values = fit_value_effects(counts, starts, ordered=ordered)
    scale = mean_rows / SMALLEST_BLOCK
    missing = _of_events(filled, [one.missing_count for one in filled])
    outliers = _of_events(filled, [one.outlier_count for one in filled])
    return replace(
        feature,
        values_effect=_joined(feature.values_effect, values.cells, scale),
        ks_effect=_joined(feature.ks_effect, values.ks, scale),
        location_effect=_joined(feature.location_effect, values.location, scale),
        missing_effect=_joined(feature.missing_effect, missing, scale),
        outliers_effect=_joined(feature.outliers_effect, outliers, scale),
    )


def _counts(feature: BaselineFeature, seen: FeatureProfile) -> IntArray:
    match seen.values:
        case Histogram() as values:
            return values.counts
        case Categories() as values:
            return category_counts(values.counts, values.total, feature.cells or ())
    return np.zeros(0, np.int64)


def _of_events(windows: Sequence[FeatureProfile], events: Sequence[int]) -> DesignEffect:
    found = np.minimum(events, [one.total for one in windows])
    rows = np.array([one.total for one in windows], dtype=np.int64)
    counts = np.column_stack([rows - found, found])
    return fit_effect_of_counts(counts, counts.sum(axis=0))


def _joined(known: DesignEffect, measured: DesignEffect, scale: float) -> DesignEffect:
    """Return the measured curve, whose sizes are in blocks of 50, after what is known below it."""
    if not measured.sizes:
        return known
    sizes = [round(size * scale) for size in measured.sizes]
    below = [at for at, size in enumerate(known.sizes) if size < sizes[0]]
    return DesignEffect(
        sizes=(*(known.sizes[at] for at in below), *sizes),
        phi=(*(known.phi[at] for at in below), *measured.phi),
        nu=(*(known.nu[at] for at in below), *measured.nu),
    )
