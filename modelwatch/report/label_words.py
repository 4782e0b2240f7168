"""What labels told, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.harm import DECIDING
from modelwatch.report.label_findings import RELATION_CHANGED, ConceptFinding, LabelFindings
from modelwatch.report.wording import number, percent, plural

__all__ = [
    "concept_words",
    "coverage_words",
    "duration_words",
    "headline_metric",
    "label_notes",
]

_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def headline_metric(metrics: Mapping[str, PerformanceMetric]) -> PerformanceMetric | None:
    """Return the measure whose verdict speaks for the model; None where none has one.

    What changed comes first, then the order of `DECIDING`.

    Args:
        metrics: by name.
    """
    told = [metrics[name] for name in DECIDING if name in metrics]
    known = [metric for metric in told if metric.verdict is not None]
    changed = [metric for metric in known if metric.verdict in RELATION_CHANGED]
    drifted = [metric for metric in known if metric.verdict == "data drift"]
    return next(iter([*changed, *drifted, *known]), None)


def duration_words(seconds: float) -> str:
    """Return a duration in its largest unit.

    >>> duration_words(90_000), duration_words(45), duration_words(3_600)
    ('1.0 days', '45 seconds', '1 hour')
    """
    for size, name in _UNITS:
        if seconds >= size or size == 1:
            count = seconds / size
            if count == 1:
                return f"1 {name}"
            return f"{count:.1f} {name}s" if count < 10 and size > 1 else f"{count:.0f} {name}s"
    raise AssertionError("the last unit takes every duration")


def coverage_words(labels: LabelFindings) -> str:
    """Say how many predictions have a label, and how late these came.

    >>> coverage_words(LabelFindings(predictions=400, labelled=100, delay_median_seconds=7_200))
    '100 of 400 predictions have a label (25.0%), half of them within 2.0 hours'
    """
    text = (
        f"{labels.labelled:,} of {plural(labels.predictions, 'prediction')} have a label "
        f"({percent(labels.coverage)})"
    )
    parts = [
        f"{share} within {duration_words(seconds)}"
        for share, seconds in (
            ("half of them", labels.delay_median_seconds),
            ("nine in ten", labels.delay_most_seconds),
        )
        if seconds is not None
    ]
    return ", ".join([text, *parts])


def concept_words(change: ConceptFinding) -> str:
    """Say from what to what the errors changed, and since when.

    >>> concept_words(ConceptFinding(detected_ns=10**18, began_ns=9 * 10**17, before=0.05,
    ...                              after=0.12, direction="rise", confidence=0.998))
    'errors rose from 0.050 to 0.120 about 1998-07-09 16:00 UTC (confidence 99.8%)'
    """
    began = datetime.fromtimestamp(change.began_ns / 1e9, tz=UTC)
    moved = "rose" if change.is_worse else "fell"
    text = (
        f"errors {moved} from {number(change.before)} to {number(change.after)} about "
        f"{began:%Y-%m-%d %H:%M} UTC (confidence {_certainty(change.confidence)})"
    )
    return f"{text}; {change.where}" if change.where else text


def _certainty(confidence: float) -> str:
    """Return a confidence as a percentage that is never rounded up to certainty."""
    return "above 99.99%" if confidence > 0.9999 else f"{100 * confidence:.4g}%"


def label_notes(report: DriftReport) -> Iterator[str]:
    """Say how far what is realised is to be relied on, a sentence each."""
    labels = report.labels
    if labels is None:
        return
    yield f"{coverage_words(labels)}."
    if labels.is_partial and labels.labelled:
        yield "Labels are still coming in: what is realised may change."
    if labels.bias:
        yield f"{labels.bias[:1].upper()}{labels.bias[1:]}."
