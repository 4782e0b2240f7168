"""``modelwatch compare``: data against a baseline, as a table, as JSON, or as a gate."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from modelwatch.cli.console import print_renderable, print_text, writing
from modelwatch.cli.progress import progress_bar
from modelwatch.errors import DataError

if TYPE_CHECKING:
    from modelwatch.report.drift_report import DriftReport

__all__ = ["BaselineArgument", "DataArgument", "compare", "compare_files"]

FINDING_STATUS = 1

BaselineArgument = Annotated[
    Path, typer.Argument(metavar="BASELINE", help="A file made by 'modelwatch baseline build'.")
]
DataArgument = Annotated[
    Path, typer.Argument(metavar="DATA", help="The data to judge: CSV, Parquet or Arrow.")
]


class FailOn(StrEnum):
    """The least severity that makes the command exit with status 1."""

    WARNING = "warning"
    DRIFT = "drift"


class Format(StrEnum):
    """What is printed."""

    TEXT = "text"
    JSON = "json"


def compare(
    baseline: BaselineArgument,
    data: DataArgument,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(
            help="Exit with status 1 where a feature, or all inputs together, are this severe, or "
            "worse, in the data as a whole, or where the model surely does worse by the data's "
            "labels; segments are shown, and do not count."
        ),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.TEXT,
    junit: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write a JUnit XML file; --fail-on says what fails in it."
        ),
    ] = None,
) -> None:
    """Compare data with a baseline; list the features, worst first.

    Exit status: 0 no finding that --fail-on asks for, 1 a finding, 2 an error.

    \b
    Examples:
      modelwatch compare churn.json today.parquet
      modelwatch compare churn.json today.csv --fail-on drift
      modelwatch compare churn.json today.csv --format json
      modelwatch compare churn.json today.csv --fail-on drift --junit drift.xml
    """
    report = compare_files(baseline, data)
    if junit is not None:
        _write_junit(report, junit, fail_on)
    if output_format is Format.JSON:
        print_text(json.dumps(report.to_dict(), indent=2))
    else:
        print_renderable(report)
    if fail_on is not None:
        _judge(report, fail_on)


def _judge(report: DriftReport, fail_on: FailOn) -> None:
    from modelwatch.report.junit import is_failure

    if is_failure(report, _level(fail_on)):
        raise typer.Exit(FINDING_STATUS)
    severities = {feature.severity for feature in report.features.values()}
    if severities <= {"insufficient_data"}:
        raise DataError(
            f"{report.rows} rows are too few to judge any feature, so --fail-on cannot be "
            "answered: compare more data."
        )


def _write_junit(report: DriftReport, path: Path, fail_on: FailOn | None) -> None:
    from modelwatch.report.junit import junit_xml

    text = junit_xml(report, _level(fail_on))
    with writing(path):
        path.write_text(text, encoding="utf-8")


def _level(fail_on: FailOn | None) -> Literal["warning", "drift"]:
    return "warning" if fail_on is FailOn.WARNING else "drift"


def compare_files(baseline: Path, data: Path) -> DriftReport:
    """Compare the data of a file with the baseline of another.

    Raises:
        FormatError: where the baseline's file is damaged or of a newer format.
        DataError: where a file is absent, or the data cannot be read.
    """
    from modelwatch.baseline import Baseline
    from modelwatch.comparing import compare as compare_with

    reference = Baseline.load(baseline)
    with progress_bar(f"reading {data.name}") as progress:
        return compare_with(reference, data, progress=progress)
