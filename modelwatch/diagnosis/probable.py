"""The best supported of all causes that a feature's two summaries tell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from modelwatch.baseline import BaselineFeature
from modelwatch.diagnosis.agreement import Comparison
from modelwatch.diagnosis.category_names import frozen_category, new_category, placeholder
from modelwatch.diagnosis.category_tables import Names
from modelwatch.diagnosis.cause import Aspect, Cause, CauseName
from modelwatch.diagnosis.clipping import clipping
from modelwatch.diagnosis.count_window import shorter_window
from modelwatch.diagnosis.missing_values import missing_flood, type_change
from modelwatch.diagnosis.normalising import log_transform, normalisation
from modelwatch.diagnosis.renaming import renamed_categories
from modelwatch.diagnosis.rounding import rounding
from modelwatch.diagnosis.scaling import scale_change, sign_flip
from modelwatch.diagnosis.shifting import offset, temperature_unit
from modelwatch.diagnosis.single_values import default_value, frozen
from modelwatch.diagnosis.wording import plain_words
from modelwatch.feature import FeatureProfile

__all__ = ["causes", "diagnose", "explain", "probable_cause"]

NUMERIC_CAUSES: tuple[Callable[[Comparison], Cause | None], ...] = (
    shorter_window,
    sign_flip,
    temperature_unit,
    normalisation,
    log_transform,
    scale_change,
    offset,
    rounding,
    clipping,
    default_value,
)
"""In the order of how much each fixes beforehand: of equals, the first is named."""

CAUSES_OF_OUTPUTS: frozenset[CauseName] = frozenset(
    {"default_value", "frozen", "missing_flood", "new_category", "type_change"}
)
"""What goes wrong with what a model makes; the rest follows from what it reads."""

MARGIN = 0.05
"""By how much more a later cause must explain to be named in place of an earlier one."""


def probable_cause(
    feature: BaselineFeature,
    reference: FeatureProfile,
    current: FeatureProfile,
    aspects: Iterable[Aspect],
) -> Cause | None:
    """Name the cause of a feature's drift where its evidence beats plain drift.

    Args:
        feature: its description.
        reference: its statistics in the baseline.
        current: its statistics now, on the baseline's bins.
        aspects: in what it differs beyond chance and by enough to matter.

    Returns:
        The best supported cause; None where nothing explains the difference well, as with plain
        drift, and where there are no aspects.
    """
    return _best(causes(feature, reference, current, frozenset(aspects)))


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
        current: its statistics now, on the baseline's bins.
        aspects: in what it differs beyond chance and by enough to matter.

    Returns:
        One sentence part for each aspect, joined by semicolons: the cause where there is one, else
        what changed in plain words. None where there are no aspects.
    """
    return explain(feature, reference, current, aspects)[1]


def explain(
    feature: BaselineFeature,
    reference: FeatureProfile,
    current: FeatureProfile,
    aspects: Iterable[Aspect],
) -> tuple[Cause | None, str | None]:
    """Return what `probable_cause` and `diagnose` do, at the cost of one of them."""
    asked = _each_once(tuple(aspects), current)
    found = causes(feature, reference, current, asked)
    told: list[str] = []
    for aspect in dict.fromkeys([*(cause.aspect for cause in found), *asked]):
        cause = _best([cause for cause in found if cause.aspect == aspect])
        told.append(cause.text if cause else plain_words(aspect, feature, reference, current))
    return _best(found), "; ".join(told) or None


def causes(
    feature: BaselineFeature,
    reference: FeatureProfile,
    current: FeatureProfile,
    aspects: Collection[Aspect],
) -> list[Cause]:
    """Return all causes that have their evidence, the more specific ones first."""
    found: list[Cause | None] = []
    if "missing" in aspects:
        found += [type_change(reference, current), missing_flood(feature, reference, current)]
    if "values" in aspects or "outliers" in aspects:
        data = Comparison.of(feature, reference, current)
        names = Names.of(feature, reference, current)
        if data is not None:
            found += [cause(data) for cause in NUMERIC_CAUSES]
        found += [frozen(reference, current)]
        if names is not None:
            found += [
                frozen_category(names),
                renamed_categories(names),
                placeholder(names),
                new_category(names, reference, current),
            ]
    told = [cause for cause in found if cause is not None]
    if feature.role == "output":
        return [cause for cause in told if cause.name in CAUSES_OF_OUTPUTS]
    return told


def _each_once(asked: tuple[Aspect, ...], current: FeatureProfile) -> tuple[Aspect, ...]:
    """Leave out outliers that are the missing values once more."""
    rules = current.outliers.most_common(1)
    if "missing" in asked and rules and rules[0][0] in ("missing", "type"):
        return tuple(aspect for aspect in asked if aspect != "outliers")
    return asked


def _best(found: Iterable[Cause]) -> Cause | None:
    best: Cause | None = None
    for cause in found:
        if best is None or cause.evidence > best.evidence + MARGIN:
            best = cause
    return best
