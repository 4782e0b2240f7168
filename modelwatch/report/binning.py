"""Bins for the eye: from the baseline's quantile bins to bars of equal width on a readable axis.

A baseline has some 120 bins of equal mass, which compare well and look like nothing. Bars of equal
width over the range that holds the mass show the shape at once; what lies beyond the axis is
summed up and said in words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from modelwatch.feature import FeatureProfile
from modelwatch.sketches import Categories, ExponentialHistogram, Histogram

__all__ = ["Bars", "countable", "holds_distinct_values", "numeric_bars", "step_edges"]

FloatArray = npt.NDArray[np.float64]

TARGET_BARS = 30
MOST_OWN_BARS = 48
"""A baseline of at most so many values, evenly spaced, has a bar for each."""

REFERENCE_TAIL = 0.002
"""Share of the baseline's mass that the axis may leave out at either end."""

CURRENT_TAIL = 0.01
"""Likewise for the current window, so that one error code cannot stretch the axis."""

MOST_STRETCH = 1.5
"""The current window may lengthen the axis by this many baseline ranges at either end."""


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Shares of rows in bars of equal width.

    Attributes:
        edges: the bars' edges, increasing, shape (k + 1,).
        reference: share of the baseline's values in each bar, shape (k,).
        current: share of the window's values in each bar, shape (k,); None where it has none.
        reference_beyond: share of the baseline's values outside of the edges.
        current_beyond: share of the window's values outside of the edges.
    """

    edges: FloatArray
    reference: FloatArray
    current: FloatArray | None
    reference_beyond: float
    current_beyond: float


def numeric_bars(reference: FeatureProfile, current: FeatureProfile | None) -> Bars | None:
    """Return the bars of a numeric feature, or None where the baseline holds no number.

    Args:
        reference: from the baseline's profile.
        current: from the window's profile, on whatever bins.
    """
    if not isinstance(reference.values, Histogram) or not reference.observed:
        return None
    found = countable(current, reference.values)
    own = _own_edges(reference.values) if reference.kind == "numeric" else None
    edges = _axis(reference, found) if own is None else own
    if np.any(np.diff(edges) <= 0):
        return None  # the values differ by less than floating point can put on an axis
    single = _bins_of_one_value(reference.values, edges, a_bar_a_value=own is not None)
    reference_shares, reference_beyond = _shares(reference, edges, single)
    current_shares, current_beyond = None, 0.0
    if found is not None:
        same_bins = _has_bins_of(found, reference.values)
        current_shares, current_beyond = _shares(found, edges, single if same_bins else None)
    return Bars(
        edges=edges,
        reference=reference_shares,
        current=current_shares,
        reference_beyond=reference_beyond,
        current_beyond=current_beyond,
    )


def step_edges(lower: float, upper: float, *, bars: int = TARGET_BARS) -> FloatArray:
    """Return about ``bars`` bars' edges that cover [lower, upper], on round numbers.

    >>> step_edges(3.2, 96.0, bars=10).tolist()
    [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0]
    """
    if not upper > lower:
        width = max(abs(lower), 1.0) * 0.5
        lower, upper = lower - width, upper + width
    rough = (upper - lower) / bars
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = min((m * magnitude for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(math.log(s / rough)))
    first, last = math.floor(lower / step + 1e-9), math.ceil(upper / step - 1e-9)
    edges: FloatArray = np.arange(first, max(last, first + 1) + 1, dtype=np.float64) * step
    edges[0], edges[-1] = min(edges[0], lower), max(edges[-1], upper)  # despite rounding
    return edges


def countable(profile: FeatureProfile | None, bins: Histogram) -> FeatureProfile | None:
    """Return the profile on explicit bins, or None where it holds no number."""
    if profile is None or not profile.observed or isinstance(profile.values, Categories):
        return None
    if isinstance(profile.values, ExponentialHistogram):
        return replace(profile, values=profile.values.on_bins(bins.bin_edges))
    return profile


def _has_bins_of(profile: FeatureProfile, values: Histogram) -> bool:
    found = profile.values
    return isinstance(found, Histogram) and np.array_equal(found.bin_edges, values.bin_edges)


def _extremes(profile: FeatureProfile) -> tuple[float, float]:
    assert isinstance(profile.values, Histogram)
    edges = profile.values.bin_edges
    lowest, highest = (float(edges[0]), float(edges[-1])) if edges.size else (0.0, 0.0)
    moments = profile.moments
    if moments is None or not moments.n:
        return lowest, highest
    return moments.minimum, moments.maximum


def _held(values: Histogram) -> npt.NDArray[np.bool_]:
    """Tell which inner bins hold a value: between those of few values there may be empty ones."""
    return np.asarray(values.counts[1:-1] > 0)


def _own_edges(values: Histogram) -> FloatArray | None:
    """Return bars about the distinct values, where these are few and evenly spaced."""
    distinct = values.bin_edges[1:][_held(values)]
    if not 2 <= distinct.size <= MOST_OWN_BARS:
        return None
    gaps = np.diff(distinct)
    if gaps.max() > 1.5 * gaps.min():
        return None
    half = np.concatenate([gaps[:1], gaps]) / 2
    return np.concatenate([distinct - half, [distinct[-1] + half[-1]]])


def _axis(reference: FeatureProfile, current: FeatureProfile | None) -> FloatArray:
    lower, upper = _quantile_range(reference, REFERENCE_TAIL)
    if current is not None:
        reach = MOST_STRETCH * max(upper - lower, 1e-12 * max(abs(lower), abs(upper), 1.0))
        current_lower, current_upper = _quantile_range(current, CURRENT_TAIL)
        lower = min(lower, max(current_lower, lower - reach))
        upper = max(upper, min(current_upper, upper + reach))
    edges = step_edges(lower, upper)
    if lower <= edges[0]:  # a bar is (lower, upper]: a mass on the lowest edge needs one below it
        edges = np.concatenate([[2 * edges[0] - edges[1]], edges])
    return edges


def _quantile_range(profile: FeatureProfile, tail: float) -> tuple[float, float]:
    assert isinstance(profile.values, Histogram)
    minimum, maximum = _extremes(profile)
    found = profile.values.quantiles(np.array([tail, 1 - tail]), minimum, maximum)
    return float(found[0]), float(found[1])


def holds_distinct_values(values: Histogram) -> bool:
    """Tell bins of one value each from quantile bins, which all hold about the same mass."""
    inner = values.counts[1:-1][_held(values)]
    if not 0 < inner.size <= MOST_OWN_BARS or values.counts[0] or values.counts[-1]:
        return False
    return _own_edges(values) is not None or bool(inner.max() > 2 * np.median(inner))


def _bins_of_one_value(
    values: Histogram, edges: FloatArray, *, a_bar_a_value: bool
) -> npt.NDArray[np.bool_] | None:
    """Tell which inner bins are drawn where their value lies: at their end, not all over them.

    Bins of about a bar's width are spread all the same, unless each bar lies about one value:
    else some bars would hold two values and some none, which looks like a comb.
    """
    if not holds_distinct_values(values):
        return None
    is_wide = np.diff(values.bin_edges) > 2 * np.diff(edges).min()
    return np.asarray(_held(values) & (a_bar_a_value | is_wide))


def _shares(
    profile: FeatureProfile, edges: FloatArray, single: npt.NDArray[np.bool_] | None
) -> tuple[FloatArray, float]:
    assert isinstance(profile.values, Histogram)
    extremes = _extremes(profile)
    counts = profile.values.rebinned(edges, *extremes).counts
    if single is not None:
        counts = _at_their_values(profile.values, edges, extremes, single)
    shares = counts / max(profile.observed, 1)
    return shares[1:-1], float(shares[0] + shares[-1])


def _at_their_values(
    values: Histogram,
    edges: FloatArray,
    extremes: tuple[float, float],
    single: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """Count bins of one value at their upper ends, and spread the others."""
    spread = values.counts.copy()
    spread[1:-1][single] = 0
    counts = Histogram(values.bin_edges, spread).rebinned(edges, *extremes).counts
    places = np.searchsorted(edges, values.bin_edges[1:][single], side="left")
    np.add.at(counts, places, values.counts[1:-1][single])
    return counts
