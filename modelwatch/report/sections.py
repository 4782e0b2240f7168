"""The tables beside that of the features: all inputs together, performance, segments. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch.report.drift_report import SEVERITIES, DriftReport
from modelwatch.report.findings import MultivariateDrift, PerformanceMetric
from modelwatch.report.label_words import label_notes
from modelwatch.report.remarks import main_metrics
from modelwatch.report.wording import (
    MARKS,
    WORDS,
    Tone,
    changed_words,
    interval,
    is_better,
    metric_name,
    number,
    p_value,
    statistic_name,
    verdict,
)

__all__ = [
    "MultivariateRow",
    "PerformanceRow",
    "Sections",
    "SegmentRow",
    "Strip",
    "sections_of",
]

STRIP_MARGIN = 0.08
"""Share of a strip that is kept free at either end."""


@dataclass(frozen=True, kw_only=True)
class MultivariateRow:
    """One statistic of all inputs together, in words."""

    name: str
    tone: Tone
    mark: str
    word: str
    value: str
    interval: str
    p: str
    features: str
    found: str


@dataclass(frozen=True, kw_only=True)
class Strip:
    """A small chart of one number line: where on it each mark lies, in [0, 1].

    Attributes:
        reference: the baseline's value.
        reference_low: lower bound of its interval; the value itself where it is exact.
        reference_high: upper bound.
        low: lower bound of the interval.
        high: upper bound.
        value: the realised or estimated value.
        description: what it shows, for those who cannot see it.
    """

    reference: float
    reference_low: float
    reference_high: float
    low: float
    high: float
    value: float
    description: str


@dataclass(frozen=True, kw_only=True)
class PerformanceRow:
    """One measure of performance, in words.

    Attributes:
        strip: None where there is nothing to compare.
        explained: how much of its change the inputs explain; empty where that is not known.
    """

    name: str
    tone: Tone
    reference: str
    estimated: str
    realized: str
    interval: str
    changed: str
    strip: Strip | None
    explained: str = ""


@dataclass(frozen=True, kw_only=True)
class SegmentRow:
    """One segment of the traffic, in words.

    Attributes:
        names: the features that moved there.
        note: what has to be known to read it; mostly empty.
    """

    name: str
    tone: Tone
    mark: str
    rows: str
    sentence: str
    names: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Sections:
    """What is told beside the features; empty lists where there is nothing.

    Attributes:
        multivariate: statistics of all inputs together, worst first.
        performance: measures of performance, changed ones first.
        conditions: under which the estimates hold, each once.
        segments: worst first, then the largest.
        labels: how far what labels tell is to be relied on, a sentence each.
    """

    multivariate: list[MultivariateRow]
    performance: list[PerformanceRow]
    conditions: list[str]
    segments: list[SegmentRow]
    labels: list[str]

    @property
    def has_labels(self) -> bool:
        """Whether some measure of performance is known by labels."""
        return any(row.realized != number(None) for row in self.performance)

    @property
    def has_estimates(self) -> bool:
        """Whether some measure of performance is estimated."""
        return any(row.estimated != number(None) for row in self.performance)


def sections_of(report: DriftReport) -> Sections:
    """Return the tables of a report."""
    multivariate = sorted(
        report.multivariate.values(), key=lambda item: SEVERITIES.index(item.severity)
    )
    conditions = dict.fromkeys(
        metric.condition for metric in report.performance.values() if metric.condition
    )
    segments = sorted(
        report.segments.items(),
        key=lambda item: (SEVERITIES.index(item[1].severity), -item[1].rows, item[0]),
    )
    return Sections(
        multivariate=[_multivariate(item) for item in multivariate],
        performance=[_performance(metric) for metric in main_metrics(report)],
        conditions=list(conditions),
        segments=[_segment(name, segment) for name, segment in segments],
        labels=list(label_notes(report)),
    )


def _multivariate(item: MultivariateDrift) -> MultivariateRow:
    found = item.diagnosis or ""
    if item.severity == "insufficient_data" and (item.p_value is not None or not found):
        found = f"too few complete rows to judge: {item.rows:,}"
    return MultivariateRow(
        name=statistic_name(item.name),
        tone=item.severity,
        mark=MARKS[item.severity],
        word=WORDS[item.severity],
        value=number(item.value),
        interval=interval((item.lower, item.upper)),
        p=p_value(item.p_value),
        features=_concerned(item),
        found=found,
    )


def _concerned(item: MultivariateDrift) -> str:
    """Return the features that a finding concerns, where it does not name them already."""
    named = all(name in (item.diagnosis or "") for name in item.features)
    is_found = item.severity in ("warning", "drift")
    return ", ".join(item.features) if is_found and not named else ""


def _performance(metric: PerformanceMetric) -> PerformanceRow:
    return PerformanceRow(
        name=metric_name(metric.name),
        tone="warning" if metric.changed and is_better(metric) is not True else "none",
        reference=number(metric.reference),
        estimated=number(metric.estimated),
        realized=number(metric.realized),
        interval=interval((metric.lower, metric.upper)),
        changed=changed_words(metric),
        strip=_strip(metric),
        explained=metric.explained or "",
    )


def _strip(metric: PerformanceMetric) -> Strip | None:
    value = metric.realized if metric.realized is not None else metric.estimated
    reference, low, high = metric.reference, metric.lower, metric.upper
    if value is None or reference is None or low is None or high is None:
        return None
    before_low = reference if metric.reference_lower is None else metric.reference_lower
    before_high = reference if metric.reference_upper is None else metric.reference_upper
    start, end = min(before_low, low, value), max(before_high, high, value)
    width = (end - start) or max(abs(start), 1.0)
    middle = (start + end) / 2

    def place(at: float) -> float:
        return round(0.5 + (at - middle) / width * (1 - 2 * STRIP_MARGIN), 4)

    kind = "realised" if metric.realized is not None else "estimated"
    return Strip(
        reference=place(reference),
        reference_low=place(before_low),
        reference_high=place(before_high),
        low=place(low),
        high=place(high),
        value=place(value),
        description=(
            f"{metric_name(metric.name)}: baseline {number(reference)}, {kind} {number(value)}, "
            f"95% interval {interval((low, high))}"
        ),
    )


def _segment(name: str, report: DriftReport) -> SegmentRow:
    found = verdict(report)
    return SegmentRow(
        name=name,
        tone=found.tone,
        mark=MARKS[found.tone],
        rows=f"{report.rows:,}",
        sentence=found.sentence,
        names=found.names,
        note=report.note or "",
    )
