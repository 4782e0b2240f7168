"""How far counts may be wrong once they are put on the bins of a baseline.

An edge of the baseline that lies within a bin of the sender cuts it: how many of its values lie
below the edge is not known. All of them may have been put on the wrong side, so that the share of
values up to an edge, and with it the Kolmogorov-Smirnov distance, is wrong by the mass of the bin
that the edge cuts at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.sketches import ExponentialHistogram, Histogram
from modelwatch.sketches.log_buckets import bounds

__all__ = ["MOST_REBINNING_ERROR", "rebinning_error", "split_by_error"]

MOST_REBINNING_ERROR: Final = 0.01
"""Share of values that may lie on the wrong side of an edge where a feature is still judged."""

FloatArray = npt.NDArray[np.float64]


class _Intervals(NamedTuple):
    """Occupied bins in any order: what lies in (lower, upper] of each, and how much."""

    lower: FloatArray
    upper: FloatArray
    counts: FloatArray


def rebinning_error(feature: FeatureProfile, bin_edges: FloatArray) -> float:
    """Return the largest share of values that may lie on the wrong side of an edge.

    Args:
        feature: numbers on whatever bins; its extremes close the first and last explicit ones.
        bin_edges: interior edges that they are to be put on, shape (k,).

    Returns:
        0.0 where there are no values or no edge lies within a bin that holds any; 1.0 of what is
        no histogram.

    >>> values = Histogram([0.0, 10.0], [0, 30, 70])
    >>> feature = FeatureProfile("x", "input", "numeric", values, None)
    >>> rebinning_error(feature, np.array([5.0, 10.0]))
    0.3
    """
    intervals = _intervals(feature)
    if intervals is None:
        return 1.0
    lower, upper, counts = intervals
    total = counts.sum()
    if not total or not bin_edges.size:
        return 0.0
    begun = _mass_below(lower, counts, bin_edges, side="left")
    ended = _mass_below(upper, counts, bin_edges, side="right")
    return float(np.max(begun - ended) / total)


def split_by_error(
    names: Iterable[str], baseline: Baseline, current: Profile
) -> tuple[tuple[str, ...], dict[str, float]]:
    """Tell features on other bins that are too far off to be judged from those that are not.

    Args:
        names: features of both that were counted on other bins than the baseline's.
        baseline: gives the bins.
        current: what was counted.

    Returns:
        Those that are left out, and those that are judged with their error.
    """
    errors = {
        name: rebinning_error(current.features[name], edges)
        for name in names
        if (edges := baseline.features[name].bin_edges) is not None
    }
    judged = {name: error for name, error in errors.items() if error <= MOST_REBINNING_ERROR}
    return tuple(name for name in errors if name not in judged), judged


def _mass_below(
    bounds_of: FloatArray, counts: FloatArray, edges: FloatArray, *, side: str
) -> FloatArray:
    """Return the mass of the bins with a bound below each edge, or at it too (right)."""
    order = np.argsort(bounds_of, kind="stable")
    mass = np.concatenate([[0.0], np.cumsum(counts[order])])
    places = bounds_of[order].searchsorted(edges, side="right" if side == "right" else "left")
    found: FloatArray = mass[places]
    return found


def _intervals(feature: FeatureProfile) -> _Intervals | None:
    values = feature.values
    if isinstance(values, Histogram):
        edges = np.concatenate([[-np.inf], values.bin_edges, [np.inf]])
        lower, upper, counts = edges[:-1], edges[1:], values.counts.astype(np.float64)
    elif isinstance(values, ExponentialHistogram):
        least, most = bounds(values.positive.indices, values.scale)
        inner, outer = bounds(values.negative.indices, values.scale)
        lower = np.concatenate([-outer, [0.0], least])
        upper = np.concatenate([-inner, [0.0], most])
        zeros = [float(values.zero_count)]
        counts = np.concatenate([values.negative.counts, zeros, values.positive.counts])
    else:
        return None
    occupied = counts > 0
    lower, upper, counts = lower[occupied], upper[occupied], counts[occupied]
    # Buckets of an exponential histogram are spread over the new bins as if no extreme were known.
    moments = feature.moments if isinstance(values, Histogram) else None
    if moments is not None and np.isfinite(moments.minimum):
        # A value at the minimum lies in (lower, upper] of its bin: the bound itself stays open.
        lower = np.maximum(lower, np.nextafter(moments.minimum, -np.inf))
        upper = np.minimum(upper, moments.maximum)
    return _Intervals(lower, upper, counts)
