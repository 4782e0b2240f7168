"""A report as one HTML file that needs nothing else: style and charts are inside."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from modelwatch.file_names import path_to_write
from modelwatch.report import charts
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.remarks import remarks, without_performance
from modelwatch.report.rows import FeatureRow, feature_rows
from modelwatch.report.sections import sections_of
from modelwatch.report.skew_words import skew_remarks
from modelwatch.report.wording import verdict

__all__ = ["style_sheet", "time_span", "write_html"]


def write_html(report: DriftReport, path: str | os.PathLike[str] | None = None) -> str:
    """Return a report as HTML, and write it where a path is given.

    Charts are drawn where the report still holds its baseline and current profile (not after
    `DriftReport.from_dict`); about 50 ms a feature.

    Args:
        report: what to show.
        path: the file to write, UTF-8; None writes none.

    Raises:
        ConfigurationError: where the path is no file's name, or its folder is not there.
        OSError: the file cannot be written.
    """
    target = None if path is None else path_to_write(path)
    rows = feature_rows(report, baseline=report.baseline, current=report.current)
    text = (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            verdict=verdict(report),
            remarks=remarks(report),
            skew=skew_remarks(report),
            rows=rows,
            sections=sections_of(report),
            without_performance=without_performance(report),
            figures={row.anchor: _figure(row) for row in rows},
            span=time_span(report.start_ns, report.end_ns),
            style=Markup(style_sheet()),
            width=charts.WIDTH,
            height=charts.HEIGHT,
        )
    )
    if target is not None:
        target.write_text(text, encoding="utf-8")
    return text


def style_sheet() -> str:
    """Return the style sheet of reports and pages, the charts' colours included."""
    sheet = Path(__file__).with_name("templates").joinpath("style.css")
    return f"{charts.STYLE}\n{sheet.read_text(encoding='utf-8')}"


def time_span(start_ns: int, end_ns: int) -> str:
    """Return a time span in words, UTC; empty where it is unknown.

    >>> time_span(3_600_000_000_000, 7_200_000_000_000)
    '1970-01-01 01:00 to 02:00 UTC'
    """
    if not end_ns:
        return ""
    start, end = (datetime.fromtimestamp(at // 1_000_000_000, tz=UTC) for at in (start_ns, end_ns))
    clock = "%H:%M" if start.second == end.second == 0 else "%H:%M:%S"
    until = end.strftime(clock if start.date() == end.date() else f"%Y-%m-%d {clock}")
    return f"{start.strftime(f'%Y-%m-%d {clock}')} to {until} UTC"


def _figure(row: FeatureRow) -> Markup | None:
    spec = charts.distribution_spec(row.reference, row.current)
    # Safe: drawn by Vega, which escapes every text in it.
    return None if spec is None else Markup(charts.draw(spec))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("modelwatch.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
