"""The findings of an audit as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modelwatch.report.wording import MARKS, Tone, percent, plural
from modelwatch.skew.report import FeatureSkew, SkewReport
from modelwatch.skew.words import headline, kind_name, pairing_notes, shown_value

__all__ = ["report_table"]


def report_table(report: SkewReport) -> RenderableType:
    """Return what ``rich`` prints for an audit: what was compared, then the skewed features."""
    tone: Tone = "none" if report.is_clean else "drift"
    title = Text(f"{MARKS[tone]} {headline(report)}", style="bold red" * (not report.is_clean))
    title.append(f"  {plural(report.rows, 'row')} compared", style="dim")
    notes = [Padding(Text(note), (0, 0, 0, 2)) for note in pairing_notes(report)]
    skewed = [one for one in report.features.values() if one.unequal]
    parts: list[RenderableType] = [title, *notes]
    if skewed:
        parts += [Text(), _features(skewed)]
        parts += list(_examples(report, skewed))
    return Group(*parts, Text(), *_remarks(report))


def _features(skewed: list[FeatureSkew]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("feature", overflow="fold", max_width=30)
    table.add_column("unequal", justify="right", no_wrap=True)
    table.add_column("of them", justify="right", no_wrap=True)
    table.add_column("what was found", overflow="fold")
    for one in skewed:
        for place, kind in enumerate(one.kinds):
            found = Text.assemble((f"{kind_name(kind.name)}: ", "bold"), kind.sentence)
            name, share = (one.name, percent(one.share)) if not place else ("", "")
            table.add_row(Text(name), share, percent(kind.explained), found)
    return table


def _examples(report: SkewReport, skewed: list[FeatureSkew]) -> Iterator[RenderableType]:
    if not any(one.examples for one in skewed):
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("example", overflow="fold", max_width=30)
    for heading in (", ".join(report.key), "served", "recomputed"):
        table.add_column(Text(heading), overflow="fold")
    for one in skewed:
        for place, example in enumerate(one.examples):
            values = (example.key, example.served, example.recomputed)
            table.add_row(Text("" if place else one.name), *map(Text, map(shown_value, values)))
    yield Text()
    yield table


def _remarks(report: SkewReport) -> Iterator[Text]:
    nearly = [one for one in report.features.values() if one.nearly_equal]
    bounds = f"equal within {report.tolerance.words}"
    if nearly:
        rows = sum(one.nearly_equal for one in nearly)
        names = plural(len(nearly), "feature")
        bounds = f"{plural(rows, 'value')} of {names} {bounds}, as after rounding to float32"
    yield Text(f"Numbers: {bounds}", style="dim")
