"""The distances of all features, each computed for all of them at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from modelwatch.comparing.pairs import Pair, extremes
from modelwatch.comparisons.chi_square import ChiSquare, chi_square_each
from modelwatch.comparisons.hellinger import hellinger_each
from modelwatch.comparisons.js import js_each
from modelwatch.comparisons.kl import kl_each
from modelwatch.comparisons.ks import ks_at_ends_each, ks_of_steps
from modelwatch.comparisons.l_infinity import l_infinity_each
from modelwatch.comparisons.location import location_each
from modelwatch.comparisons.psi import psi_each
from modelwatch.comparisons.smoothing import steps_of
from modelwatch.comparisons.total_variation import total_variation_each
from modelwatch.comparisons.wasserstein import wasserstein_of_steps
from modelwatch.feature import FeatureProfile
from modelwatch.reference import Reference, stacked
from modelwatch.sketches import Histogram

__all__ = ["Distances", "distances_of"]

FloatArray = npt.NDArray[np.float64]

ON_CELLS = {
    "psi": psi_each,
    "kl": kl_each,
    "js": js_each,
    "hellinger": hellinger_each,
    "total_variation": total_variation_each,
    "l_infinity": l_infinity_each,
}


class Distances:
    """How far one feature moved, by every measure that has a meaning for its kind.

    Attributes:
        by_name: psi, kl, js, hellinger, total_variation, l_infinity and chi2 on the cells; of
            numbers also ks on all bins, and wasserstein in reference standard deviations.
        chi_square: the statistic with its degrees of freedom.
        cells_used: cells that hold a value on either side.
        bins_used: bins that hold a value of the reference; 0 for categories.
        location: by how much the mean normal score moved; None for categories.
    """

    __slots__ = ("bins_used", "by_name", "cells_used", "chi_square", "location")

    def __init__(self, chi_square: ChiSquare, cells_used: int) -> None:
        self.by_name: dict[str, float] = {"chi2": chi_square.statistic}
        self.chi_square = chi_square
        self.cells_used = cells_used
        self.bins_used = 0
        self.location: float | None = None


def distances_of(pairs: Iterable[Pair], reference: Reference) -> dict[str, Distances]:
    """Return the distances by feature; those without a value on either side have none."""
    filled = [pair for pair in pairs if pair.rows]
    found = _on_cells(filled)
    numeric = [pair for pair in filled if pair.feature.name in reference.row_of]
    if numeric:
        _add_numeric(found, numeric, reference)
    return found


def _on_cells(pairs: Sequence[Pair]) -> dict[str, Distances]:
    by_size: defaultdict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_size[pair.cells[0].size].append(pair)
    found: dict[str, Distances] = {}
    for group in by_size.values():
        x, y = (np.array([pair.cells[side] for pair in group]) for side in (0, 1))
        statistics, degrees = chi_square_each(x, y)
        used = np.count_nonzero(x + y, axis=1)
        for pair, *numbers in zip(group, statistics, degrees, used, strict=True):
            statistic, freedom, cells = map(float, numbers)
            found[pair.feature.name] = Distances(ChiSquare(statistic, int(freedom)), int(cells))
        for name, measure in ON_CELLS.items():
            _set(found, group, name, measure(x, y))
    return found


def _add_numeric(found: dict[str, Distances], pairs: Sequence[Pair], reference: Reference) -> None:
    rows = np.array([reference.row_of[pair.feature.name] for pair in pairs])
    before, width = reference.counts[rows], reference.counts.shape[1]
    for row, pair in enumerate(pairs):
        if pair.season is not None:
            counts = _counts(pair.reference)
            before[row, : counts.size] = counts
    now = stacked([_counts(pair.current) for pair in pairs], 0.0, width)
    edges = reference.edges[rows]
    ends_before, ends_now = (
        np.array([extremes(side) for side in sides])
        for sides in zip(*((pair.reference, pair.current) for pair in pairs), strict=True)
    )
    steps = steps_of(before, now)
    at_edges_and_ends = [
        ks_of_steps(steps),
        ks_at_ends_each(before, _bounds(edges, ends_before), ends_now),
        ks_at_ends_each(now, _bounds(edges, ends_now), ends_before),
    ]
    _set(found, pairs, "ks", np.max(at_edges_and_ends, axis=0))
    both = np.column_stack(
        [
            np.minimum(ends_before[:, 0], ends_now[:, 0]),
            np.maximum(ends_before[:, 1], ends_now[:, 1]),
        ]
    )
    areas = wasserstein_of_steps(steps, _bounds(edges, both))
    with np.errstate(divide="ignore", invalid="ignore"):
        in_units = areas / np.array([_standard_deviation(pair) for pair in pairs])
    _set(found, pairs, "wasserstein", in_units)
    scores = reference.scores[rows]
    locations = location_each(scores, now) - location_each(scores, before)
    used = np.count_nonzero(before, axis=1)
    for pair, location, bins in zip(pairs, locations, used, strict=True):
        found[pair.feature.name].location = float(location)
        found[pair.feature.name].bins_used = int(bins)


def _set(found: dict[str, Distances], pairs: Sequence[Pair], name: str, values: FloatArray) -> None:
    """Note one distance of each feature, where it has a finite value."""
    is_finite = np.isfinite(values).tolist()
    for pair, value, is_known in zip(pairs, values.tolist(), is_finite, strict=True):
        if is_known:
            found[pair.feature.name].by_name[name] = value


def _counts(feature: FeatureProfile) -> npt.NDArray[np.int64]:
    values = feature.values
    return values.counts if isinstance(values, Histogram) else np.empty(0, np.int64)


def _bounds(edges: FloatArray, ends: FloatArray) -> FloatArray:
    """Return the bins' bounds, the outer ones being the given ends, shape (features, bins + 1)."""
    low, high = ends[:, :1], ends[:, 1:]
    return np.concatenate([low, np.clip(edges, low, high), high], axis=1)


def _standard_deviation(pair: Pair) -> float:
    moments = pair.reference.moments
    return moments.standard_deviation if moments is not None else math.nan
