"""The probable cause of a feature's drift, in words, with its evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np

from modelwatch.baseline import BaselineFeature
from modelwatch.feature import FeatureProfile
from modelwatch.sketches import Categories, Histogram

__all__ = ["Aspect", "diagnose"]

Aspect = Literal["values", "missing", "outliers"]

UNIT_FACTORS: tuple[tuple[float, str], ...] = (
    (1.609344, "miles to kilometres"),
    (1 / 1.609344, "kilometres to miles"),
    (0.3048, "feet to metres"),
    (1 / 0.3048, "metres to feet"),
    (2.54, "inches to centimetres"),
    (1 / 2.54, "centimetres to inches"),
    (0.45359237, "pounds to kilograms"),
    (1 / 0.45359237, "kilograms to pounds"),
    (1000.0, "a thousandfold unit"),
    (0.001, "a thousandth unit"),
    (100.0, "fractions to percent"),
    (0.01, "percent to fractions"),
    (-1.0, "sign flipped"),
    (60.0, "minutes to seconds, or hours to minutes"),
    (1 / 60, "seconds to minutes, or minutes to hours"),
)
UNIT_TOLERANCE = 0.1
"""How near the means' ratio must come to a unit's factor for the unit to be tried: the mean also
follows what else has changed, such as a season's other mix of routes (by 5% in the flights of the
example). Spread and distribution must then agree with the unit's own factor."""

SMALLEST_SCALING = 0.05
"""Factors nearer to one than this are no change of scale."""

SPREAD_TOLERANCE = 0.06
"""How nearly the standard deviation must have changed by the same factor as the mean."""

LARGEST_CONTRADICTION = 0.05
"""By how much the distribution functions may differ once the scale is undone."""


def diagnose(
    feature: BaselineFeature,
    reference: FeatureProfile,
    current: FeatureProfile,
    aspects: Iterable[Aspect],
) -> str | None:
    """Say what happened to a feature.

    Args:
        feature: its description.
        reference: its statistics in the baseline.
        current: its statistics now.
        aspects: in what it differs beyond chance and by enough to matter.

    Returns:
        One sentence part for each aspect, joined by semicolons; None where there is none.
    """
    found = [_say(aspect, feature, reference, current) for aspect in aspects]
    return "; ".join(found) or None


def _say(
    aspect: Aspect, feature: BaselineFeature, reference: FeatureProfile, current: FeatureProfile
) -> str:
    if aspect == "missing":
        return _missing(reference, current)
    if aspect == "outliers":
        return _outliers(feature, reference, current)
    return _moved_values(reference, current)


def _missing(reference: FeatureProfile, current: FeatureProfile) -> str:
    rates = f"{current.missing_rate:.1%} of rows (baseline {reference.missing_rate:.1%})"
    if current.missing_rate < reference.missing_rate:
        return f"missing in fewer rows: {rates}"
    reason, count = current.missing.most_common(1)[0]
    if count < current.missing_count / 2:
        return f"missing in {rates}"
    words = {"wrong_type": "of another type", "inf": "infinite"}
    return f"{words.get(reason, f'missing ({reason})')} in {rates}"


def _outliers(feature: BaselineFeature, reference: FeatureProfile, current: FeatureProfile) -> str:
    rates = f"{current.outlier_rate:.1%} of rows (baseline {reference.outlier_rate:.1%})"
    rule = current.outliers.most_common(1)[0][0] if current.outlier_count else "range"
    if rule == "unseen_category" and isinstance(current.values, Categories):
        known = feature.limits.categories or frozenset()
        new = [name for name, _ in current.values.counts.most_common() if name not in known]
        return f"categories never seen in training in {rates}: {', '.join(map(repr, new[:3]))}"
    if rule == "range":
        limits = feature.limits
        return f"values outside [{limits.lower:.4g}, {limits.upper:.4g}] in {rates}"
    return {"type": "values of another type in ", "missing": "missing in "}[rule] + rates


def _moved_values(reference: FeatureProfile, current: FeatureProfile) -> str:
    if isinstance(reference.values, Categories) and isinstance(current.values, Categories):
        return _moved_categories(reference.values, current.values)
    if isinstance(reference.values, Histogram) and isinstance(current.values, Histogram):
        return _scaling(reference, current) or _moved_mean(reference, current)
    return "distribution changed"


def _moved_categories(reference: Categories, current: Categories) -> str:
    change = {
        name: current.counts[name] / current.total - reference.counts[name] / reference.total
        for name in reference.counts | current.counts
    }
    name = max(sorted(change), key=lambda name: abs(change[name]))
    before, now = reference.counts[name] / reference.total, current.counts[name] / current.total
    return f"share of {name!r} went from {before:.1%} to {now:.1%}"


def _moved_mean(reference: FeatureProfile, current: FeatureProfile) -> str:
    a, b = reference.moments, current.moments
    if a is None or b is None or not a.variance > 0:
        return "distribution changed"
    shift = (b.mean - a.mean) / a.standard_deviation
    ratio = b.standard_deviation / a.standard_deviation
    if not ratio > 0 or abs(shift) >= abs(math.log(ratio)):
        return f"mean went from {a.mean:.4g} to {b.mean:.4g} ({shift:+.2f} standard deviations)"
    return f"standard deviation went from {a.standard_deviation:.4g} to {b.standard_deviation:.4g}"


def _scaling(reference: FeatureProfile, current: FeatureProfile) -> str | None:
    """Name a change of scale where mean, spread and distribution all agree with it."""
    a, b = reference.moments, current.moments
    if a is None or b is None or not a.mean or not a.variance > 0 or not b.variance > 0:
        return None
    spread = b.standard_deviation / a.standard_deviation
    for factor, unit in _candidates(b.mean / a.mean):
        if abs(factor - 1) < SMALLEST_SCALING or abs(spread / abs(factor) - 1) > SPREAD_TOLERANCE:
            continue
        if factor < 0 or _contradiction(reference, current, factor) <= LARGEST_CONTRADICTION:
            return f"values are {factor:.4g} times the baseline's{f' ({unit})' if unit else ''}"
    return None


def _contradiction(reference: FeatureProfile, current: FeatureProfile, factor: float) -> float:
    """Return by how much the current distribution function contradicts a scaled reference.

    At a scaled edge the current one is known to lie between its values at the neighbouring edges,
    so single values that hold much mass do no harm.
    """
    x, y = reference.values, current.values
    if not (isinstance(x, Histogram) and isinstance(y, Histogram)):
        return 1.0
    expected = x.cumulative_share()
    heights = np.concatenate([[0.0], y.cumulative_share(), [1.0]])
    bins = np.searchsorted(y.bin_edges, x.bin_edges * factor, side="left")
    below, above = heights[bins], heights[bins + 1]
    return float(np.maximum(below - expected, expected - above).max(initial=0.0))


def _candidates(ratio: float) -> list[tuple[float, str | None]]:
    """Return the factors worth trying: the units' near the ratio, nearest first, then itself."""
    off = {unit: abs(ratio / known - 1) for known, unit in UNIT_FACTORS}
    near = [(known, unit) for known, unit in UNIT_FACTORS if off[unit] < UNIT_TOLERANCE]
    near.sort(key=lambda candidate: off[candidate[1]])
    return [*near, (ratio, None)]
