"""``modelwatch skew``: served features against recomputed ones, row by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwatch.cli.console import print_renderable, print_text, writing
from modelwatch.cli.progress import progress_bar

if TYPE_CHECKING:
    from modelwatch.skew import SkewReport

__all__ = ["skew"]

FINDING_STATUS = 1
STDOUT = Path("-")

Served = Annotated[
    Path,
    typer.Argument(metavar="SERVED", help="Features as served: CSV, Parquet or Arrow."),
]
Recomputed = Annotated[
    Path,
    typer.Argument(
        metavar="RECOMPUTED", help="The same rows' features, recomputed as in training."
    ),
]


def skew(
    served: Served,
    recomputed: Recomputed,
    key: Annotated[
        list[str], typer.Option(help="Column that names a row; once for each part of the key.")
    ],
    features: Annotated[
        list[str] | None, typer.Option(help="Compare these columns alone; * and ? are wildcards.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Leave these columns out; * and ? are wildcards.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="Relative difference up to which numbers are equal.")
    ] = 1e-6,
    absolute_tolerance: Annotated[
        float | None,
        typer.Option(
            help="Absolute difference likewise.",
            show_default="1e-09 of the feature's mean magnitude",
        ),
    ] = None,
    entity: Annotated[
        list[str] | None,
        typer.Option(help="Column that names whom a row is about, to find stale values."),
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="Column of the time that a row is about, likewise.")
    ] = None,
    fail_above: Annotated[
        float,
        typer.Option(
            help="Share of unequal rows up to which a feature passes, if it is in both.",
            min=0,
            max=1,
        ),
    ] = 0.0,
    limit: Annotated[int, typer.Option(help="Examples of each feature.", min=0)] = 3,
    no_examples: Annotated[
        bool, typer.Option("--no-examples", help="Show, and write, no values and no keys.")
    ] = False,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Also write JSON; - prints it alone."),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a JUnit XML file.")
    ] = None,
) -> None:
    """Compare served features with recomputed ones, row by row.

    Says which features differ, in how many rows, how, and with which examples.

    Exit status: 0 no skew, 1 skew in more rows than --fail-above, 2 an error.

    \b
    Examples:
      modelwatch skew served.parquet recomputed.parquet --key id
      modelwatch skew served.csv recomputed.csv --key user --key day
      modelwatch skew served.csv recomputed.csv --key id --fail-above 0.001
      modelwatch skew served.csv recomputed.csv --key id --entity user --time day
      modelwatch skew served.csv recomputed.csv --key id --ignore 'latency_*'
    """
    from modelwatch.skew import Tolerance, audit

    bounds = Tolerance(relative=tolerance, absolute=absolute_tolerance)
    with progress_bar(f"comparing {served.name} with {recomputed.name}") as progress:
        report = audit(
            served,
            recomputed,
            key,
            features=features or None,
            ignore=ignore or (),
            tolerance=bounds,
            entity=entity or (),
            time=time,
            examples=0 if no_examples else limit,
            progress=progress,
        )
    if no_examples:
        report = report.without_values()
    _write(report, json_file, junit, fail_above)
    if report.failing(fail_above):
        raise typer.Exit(FINDING_STATUS)


def _write(
    report: SkewReport, json_file: Path | None, junit: Path | None, fail_above: float
) -> None:
    from modelwatch.skew.junit import junit_xml

    if json_file == STDOUT:
        print_text(json.dumps(report.to_dict(), indent=2))
    else:
        print_renderable(report)
    files = (
        {} if json_file in (None, STDOUT) else {json_file: json.dumps(report.to_dict(), indent=2)}
    )
    if junit is not None:
        files[junit] = junit_xml(report, fail_above)
    for path, text in files.items():
        if path is not None:
            with writing(path):
                path.write_text(text, encoding="utf-8")
