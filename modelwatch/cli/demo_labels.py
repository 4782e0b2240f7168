"""The last act of the demo: labels arrive, and tell what no input shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from modelwatch.cli.demo_story import Chapter
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.label_findings import RELATION_CHANGED
from modelwatch.report.text import STYLES
from modelwatch.report.wording import interval, number, percent

__all__ = ["METRIC", "Labelled", "faults_of_labels", "performance_table"]

METRIC = "roc_auc"
"""What is shown: it is the same however many flights are late, which differs by month."""

LEAST_COVERAGE = 0.9
"""Share of a phase's flights that arrive, and so have a label: 96 of 100."""


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A phase once its labels are there.

    Attributes:
        chapter: what was done.
        report: what the collector says of its windows.
    """

    chapter: Chapter
    report: DriftReport

    @property
    def metric(self) -> PerformanceMetric | None:
        """The measure that is shown; None where it is not told."""
        return self.report.performance.get(METRIC)

    @property
    def coverage(self) -> float:
        """Share of its predictions with a label."""
        labels = self.report.labels
        return (labels.coverage or 0.0) if labels is not None else 0.0


def faults_of_labels(phases: Iterable[Labelled]) -> list[str]:
    """Return in what the performance that is told differs from what was done."""
    return [f"{found.chapter.phase}: {fault}" for found in phases for fault in _faults(found)]


def _faults(found: Labelled) -> Iterable[str]:
    metric = found.metric
    if found.coverage < LEAST_COVERAGE:
        yield f"{found.coverage:.0%} of the predictions have a label, not {LEAST_COVERAGE:.0%}."
    if metric is None or metric.estimated is None or metric.realized is None:
        yield f"{METRIC} is not told, estimated and realised."
        return
    is_told = metric.verdict in RELATION_CHANGED
    if is_told and not found.chapter.relation_changed:
        yield f"the relation is said to have changed, and did not: {metric.explained}."
    elif found.chapter.relation_changed and not is_told:
        yield f"the relation changed, and is said to be {metric.verdict!r}: {metric.explained}."


def performance_table(phases: Iterable[Labelled]) -> Table:
    """Return how well the model did phase by phase, and why."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("phase", no_wrap=True)
    table.add_column("month", no_wrap=True)
    for heading in ("labels", "AUC estimated", "realised", "95% interval"):
        table.add_column(heading, justify="right")
    table.add_column("what it comes to", overflow="fold")
    for found in phases:
        metric = found.metric or PerformanceMetric(name=METRIC)
        changed = metric.verdict in RELATION_CHANGED
        table.add_row(
            found.chapter.phase,
            found.chapter.month,
            percent(found.coverage),
            number(metric.estimated),
            number(metric.realized),
            interval((metric.lower, metric.upper)),
            Text(metric.explained or metric.condition or "", STYLES["drift"] if changed else ""),
        )
    return table
