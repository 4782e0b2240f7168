"""``modelwatch report``: a comparison as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelwatch.cli.compare import BaselineArgument, DataArgument, compare_files
from modelwatch.cli.console import print_text
from modelwatch.errors import DataError

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
    try:
        findings.to_html(output)
    except OSError as error:
        raise DataError(f"cannot write {output}: {error.strerror or error}.") from error
    print_text(f"wrote {output}")
