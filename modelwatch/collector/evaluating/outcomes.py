"""What the labels of a window's predictions come to, beside the comparison itself. Pure."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from modelwatch.baseline import Baseline
from modelwatch.collector.outcomes.protocols import ConceptState, OutcomeWindow
from modelwatch.collector.windows import TimeWindow
from modelwatch.comparing import Thresholds
from modelwatch.comparing.performance import realised_anew
from modelwatch.outcomes.label_bias import label_bias
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.label_findings import ChangedCell, ConceptFinding, LabelFindings

__all__ = [
    "WHOLE",
    "LabelSource",
    "LabelledWindow",
    "Outcomes",
    "concept_findings",
    "labels_of",
    "outcomes_of",
    "with_labels",
    "with_outcomes",
]

WHOLE: Final = ""
"""Stands for all segments together."""

MOST_CHANGES: Final = 10
"""Changes of the errors that are told, the latest."""

MOST_DELAY: Final = 0.9
"""Share of the labels that took no longer than what is told as the most."""


class LabelSource(Protocol):
    """Answers what was joined, and how errors changed as labels came in. Blocking."""

    def outcomes(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return what is known of the predictions made in a window, for the current baseline."""
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
    """

    seen: OutcomeWindow = field(default_factory=OutcomeWindow)
    concept: ConceptState = field(default_factory=ConceptState)


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What is known by the labels of one window's predictions.

    Attributes:
        labels: how many came, how late, and whether which do is no chance.
        concept: changes of the errors that were known when it was looked at, the latest first.
        segments: measures of performance by labels, by segment.
        where: in which cells errors rose most against the baseline.
        through: grows whenever anything of the window's predictions and labels changes.
    """

    labels: LabelFindings
    concept: tuple[ConceptFinding, ...] = ()
    segments: Mapping[str, Mapping[str, PerformanceMetric]] = field(default_factory=dict)
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


def concept_findings(state: ConceptState) -> list[ConceptFinding]:
    """Return the changes of the errors, the latest first."""
    return [
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


def outcomes_of(
    baseline: Baseline | None,
    current: Profile | None,
    window: TimeWindow,
    labelled: LabelledWindow,
) -> Outcomes | None:
    """Return what is known by labels of a window; None where no labels are waited for.

    Args:
        baseline: what the window is compared with; None where there is none.
        current: what was observed in the window; None where nothing was.
        window: changes that began after it are left out.
        labelled: its predictions and labels.
    """
    seen = labelled.seen
    if not seen.predictions:
        return None
    limits = Thresholds()
    segments = {
        name: realised_anew(baseline, {}, summary.labelled, limits)
        for name, summary in seen.summaries.items()
        if name != WHOLE and baseline is not None
    }
    changes = concept_findings(labelled.concept)
    told = [change for change in changes if change.began_ns < window.end_ns]
    labels = labels_of(seen)
    return Outcomes(
        labels=replace(labels, bias=_bias(seen, current)) if labels.is_partial else labels,
        concept=tuple(told[:MOST_CHANGES]),
        segments={name: metrics for name, metrics in segments.items() if metrics},
        through=seen.through,
    )


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
    return replace(report, labels=found.labels, concept=found.concept)
