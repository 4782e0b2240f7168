"""A report as a table in the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from modelwatch.report.drift_report import DriftReport, Severity
from modelwatch.report.rows import feature_rows
from modelwatch.report.wording import verdict

__all__ = ["report_table"]

STYLES: dict[Severity, str] = {
    "drift": "bold red",
    "warning": "yellow",
    "none": "dim",
    "insufficient_data": "dim italic",
}


def report_table(report: DriftReport) -> RenderableType:
    """Return what ``rich`` prints for a report: the verdict, then the features, worst first."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("feature", overflow="fold")
    table.add_column("role")
    for heading in ("PSI", "KS", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("what was found", overflow="fold")
    for row in feature_rows(report, baseline=report.baseline, current=report.current):
        style = STYLES[row.severity]
        # Text, not markup: a feature's name may hold square brackets.
        table.add_row(
            Text(row.name),
            row.role,
            row.psi,
            row.ks,
            row.p,
            Text(f"{row.mark} {row.word}", style=style),
            Text(row.found),
        )
    return Group(_headline(report), Text(), table, *_unexpected(report))


def _headline(report: DriftReport) -> Text:
    found = verdict(report)
    headline = Text(f"{found.sentence}", style=STYLES[found.severity])
    headline.append(f"  {report.model} {report.version}, {report.rows:,} rows", style="dim")
    return headline


def _unexpected(report: DriftReport) -> list[Text]:
    if not report.unexpected:
        return []
    names = ", ".join(report.unexpected)
    return [Text(), Text(f"Not in the baseline, so not judged: {names}", style="dim")]
