"""What the labels of a window's predictions come to, beside the comparison itself. Pure."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from modelwatch.baseline import Baseline
from modelwatch.collector.outcomes.protocols import ConceptState, OutcomeWindow
from modelwatch.collector.windows import TimeWindow
from modelwatch.comparing import Thresholds
from modelwatch.comparing.performance import realised_anew
from modelwatch.comparing.performance_verdicts import with_verdicts
from modelwatch.concept.where import ErrorRegion, where_words
from modelwatch.outcomes.label_bias import label_bias
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.performance.intervals import normal_interval
from modelwatch.performance.moments_format import mean_error
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.label_findings import ChangedCell, ConceptFinding, LabelFindings

__all__ = [
    "WHOLE",
    "LabelSource",
    "LabelledWindow",
    "Outcomes",
    "changed_cells",
    "concept_findings",
    "custom_metrics",
    "labels_of",
    "outcomes_of",
    "realised_by",
    "with_labels",
    "with_outcomes",
]

WHOLE: Final = ""
"""Stands for all segments together."""

MOST_CHANGES: Final = 10
"""Changes of the errors that are told, the latest."""

MOST_CELLS: Final = 10
"""Cells that are told, those where errors rose most."""

MOST_DELAY: Final = 0.9
"""Share of the labels that took no longer than what is told as the most."""


class LabelSource(Protocol):
    """Answers what was joined, and how errors changed as labels came in. Blocking."""

    def outcomes(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return what is known of the predictions made in a window, for the current baseline."""
        ...

    def outcomes_counted(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return the same without summaries. Cheap."""
        ...

    def outcomes_through(self, model: str, version: str, window: TimeWindow) -> int:
        """Return `OutcomeWindow.through` alone. Cheap."""
        ...

    def concept(self, model: str, version: str) -> ConceptState:
        """Return how a version's errors changed since the current baseline. Cheap."""
        ...


@dataclass(frozen=True, kw_only=True)
class LabelledWindow:
    """What is read of predictions and labels to assess a window.

    Attributes:
        seen: those of the window.
        concept: how errors changed, in the order in which all labels came.
        regions: where errors rose most since they did.
    """

    seen: OutcomeWindow = field(default_factory=OutcomeWindow)
    concept: ConceptState = field(default_factory=ConceptState)
    regions: Sequence[ErrorRegion] = ()


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What is known by the labels of one window's predictions.

    Attributes:
        labels: how many came, how late, and whether which do is no chance.
        concept: changes of the errors that were known when it was looked at, the latest first.
        segments: measures of performance by labels, by segment.
        custom: metrics that others defined, by name.
        where: in which cells errors rose most since they did, against the baseline.
        through: grows whenever anything of the window's predictions and labels changes.
    """

    labels: LabelFindings
    concept: tuple[ConceptFinding, ...] = ()
    segments: Mapping[str, Mapping[str, PerformanceMetric]] = field(default_factory=dict)
    custom: Mapping[str, PerformanceMetric] = field(default_factory=dict)
    where: tuple[ChangedCell, ...] = ()
    through: int = 0


def labels_of(seen: OutcomeWindow) -> LabelFindings:
    """Return how many predictions have a label, and how late these came."""
    whole = seen.summaries.get(WHOLE)
    delays = None if whole is None else whole.delays
    return LabelFindings(
        predictions=seen.predictions,
        labelled=seen.labelled,
        delay_median_seconds=_known(delays.quantile(0.5)) if delays else None,
        delay_most_seconds=_known(delays.quantile(MOST_DELAY)) if delays else None,
    )


def _known(seconds: float) -> float | None:
    return None if math.isnan(seconds) else seconds


def with_labels(current: Profile | None, labelled: LabelledWindow) -> Profile | None:
    """Return what was observed in a window, with what its labels come to."""
    whole = labelled.seen.summaries.get(WHOLE)
    if current is None or whole is None or not whole.labelled.rows:
        return current
    found = copy.copy(current)
    found.labelled = whole.labelled
    return found


def concept_findings(
    state: ConceptState, regions: Sequence[ErrorRegion] = ()
) -> list[ConceptFinding]:
    """Return the changes of the errors, the latest first.

    Args:
        state: how errors changed.
        regions: where they rose most since the latest change.
    """
    found = [
        ConceptFinding(
            detected_ns=change.detected_ns,
            began_ns=change.began_ns,
            before=change.before,
            after=change.after,
            direction=change.direction,
            confidence=change.confidence,
            rows_before=change.rows_before,
            rows_after=change.rows_after,
        )
        for change in reversed(state.changes)
    ]
    words = where_words(regions)
    if found and words:
        found[0] = replace(found[0], where=words)
    return found


def changed_cells(regions: Sequence[ErrorRegion]) -> tuple[ChangedCell, ...]:
    """Return where errors rose, as reports tell it, the most first."""
    return tuple(
        ChangedCell(
            feature=region.name,
            cell=region.where,
            before=region.before,
            after=region.after,
            rows=region.rows_after,
        )
        for region in regions[:MOST_CELLS]
    )


def outcomes_of(
    baseline: Baseline | None,
    current: Profile | None,
    window: TimeWindow,
    labelled: LabelledWindow,
) -> Outcomes | None:
    """Return what is known by labels; None where no labels are waited for, and none ever changed.

    Args:
        baseline: what the window is compared with; None where there is none.
        current: what was observed in the window; None where nothing was.
        window: changes that began after it are left out.
        labelled: its predictions and labels.
    """
    seen = labelled.seen
    if not seen.predictions and not labelled.concept.changes:
        return None
    segments = {
        name: realised_by(baseline, {}, summary)
        for name, summary in seen.summaries.items()
        if name != WHOLE and baseline is not None
    }
    changes = concept_findings(labelled.concept, labelled.regions)
    told = [change for change in changes if change.began_ns < window.end_ns]
    labels, whole = labels_of(seen), seen.summaries.get(WHOLE)
    return Outcomes(
        labels=replace(labels, bias=_bias(seen, current)) if labels.is_partial else labels,
        concept=tuple(told[:MOST_CHANGES]),
        segments={name: metrics for name, metrics in segments.items() if metrics},
        custom=custom_metrics(baseline, whole) if baseline is not None and whole else {},
        where=changed_cells(labelled.regions),
        through=seen.through,
    )


def realised_by(
    baseline: Baseline, metrics: Mapping[str, PerformanceMetric], summary: OutcomeSummary
) -> dict[str, PerformanceMetric]:
    """Return what was known of rows, with what all their labels that there are now say.

    Args:
        baseline: what the rows were compared with.
        metrics: what was known; what they say of labels is let go.
        summary: the labelled ones; custom metrics are told of these, beside the built-in ones.
    """
    found = realised_anew(baseline, metrics, summary.labelled, Thresholds())
    found = with_verdicts(found, baseline.performance, summary.labelled)
    return found | custom_metrics(baseline, summary)


def custom_metrics(baseline: Baseline, summary: OutcomeSummary) -> dict[str, PerformanceMetric]:
    """Return the metrics that others defined, where enough rows have them, with 95% intervals."""
    known, least = baseline.performance, Thresholds().minimum_rows
    found = {}
    for name, of_metric in summary.metrics.items():
        moments = of_metric.moments
        if known is None or moments.n < least:
            continue
        error = mean_error(moments, known.effect.phi_at(moments.n))
        lower, upper = normal_interval(moments.mean, error)
        found[name] = PerformanceMetric(
            name=name, realized=moments.mean, lower=lower, upper=upper, rows=moments.n
        )
    return found


def _bias(seen: OutcomeWindow, current: Profile | None) -> str | None:
    """Say how predictions with a label differ from those without; None where they do not."""
    whole = seen.summaries.get(WHOLE)
    if whole is None or current is None:
        return None
    found = label_bias(whole, current)
    return found.text if found is not None and found.is_biased else None


def with_outcomes(report: DriftReport | None, found: Outcomes | None) -> DriftReport | None:
    """Return a report with what is known by labels."""
    if report is None or found is None:
        return report
    performance = {**report.performance, **found.custom}
    labels = found.labels if found.labels.predictions else None
    return replace(report, labels=labels, concept=found.concept, performance=performance)
