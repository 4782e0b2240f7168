"""What a version's page shows of performance, computed apart from how it looks. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from modelwatch.collector.evaluating.evaluation import Assessment
from modelwatch.collector.evaluating.performance_history import WindowPerformance
from modelwatch.collector.serving.page_views import Link
from modelwatch.collector.storing.store import SummarizedEvaluation
from modelwatch.collector.windows import NANOSECONDS, TimeWindow, format_window
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.html import time_span
from modelwatch.report.label_findings import ChangedCell, ConceptFinding
from modelwatch.report.label_words import concept_words, coverage_words, headline_metric
from modelwatch.report.performance_chart import PerformancePoint
from modelwatch.report.remarks import MAIN_METRICS
from modelwatch.report.wording import interval, metric_name, number, plural

__all__ = ["PerformanceView", "performance_view", "points_of"]

MOST_METRICS = 6
"""Measures that the chart can be asked for."""

MOST_CHANGES = 5
MOST_CELLS = 5
MOST_SEGMENTS = 20


@dataclass(frozen=True, kw_only=True)
class PerformanceView:
    """The section on performance.

    Attributes:
        chart: address of the chart; empty where there is nothing to draw.
        description: what it shows, for those who cannot see it.
        measures: what it can show, by links.
        latest: what is known by the labels of the latest window that has enough; None where no
            window has, or where the one shown has them.
        changes: how errors changed as labels came in, a sentence each, the latest first.
        where: in which cells errors rose most, in words.
        segments: measures by segment: names of the columns, and the rows.
        send: commands that send labels, where none ever came; else empty.
    """

    chart: str
    description: str
    measures: list[Link]
    latest: Link | None
    latest_words: str
    changes: list[str]
    where: list[str]
    columns: list[str]
    segments: list[tuple[str, list[str]]]
    send: list[str]


def performance_view(
    found: Assessment,
    evaluations: Sequence[SummarizedEvaluation],
    changes: Sequence[ConceptFinding],
    where: Sequence[ChangedCell],
    *,
    path: str,
    query: str,
    asked: str | None,
    address: str,
    chart_seconds: int,
) -> PerformanceView | None:
    """Return what the page shows of performance; None where the baseline knows no labels.

    Args:
        found: what is known of the window.
        evaluations: the latest finished windows, oldest first.
        changes: how errors changed as labels came in, the latest first.
        where: in which cells they rose most since, the most first.
        path: of the page.
        query: of the page, without the measure that is asked for.
        asked: the measure that the chart is to show; the main one where None or unknown.
        address: where the collector is reached.
        chart_seconds: length of the windows of the chart.
    """
    if found.against is not None or found.baseline is None or found.baseline.performance is None:
        return None
    known = _known_metrics(found, evaluations)
    shown = asked if asked in known else next(iter(known), None)
    labelled = _latest_labelled(evaluations)
    has_labels = labelled is not None or (
        found.outcomes is not None and found.outcomes.labels.labelled > 0
    )
    latest, words = _latest(found, labelled, path)
    columns, rows = _segments(found)
    return PerformanceView(
        chart="" if shown is None else _chart(found, shown, chart_seconds),
        description="" if shown is None else _description(shown, has_labels),
        measures=[_measure(name, query, current=name == shown) for name in known],
        latest=latest,
        latest_words=words,
        changes=[concept_words(change) for change in changes[:MOST_CHANGES]],
        where=[_cell(cell) for cell in where[:MOST_CELLS]],
        columns=columns,
        segments=rows,
        send=[] if has_labels else _send(found.model, address),
    )


def points_of(windows: Sequence[WindowPerformance], metric: str) -> list[PerformancePoint]:
    """Return what the chart of a measure is drawn of."""
    return [
        PerformancePoint(
            start_ns=one.window.start_ns,
            end_ns=one.window.end_ns,
            metric=one.metrics.get(metric),
            is_partial=one.labels is not None and one.labels.is_partial,
        )
        for one in windows
    ]


def _known_metrics(found: Assessment, evaluations: Sequence[SummarizedEvaluation]) -> list[str]:
    """Return the measures of which something was ever told, those most looked at first."""
    reports = [one.summary.performance for one in evaluations]
    if found.report is not None:
        reports.append(found.report.performance)
    known = {
        name
        for metrics in reports
        for name, one in metrics.items()
        if one.estimated is not None or one.realized is not None
    }
    return [name for name in MAIN_METRICS if name in known][:MOST_METRICS]


def _latest_labelled(
    evaluations: Sequence[SummarizedEvaluation],
) -> SummarizedEvaluation | None:
    for one in reversed(evaluations):
        if any(metric.realized is not None for metric in one.summary.performance.values()):
            return one
    return None


def _latest(
    found: Assessment, labelled: SummarizedEvaluation | None, path: str
) -> tuple[Link | None, str]:
    """Return what the latest window with labels says, where the one shown does not."""
    own = found.report.performance.values() if found.report is not None else ()
    if labelled is None or any(metric.realized is not None for metric in own):
        return None, ""
    metrics, labels = labelled.summary.performance, labelled.summary.labels
    named = [metrics[name] for name in MAIN_METRICS if _is_realised(metrics.get(name))]
    headline = headline_metric(metrics) or next(iter(named), None)
    told = [_value(headline)] if headline is not None else []
    told += [f"{coverage_words(labels)}"] if labels is not None else []
    span = time_span(labelled.window.start_ns, labelled.window.end_ns)
    return Link(text=span, href=f"{path}?{_of(labelled.window)}"), "; ".join(told)


def _is_realised(metric: PerformanceMetric | None) -> bool:
    return metric is not None and metric.realized is not None


def _value(metric: PerformanceMetric) -> str:
    bounds = interval((metric.lower, metric.upper))
    text = f"{metric_name(metric.name)} {number(metric.realized)}"
    text += f" (95% interval {bounds})" if bounds else ""
    return f"{text}: {metric.explained}" if metric.explained else text


def _of(window: TimeWindow) -> str:
    end = str(window.end_ns // NANOSECONDS)
    return urlencode({"window": format_window(window.seconds), "end": end})


def _measure(name: str, query: str, *, current: bool) -> Link:
    href = "?" + "&".join(part for part in (query, urlencode({"metric": name})) if part)
    return Link(text=metric_name(name), href=f"{href}#performance", current=current)


def _chart(found: Assessment, metric: str, seconds: int) -> str:
    parameters = {
        "model": found.model,
        "version": found.version,
        "metric": metric,
        "window": format_window(seconds),
        "end": str(found.window.end_ns // NANOSECONDS),
    }
    return f"/charts/performance.svg?{urlencode(parameters)}"


def _description(metric: str, has_labels: bool) -> str:
    kinds = "estimated and realised" if has_labels else "estimated"
    return f"{metric_name(metric)} by window, {kinds}, against the baseline"


def _cell(cell: ChangedCell) -> str:
    errors = f"errors {number(cell.before)} on the baseline, {number(cell.after)} since"
    return f"{cell.feature} {cell.cell}: {errors} ({plural(cell.rows, 'row')})"


def _segments(found: Assessment) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Return a table of the main measures by segment; empty where there are none."""
    by_segment = found.outcomes.segments if found.outcomes is not None else {}
    names = [
        name
        for name in MAIN_METRICS
        if any(_is_realised(metrics.get(name)) for metrics in by_segment.values())
    ][:3]
    if not names:
        return [], []
    rows = [
        (segment, [_short(metrics.get(name)) for name in names])
        for segment, metrics in sorted(by_segment.items())[:MOST_SEGMENTS]
    ]
    return [metric_name(name) for name in names], rows


def _short(metric: PerformanceMetric | None) -> str:
    if metric is None or metric.realized is None:
        return number(None)
    bounds = interval((metric.lower, metric.upper))
    return f"{number(metric.realized)} ({bounds})" if bounds else number(metric.realized)


def _send(model: str, address: str) -> list[str]:
    name = shlex.quote(model)
    return [f"modelwatch labels push labels.csv --model {name} --collector {shlex.quote(address)}"]
