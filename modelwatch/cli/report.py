"""``modelwatch report``: a comparison as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelwatch.cli.compare import BaselineArgument, DataArgument, compare_files
from modelwatch.cli.console import print_text, writing

__all__ = ["report"]


def report(
    baseline: BaselineArgument,
    data: DataArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The HTML file to write.")
    ],
) -> None:
    """Compare data with a baseline; write an HTML file with pictures.

    \b
    Examples:
      modelwatch report churn.json today.parquet -o today.html
    """
    findings = compare_files(baseline, data)
    with writing(output):
        findings.to_html(output)
    print_text(f"wrote {output}")
