"""``modelwatch compare``: data against a baseline, as a table, as JSON, or as a gate."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwatch.cli.console import print_renderable, print_text
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


_FAILING = {FailOn.WARNING: {"warning", "drift"}, FailOn.DRIFT: {"drift"}}


def compare(
    baseline: BaselineArgument,
    data: DataArgument,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(help="Exit with status 1 where a feature is this severe, or worse."),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.TEXT,
) -> None:
    """Compare data with a baseline; list the features, worst first.

    Exit status: 0 no finding that --fail-on asks for, 1 a finding, 2 an error.

    \b
    Examples:
      modelwatch compare churn.json today.parquet
      modelwatch compare churn.json today.csv --fail-on drift
      modelwatch compare churn.json today.csv --format json
    """
    report = compare_files(baseline, data)
    if output_format is Format.JSON:
        print_text(json.dumps(report.to_dict(), indent=2))
    else:
        print_renderable(report)
    if fail_on is not None:
        _judge(report, fail_on)


def _judge(report: DriftReport, fail_on: FailOn) -> None:
    severities = {feature.severity for feature in report.features.values()}
    if severities & _FAILING[fail_on]:
        raise typer.Exit(FINDING_STATUS)
    if severities <= {"insufficient_data"}:
        raise DataError(
            f"{report.rows} rows are too few to judge any feature, so --fail-on cannot be "
            "answered: compare more data."
        )


def compare_files(baseline: Path, data: Path) -> DriftReport:
    """Compare the data of a file with the baseline of another.

    Raises:
        FormatError: where the baseline's file is damaged or of a newer format.
        DataError: where a file is absent, or the data cannot be read.
    """
    from modelwatch.baseline import Baseline
    from modelwatch.comparing import compare as compare_with

    return compare_with(Baseline.load(baseline), data)
