"""Values that no longer come, or come as another type."""

from __future__ import annotations

import math

from modelwatch.baseline import BaselineFeature
from modelwatch.diagnosis.cause import Cause
from modelwatch.feature import FeatureProfile

__all__ = ["missing_flood", "missing_words", "type_change"]

LEAST_SHARE, LEAST_NEW_SHARE = 0.12, 0.03
"""Share of the rows that had a value and now have none, from which it is a flood: where some were
missing in the baseline, and where none were."""

LEAST_ODDS, LEAST_ODDS_OF_FREQUENT, FREQUENT_GAPS = 4.0, 8.0, 0.05
"""How many times the odds of a missing value must have risen, where gaps are rare and where this
share of rows or more has them anyway: such as gusts without wind, they come with plain drift."""

FEWEST_ERRORS = 5.0
"""Standard errors of the share, by how much blocks of the baseline differ."""

LEAST_WRONG = 0.02
"""Share of rows of another type: training had none to speak of."""


def missing_flood(
    feature: BaselineFeature, reference: FeatureProfile, current: FeatureProfile
) -> Cause | None:
    """Name values that are null, NaN, infinite or absent where they used to be there."""
    before, now = _missing_share(reference), _missing_share(current)
    lost = _lost(before, now)
    least = LEAST_SHARE if before else LEAST_NEW_SHARE
    odds = LEAST_ODDS if before < FREQUENT_GAPS else LEAST_ODDS_OF_FREQUENT
    if lost < least or _odds(now) < odds * _odds(before):
        return None
    independent = current.total / feature.missing_effect.phi_at(current.total)
    if now - before < FEWEST_ERRORS * math.sqrt(before * (1.0 - before) / independent):
        return None
    reason, _ = max(
        ((reason, n) for reason, n in current.missing.items() if reason != "wrong_type"),
        key=lambda item: item[1],
    )
    return Cause(
        name="missing_flood",
        text=missing_words(reference, current, reason),
        evidence=1.0 - before / now,
        aspect="missing",
    )


def type_change(reference: FeatureProfile, current: FeatureProfile) -> Cause | None:
    """Name values that come as another type, such as numbers as texts."""
    before, now = _share(reference, "wrong_type"), _share(current, "wrong_type")
    lost = _lost(before, now)
    if lost < LEAST_WRONG or _odds(now) < LEAST_ODDS * _odds(before):
        return None
    return Cause(
        name="type_change",
        text=missing_words(reference, current, "wrong_type"),
        evidence=1.0 - before / now,
        aspect="missing",
    )


def missing_words(reference: FeatureProfile, current: FeatureProfile, reason: str | None) -> str:
    """Say how many values are missing, and why where one reason stands for most."""
    rates = f"{current.missing_rate:.1%} of rows (baseline {reference.missing_rate:.1%})"
    if reason is None:
        return f"missing in {rates}"
    words = {"wrong_type": "of another type", "inf": "infinite"}
    return f"{words.get(reason, f'missing ({reason})')} in {rates}"


def _missing_share(profile: FeatureProfile) -> float:
    return profile.missing_rate - _share(profile, "wrong_type")


def _share(profile: FeatureProfile, reason: str) -> float:
    return profile.missing.get(reason, 0) / max(profile.total, 1)


def _lost(before: float, now: float) -> float:
    return (now - before) / (1.0 - before) if before < 1.0 else 0.0


def _odds(share: float) -> float:
    return share / (1.0 - share) if share < 1.0 else float("inf")
