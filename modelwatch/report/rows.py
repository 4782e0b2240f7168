"""The table and the figures of a report, ready to be put into a template. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch.baseline import Baseline
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport, FeatureDrift, Severity
from modelwatch.report.wording import MARKS, WORDS, number, p_value, percent

__all__ = ["FeatureRow", "feature_rows"]


SMALLEST_CHANGE = 0.005
"""A share that changed by less than this is shown as it is now, without what it was before."""


@dataclass(frozen=True, kw_only=True)
class FeatureRow:
    """One feature in words.

    Attributes:
        anchor: identifies its figure within the page.
        missing: share of rows without a value, before and now.
        missing_changed: whether the two differ.
        outliers: share of rows with an outlying value, before and now.
        found: what happened; empty where nothing is to be told.
        description: what its chart shows, for those who cannot see it.
        reference: its statistics in the baseline; None where the baseline is not at hand.
        current: its statistics in the window, or None.
    """

    anchor: str
    name: str
    role: str
    kind: str
    severity: Severity
    mark: str
    word: str
    psi: str
    ks: str
    p: str
    missing: str
    missing_changed: bool
    outliers: str
    found: str
    description: str
    reference: FeatureProfile | None
    current: FeatureProfile | None


def feature_rows(
    report: DriftReport, *, baseline: Baseline | None, current: Profile | None
) -> list[FeatureRow]:
    """Return the report's features, worst first.

    Args:
        report: the findings.
        baseline: gives the shares before, and what charts are drawn from; may be absent.
        current: likewise of the window.
    """
    before = baseline.profile.features if baseline else {}
    now = current.features if current else {}
    return [
        _row(place, feature, before.get(feature.name), now.get(feature.name))
        for place, feature in enumerate(report.ranked(), start=1)
    ]


def _row(
    place: int,
    drift: FeatureDrift,
    reference: FeatureProfile | None,
    current: FeatureProfile | None,
) -> FeatureRow:
    missing = _change(reference.missing_rate if reference else None, drift.missing_rate)
    return FeatureRow(
        anchor=f"feature-{place}",
        name=drift.name,
        role=drift.role,
        kind=drift.kind,
        severity=drift.severity,
        mark=MARKS[drift.severity],
        word=WORDS[drift.severity],
        psi=number(drift.psi),
        ks=number(drift.ks),
        p=p_value(drift.p_value),
        missing=missing,
        missing_changed=missing != percent(drift.missing_rate),
        outliers=_change(reference.outlier_rate if reference else None, drift.outlier_rate),
        found=drift.diagnosis or _default_finding(drift),
        description=_description(drift),
        reference=reference,
        current=current,
    )


def _change(before: float | None, now: float) -> str:
    if before is None or abs(before - now) < SMALLEST_CHANGE:
        return percent(now)
    return f"{percent(before)} \u2192 {percent(now)}"


def _default_finding(drift: FeatureDrift) -> str:
    if drift.severity == "insufficient_data":
        return f"{drift.rows} rows are too few to judge" if drift.rows else "no rows to judge"
    if drift.severity == "none":
        return ""
    return "the distribution changed"


def _description(drift: FeatureDrift) -> str:
    text = (
        f"Distribution of {drift.name}, baseline against now: {WORDS[drift.severity]}, "
        f"PSI {number(drift.psi)}"
    )
    return f"{text}; {drift.diagnosis}." if drift.diagnosis else f"{text}."
