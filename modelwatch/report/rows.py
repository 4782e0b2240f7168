"""The table and the figures of a report, ready to be put into a template. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.report.details import Details, details_of
from modelwatch.report.drift_report import DriftReport, FeatureDrift, Severity
from modelwatch.report.expected import expected_reference
from modelwatch.report.remarks import importance_share
from modelwatch.report.skew_words import origin_words
from modelwatch.report.wording import (
    MARKS,
    WORDS,
    Tone,
    cause_words,
    interval,
    number,
    p_value,
    percent,
    season_words,
    tone_of,
)

__all__ = ["FeatureRow", "TraceLink", "feature_rows", "trace_links_of"]


SHOWN_DIGITS = 8
"""Of a trace's id: enough to tell a few apart."""

SMALLEST_CHANGE = 0.005
"""A share that changed by less than this is shown as it is now, without what it was before."""


class TraceLink(NamedTuple):
    """A trace: its id, the beginning of it that is shown, and its address, empty where unknown."""

    trace_id: str
    text: str
    href: str


@dataclass(frozen=True, kw_only=True)
class FeatureRow:
    """One feature in words.

    Attributes:
        anchor: identifies its figure within the page.
        tone: how its finding is shown.
        effect: PSI above what chance makes it.
        interval: the 95% interval of that; empty where it has none.
        importance: its part of the model's importance; empty where unknown.
        missing: share of rows without a value, before and now.
        missing_changed: whether the two differ.
        outliers: share of rows with an outlying value, before and now.
        found: what happened; empty where nothing is to be told.
        cause: the probable cause; empty where none is known.
        segment: the segment that explains it most; empty where none is known.
        season: by which cycle it was compared; empty where by none.
        held: in how many of the last windows it was found; empty where that is not told.
        origin: whether it is skew or drift, and since when; empty where that is not known.
        traces: those in which it was seen.
        description: what its chart shows, for those who cannot see it.
        details: all its numbers.
        reference: what it was compared with; None where the baseline is not at hand.
        current: its statistics in the window, or None.
    """

    anchor: str
    name: str
    role: str
    kind: str
    severity: Severity
    tone: Tone
    mark: str
    word: str
    psi: str
    effect: str
    interval: str
    p: str
    importance: str
    missing: str
    missing_changed: bool
    outliers: str
    found: str
    cause: str
    segment: str
    season: str
    held: str
    origin: str
    traces: tuple[TraceLink, ...]
    description: str
    details: Details
    reference: FeatureProfile | None
    current: FeatureProfile | None

    @property
    def beside(self) -> str:
        """What stands below the finding: where most of it is, how often it was found, and so on."""
        mostly = f"mostly in {self.segment}" if self.segment else ""
        return "; ".join(filter(None, (mostly, self.held, self.origin)))


def feature_rows(
    report: DriftReport,
    *,
    baseline: Baseline | None,
    current: Profile | None,
    held: Mapping[str, str] | None = None,
    address_of: Callable[[str], str] = lambda _: "",
) -> list[FeatureRow]:
    """Return the report's features, worst first.

    Args:
        report: the findings.
        baseline: gives the shares before, and what charts are drawn from; may be absent.
        current: likewise of the window.
        held: of each feature in how many windows it was found, where that is told.
        address_of: returns the address of a trace; empty where it has none.
    """
    return [
        _row(
            f"feature-{place}",
            report,
            feature,
            baseline.features.get(feature.name) if baseline else None,
            expected_reference(baseline, current, feature.name),
            current.features.get(feature.name) if current else None,
            (held or {}).get(feature.name, ""),
            trace_links_of(feature.trace_ids, address_of),
        )
        for place, feature in enumerate(report.ranked(), start=1)
    ]


def trace_links_of(
    trace_ids: Iterable[str], address_of: Callable[[str], str]
) -> tuple[TraceLink, ...]:
    """Return what is shown of traces."""
    return tuple(
        TraceLink(trace_id, f"{trace_id[:SHOWN_DIGITS]}\u2026", address_of(trace_id))
        for trace_id in trace_ids
    )


def _row(
    anchor: str,
    report: DriftReport,
    drift: FeatureDrift,
    feature: BaselineFeature | None,
    reference: FeatureProfile | None,
    current: FeatureProfile | None,
    held: str,
    traces: tuple[TraceLink, ...],
) -> FeatureRow:
    missing = _change(reference.missing_rate if reference else None, drift.missing_rate)
    importance = importance_share(report, drift)
    tone = tone_of(drift)
    return FeatureRow(
        anchor=anchor,
        name=drift.name,
        role=drift.role,
        kind=drift.kind,
        severity=drift.severity,
        tone=tone,
        mark=MARKS[tone],
        word=WORDS[tone],
        psi=number(drift.psi),
        effect=number(None if drift.effect is None else max(drift.effect, 0.0)),
        interval=interval(drift.intervals.get("psi")),
        p=p_value(drift.p_value),
        importance="" if importance is None else percent(importance),
        missing=missing,
        missing_changed=missing != percent(drift.missing_rate),
        outliers=_change(reference.outlier_rate if reference else None, drift.outlier_rate),
        found=drift.diagnosis or _default_finding(drift),
        cause=cause_words(drift.cause),
        segment=drift.segment or "",
        season=season_words(drift.season),
        held=held,
        origin=origin_words(drift),
        traces=traces,
        description=_description(drift),
        details=details_of(drift, feature, reference, current),
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
        f"Distribution of {drift.name}, baseline against now: {WORDS[tone_of(drift)]}, "
        f"PSI {number(drift.psi)}"
    )
    return f"{text}; {drift.diagnosis}." if drift.diagnosis else f"{text}."
