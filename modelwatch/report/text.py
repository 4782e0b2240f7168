"""A report as tables in the terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modelwatch.report.drift_report import DriftReport
from modelwatch.report.remarks import remarks
from modelwatch.report.rows import FeatureRow, feature_rows
from modelwatch.report.sections import Sections, sections_of
from modelwatch.report.skew_words import skew_remarks
from modelwatch.report.wording import MARKS, Tone, plural, verdict

__all__ = ["report_table"]

T = TypeVar("T")

STYLES: Mapping[Tone, str] = {
    "drift": "bold red",
    "warning": "yellow",
    "harmless": "cyan",
    "none": "dim",
    "insufficient_data": "dim italic",
}

WIDE = 110
"""Columns of a terminal from which intervals are shown."""

MOST_METRICS = 4
MOST_SEGMENTS = 8
"""What is beyond is counted; the HTML report has all."""


def report_table(report: DriftReport) -> RenderableType:
    """Return what ``rich`` prints for a report: the verdict, then the features, worst first.

    All inputs together, performance and segments follow, as far as the report has them.
    """
    rows = feature_rows(report, baseline=report.baseline, current=report.current)
    sections = sections_of(report)
    return Group(
        *_head(report),
        *_skew(report),
        Text(),
        _features(rows),
        *_notes(rows),
        *_multivariate(sections),
        *_performance(sections),
        *_segments(sections),
    )


def _head(report: DriftReport) -> Iterator[RenderableType]:
    found = verdict(report)
    # Text, not markup: a feature's name may hold square brackets.
    headline = Text(f"{MARKS[found.tone]} {found.sentence}", style=STYLES[found.tone])
    headline.append(f"  {report.model} {report.version}, {report.rows:,} rows", style="dim")
    yield headline
    for remark in remarks(report):
        text = Text.assemble((remark.subject, "bold"), f": {remark.text}")
        yield Padding(text, (0, 0, 0, 2))
    if report.note:
        yield Padding(Text(report.note, style="dim"), (0, 0, 0, 2))


def _skew(report: DriftReport) -> Iterator[RenderableType]:
    told = skew_remarks(report)
    if told:
        yield Text()
        yield Text("Training-serving skew", style="bold")
    for remark in told:
        text = Text.assemble((remark.subject, "bold"), f": {remark.text}")
        yield Padding(text, (0, 0, 0, 2))


@dataclass(frozen=True)
class _Fitting:
    """A table with its intervals, or without where these would leave no room for words."""

    wide: Table
    narrow: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.wide if options.max_width >= WIDE else self.narrow


def _table(*headings: str, right: Collection[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        if heading in right:
            table.add_column(heading, justify="right", no_wrap=True)
        else:
            table.add_column(heading, overflow="fold", no_wrap=heading == "severity")
    return table


def _fitting(headings: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> _Fitting:
    """Return both forms of a table whose third column holds intervals."""
    right = headings[1:4]
    wide, narrow = _table(*headings, right=right), _table(*_but_third(headings), right=right)
    for row in rows:
        wide.add_row(*row)
        narrow.add_row(*_but_third(row))
    return _Fitting(wide, narrow)


def _but_third(row: Sequence[T]) -> list[T]:
    return [*row[:2], *row[3:]]


def _features(rows: list[FeatureRow]) -> _Fitting:
    headings = ("feature", "effect", "95% interval", "p", "severity", "what was found")
    return _fitting(headings, [_feature(row) for row in rows])


def _feature(row: FeatureRow) -> tuple[str | Text, ...]:
    name = Text(row.name)
    if row.role == "output":
        name.append(" (output)", style="dim")
    found = Text(row.found)
    if row.cause:
        found.append(f" ({row.cause})", style="bold")
    beside = [f"mostly in {row.segment}"] if row.segment else []
    beside += [row.origin] if row.origin else []
    if beside:
        found.append(f"; {'; '.join(beside)}", style="dim")
    return name, row.effect, row.interval, row.p, _severity(row.tone, row.word), found


def _notes(rows: list[FeatureRow]) -> Iterator[Text]:
    yield Text()
    if any(row.interval for row in rows):
        yield Text("effect: PSI above what chance makes it", style="dim")


def _multivariate(sections: Sections) -> Iterator[RenderableType]:
    if not sections.multivariate:
        return
    headings = ("all together", "value", "95% interval", "p", "severity", "what was found")
    rows = [
        (
            row.name,
            row.value,
            row.interval,
            row.p,
            _severity(row.tone, row.word),
            Text(f"{row.found} ({row.features})" if row.features else row.found),
        )
        for row in sections.multivariate
    ]
    yield from (Text(), _fitting(headings, rows))


def _performance(sections: Sections) -> Iterator[RenderableType]:
    if not sections.performance:
        return
    figures = ("baseline", "estimated", "realised", "95% interval")
    table = _table("performance", *figures, "change", right=figures)
    for row in sections.performance[:MOST_METRICS]:
        changed = Text(row.changed, style=STYLES[row.tone])
        table.add_row(row.name, row.reference, row.estimated, row.realized, row.interval, changed)
    yield from (Text(), table)
    yield from _rest(len(sections.performance) - MOST_METRICS, "measure")
    for sentence in [*sections.conditions, *sections.labels]:
        yield Text(sentence, style="dim")


def _segments(sections: Sections) -> Iterator[RenderableType]:
    if not sections.segments:
        return
    table = _table("segment", "rows", "what was found", right=("rows",))
    for row in sections.segments[:MOST_SEGMENTS]:
        found = Text(f"{row.mark} {row.sentence}", style=STYLES[row.tone])
        if row.names:
            found.append(f": {row.names}", style="default")
        if row.note:
            found.append(f" ({row.note})", style="dim")
        table.add_row(Text(row.name), row.rows, found)
    yield from (Text(), table)
    yield from _rest(len(sections.segments) - MOST_SEGMENTS, "segment")


def _rest(count: int, thing: str) -> Iterator[Text]:
    if count > 0:
        yield Text(plural(count, f"more {thing}"), style="dim")


def _severity(tone: Tone, word: str) -> Text:
    return Text(f"{MARKS[tone]} {word}", style=STYLES[tone])
