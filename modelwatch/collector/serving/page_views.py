"""What the pages show, computed apart from how they look. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from modelwatch.collector.evaluating.evaluation import Assessment
from modelwatch.collector.evaluating.persisting import held_words
from modelwatch.collector.evaluating.references import BASELINE, Against
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.quick_json import from_json
from modelwatch.collector.serving.encoded_paths import path_of
from modelwatch.collector.serving.page_words import ago, holding, notes_of, said_of, steered
from modelwatch.collector.serving.queries import Query
from modelwatch.collector.serving.timeline import Timeline, timeline_of
from modelwatch.collector.storing.store import Evaluation, SummarizedEvaluation, VersionSeen
from modelwatch.collector.windows import NANOSECONDS, TimeWindow, format_window
from modelwatch.persistence import FeatureHistory
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.html import time_span
from modelwatch.report.remarks import Remark, remarks, without_performance
from modelwatch.report.rows import FeatureRow, TraceLink, feature_rows, trace_links_of
from modelwatch.report.sections import Sections, sections_of
from modelwatch.report.skew_words import skew_remarks
from modelwatch.report.wording import MARKS, Tone, Verdict, verdict
from modelwatch.telemetry.steering import Steering

__all__ = ["Link", "ModelRow", "VersionView", "models_view", "version_view"]

WINDOW_CHOICES = (900, 3_600, 6 * 3_600, 86_400, 7 * 86_400)
"""Lengths of a window that the page offers beside the collector's own, in seconds."""

MOST_VERSIONS = 4
"""Other versions that the page offers to compare with, the latest first."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link of the page; ``current`` where it is what is shown."""

    text: str
    href: str
    current: bool = False


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One model version in the list of models; ``evaluated`` is the window that is spoken of."""

    model: str
    version: str
    href: str
    evaluated: str | None
    tone: Tone
    mark: str
    words: str
    names: str
    rows: int
    last_seen: str


@dataclass(frozen=True, kw_only=True)
class VersionView:
    """The page of one model version in one window.

    Attributes:
        verdict: what the window comes to, in words.
        remarks: how sure, how much it matters, the probable cause; and what holds over windows.
        references: what the window can be compared with.
        remedy: what to do where the window could not be judged, else empty.
        skew: what differs between training and serving, since the deployment or in its form.
        notes: what was left out of the comparison, and how capture is steered, a sentence each.
        rows: the features, worst first.
        sections: all inputs together, performance and segments.
        without_performance: why no performance is told; empty where it is, or none is due.
        timeline: the latest finished windows; None where none was evaluated.
        latest: the last window that was evaluated, where the one shown holds nothing.
        failed: traces of calls that failed, by type of error.
    """

    model: str
    version: str
    verdict: Verdict
    remarks: list[Remark]
    remedy: str
    notes: list[str]
    facts: list[tuple[str, str]]
    windows: list[Link]
    references: list[Link]
    neighbours: list[Link]
    pause: Link | None
    rows: list[FeatureRow]
    sections: Sections | None
    without_performance: str
    charts: dict[str, str]
    skew: list[Remark]
    timeline: Timeline | None
    latest: Link | None
    failed: list[tuple[str, tuple[TraceLink, ...]]]


def models_view(
    versions: Iterable[VersionSeen],
    latest: Callable[[VersionSeen], list[Evaluation]],
    *,
    now_ns: int,
) -> list[ModelRow]:
    """Return the list of models.

    Args:
        versions: what the store knows.
        latest: returns the latest evaluation of a version, or none.
        now_ns: Unix nanoseconds.
    """
    return [_model_row(seen, latest(seen), now_ns) for seen in versions]


def _model_row(seen: VersionSeen, latest: list[Evaluation], now_ns: int) -> ModelRow:
    page = _Addresses.of_version(seen)
    if seen.baseline_id is None:
        found = Verdict(severity="insufficient_data", sentence="No baseline yet", names="")
    elif not latest:
        found = Verdict(severity="insufficient_data", sentence="No window evaluated yet", names="")
    else:
        found = verdict(_report(latest[-1]))
    return ModelRow(
        model=seen.model,
        version=seen.version,
        href=page.path,
        evaluated=page.of(latest[-1].window) if latest else None,
        tone=found.tone,
        mark=MARKS[found.tone],
        words=found.sentence,
        names=found.names,
        rows=seen.rows,
        last_seen="never" if seen.last_seen_ns is None else ago(now_ns - seen.last_seen_ns),
    )


def version_view(
    seen: VersionSeen,
    asked: Query,
    found: Assessment,
    evaluations: Sequence[SummarizedEvaluation],
    histories: Sequence[FeatureHistory],
    *,
    steering: Steering | None,
    versions: Sequence[str] = (),
    options: CollectorOptions,
    now_ns: int,
) -> VersionView:
    """Return the page of one model version.

    Args:
        seen: the version.
        asked: the window that was asked for.
        found: what is known of it.
        evaluations: the latest finished windows, oldest first.
        histories: what was found of each feature in the finished windows up to that one's end.
        steering: how its capture is steered, or None.
        versions: all versions of the model.
        options: the collector's own length of a window, and when a finding is persistent.
        now_ns: Unix nanoseconds.
    """
    page = _Addresses.of_version(seen, asked)
    report = found.report if found.state != "no_data" else None
    held = {history.name: held_words(history) for history in histories}
    rows = (
        feature_rows(
            report,
            baseline=found.baseline,
            current=found.current,
            held=held,
            address_of=options.trace_links.of,
        )
        if report
        else []
    )
    windows = [(item.window, item.summary) for item in evaluations]
    names = [row.name for row in rows]
    said, remedy = said_of(found, seen, now_ns=now_ns)
    return VersionView(
        model=seen.model,
        version=seen.version,
        verdict=said,
        remarks=(remarks(report) if report else []) + holding(histories, options.persistence),
        remedy=remedy,
        notes=notes_of(found) + steered(steering),
        facts=_facts(seen, found, now_ns),
        windows=_window_links(page, asked, options.window_seconds),
        references=_reference_links(page, asked, seen.version, versions),
        neighbours=_neighbours(page, asked, now_ns),
        pause=_pause(page, asked),
        rows=rows,
        sections=sections_of(report) if report else None,
        without_performance=without_performance(report) if report else "",
        charts={row.anchor: _chart(seen, row, asked) for row in rows if row.reference},
        skew=skew_remarks(report) if report and found.against is None else [],
        timeline=timeline_of(windows, names, address=page.of, shown=found.window),
        latest=_latest(page, found, evaluations),
        failed=[
            (name, trace_links_of(trace_ids, options.trace_links.of))
            for name, trace_ids in found.traces.errors.items()
        ],
    )


class _Addresses:
    """Makes the addresses of one version's page, which keep what windows are compared with."""

    def __init__(self, path: str, against: Against) -> None:
        self.path = path
        self._against = against

    @classmethod
    def of_version(cls, seen: VersionSeen, asked: Query | None = None) -> _Addresses:
        path = path_of("models", seen.model, "versions", seen.version)
        return cls(path, asked.against if asked else BASELINE)

    def of(self, window: TimeWindow) -> str:
        return self.live(window.seconds, end=str(window.end_ns // NANOSECONDS))

    def live(self, seconds: int, **parameters: str) -> str:
        return self.with_parameters({"window": format_window(seconds), **parameters}, self._against)

    def with_parameters(self, parameters: dict[str, str], against: Against) -> str:
        kept = {} if against == BASELINE else {"reference": str(against)}
        return f"{self.path}?{urlencode({**parameters, **kept})}"


def _facts(seen: VersionSeen, found: Assessment, now_ns: int) -> list[tuple[str, str]]:
    rows = found.current.rows if found.current else 0
    facts = [
        ("Rows in window", f"{rows:,}"),
        ("Window", time_span(found.window.start_ns, found.window.end_ns)),
        ("Instances", f"{found.instances:,}"),
    ]
    if found.against is not None:
        span = time_span(found.against.window.start_ns, found.against.window.end_ns)
        facts += [("Compared with", span), ("Rows there", f"{found.against.rows:,}")]
    elif found.baseline is not None:
        facts.append(("Baseline rows", f"{found.baseline.rows:,}"))
    if seen.last_seen_ns is not None:
        facts.append(("Last data", ago(now_ns - seen.last_seen_ns)))
    return facts


def _window_links(page: _Addresses, asked: Query, default_seconds: int) -> list[Link]:
    shown = asked.window.seconds
    return [
        Link(
            text=format_window(seconds),
            href=page.live(seconds),
            current=seconds == shown and asked.live and asked.rows is None,
        )
        for seconds in sorted({*WINDOW_CHOICES, default_seconds, shown})
    ]


def _reference_links(
    page: _Addresses, asked: Query, version: str, versions: Sequence[str]
) -> list[Link]:
    choices = [
        ("baseline", BASELINE),
        ("the window before", Against(kind="previous")),
        ("last week", Against(kind="last_week")),
        *(
            (f"version {other}", Against(kind="version", version=other))
            for other in [name for name in versions if name != version][:MOST_VERSIONS]
        ),
    ]
    parameters = _parameters(asked)
    return [
        Link(
            text=text,
            href=page.with_parameters(parameters, against),
            current=against == asked.against,
        )
        for text, against in choices
    ]


def _parameters(asked: Query, *, fixed: bool = False) -> dict[str, str]:
    """Return the parameters that ask for the same rows; for the same window even if it is live."""
    if asked.rows is not None:
        return {"rows": str(asked.rows)}
    window = {"window": format_window(asked.window.seconds)}
    end = {"end": str(asked.window.end_ns // NANOSECONDS)}
    return window if asked.live and not fixed else window | end


def _neighbours(page: _Addresses, asked: Query, now_ns: int) -> list[Link]:
    window = asked.window
    links = [Link(text="\u2190 earlier", href=page.of(_moved(window, -1)))]
    if not asked.live:
        if _moved(window, 1).end_ns <= now_ns:
            links.append(Link(text="later \u2192", href=page.of(_moved(window, 1))))
        links.append(Link(text="now", href=page.live(window.seconds)))
    return links


def _moved(window: TimeWindow, steps: int) -> TimeWindow:
    return TimeWindow.ending(
        window.end_ns + steps * window.seconds * NANOSECONDS, seconds=window.seconds
    )


def _latest(
    page: _Addresses, found: Assessment, evaluations: Sequence[SummarizedEvaluation]
) -> Link | None:
    if found.state != "no_data" or not evaluations:
        return None
    return Link(text="the last window with data", href=page.of(evaluations[-1].window))


def _pause(page: _Addresses, asked: Query) -> Link | None:
    if not asked.live or asked.rows is not None:
        return None
    return Link(text="pause", href=page.live(asked.window.seconds, refresh="off"))


def _chart(seen: VersionSeen, row: FeatureRow, asked: Query) -> str:
    parameters = {
        "model": seen.model,
        "version": seen.version,
        "feature": row.name,
        **_parameters(asked, fixed=True),
    }
    if asked.against != BASELINE:
        parameters["reference"] = str(asked.against)
    return f"/charts/distribution.svg?{urlencode(parameters)}"


def _report(evaluation: Evaluation) -> DriftReport:
    return DriftReport.from_dict(from_json(evaluation.report))
