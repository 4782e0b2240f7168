"""What changed in a feature, in plain words, where no cause is named."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Final

from modelwatch.baseline import BaselineFeature
from modelwatch.diagnosis.category_names import unseen_words
from modelwatch.diagnosis.cause import Aspect
from modelwatch.diagnosis.missing_values import missing_words
from modelwatch.feature import FeatureProfile
from modelwatch.sketches import Categories

__all__ = ["plain_words"]


def plain_words(
    aspect: Aspect, feature: BaselineFeature, reference: FeatureProfile, current: FeatureProfile
) -> str:
    """Say in what a feature differs, with the figures.

    Args:
        aspect: what is asked about.
        feature: its description.
        reference: its statistics in the baseline.
        current: its statistics now.
    """
    if aspect == "missing":
        return _missing(reference, current)
    if aspect == "outliers":
        return _outliers(feature, reference, current)
    return _moved_values(reference, current)


def _missing(reference: FeatureProfile, current: FeatureProfile) -> str:
    if current.missing_rate < reference.missing_rate:
        return f"missing in fewer rows: {missing_words(reference, current, None)[11:]}"
    reason, count = current.missing.most_common(1)[0]
    return missing_words(reference, current, reason if count >= current.missing_count / 2 else None)


def _outliers(feature: BaselineFeature, reference: FeatureProfile, current: FeatureProfile) -> str:
    rates = f"{current.outlier_rate:.1%} of rows (baseline {reference.outlier_rate:.1%})"
    rule = _common_rule(reference, current)
    if rule == "unseen_category":
        known = feature.limits.categories or frozenset()
        counts = current.values.counts if isinstance(current.values, Categories) else Counter()
        new = (name for name, _ in counts.most_common() if name not in known)
        return unseen_words(reference, current, new)
    if rule == "range":
        limits = feature.limits
        if feature.kind == "categorical":
            return f"infinite values in {rates}"
        return f"values outside [{limits.lower:.4g}, {limits.upper:.4g}] in {rates}"
    return _RULE_WORDS[rule] + rates


_RULE_WORDS: Final[Mapping[str, str]] = {
    "type": "values of another type in ",
    "missing": "missing in ",
    "z_score": "values too many standard deviations from the mean in ",
    "distance": "values that do not go with those of other features in ",
}


def _common_rule(reference: FeatureProfile, current: FeatureProfile) -> str:
    """Return the rule that most outliers broke, of the baseline where none does any more."""
    for side in (current, reference):
        if side.outlier_count:
            return side.outliers.most_common(1)[0][0]
    return "unseen_category" if isinstance(current.values, Categories) else "range"


def _moved_values(reference: FeatureProfile, current: FeatureProfile) -> str:
    if isinstance(reference.values, Categories) and isinstance(current.values, Categories):
        return _moved_categories(reference.values, current.values)
    return _moved_mean(reference, current)


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
    if a is None or b is None or not a.variance > 0 or not b.n:  # a sender may leave moments out
        return "distribution changed"
    shift = (b.mean - a.mean) / a.standard_deviation
    ratio = b.standard_deviation / a.standard_deviation
    if not ratio > 0 or abs(shift) >= abs(math.log(ratio)):
        return f"mean went from {a.mean:.4g} to {b.mean:.4g} ({shift:+.2f} standard deviations)"
    return f"standard deviation went from {a.standard_deviation:.4g} to {b.standard_deviation:.4g}"
