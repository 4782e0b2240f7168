"""``modelwatch evaluate``: have a collector compare a window now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelwatch.cli.collector_client import (
    CollectorOption,
    Remote,
    TokenFileOption,
    post_json,
    version_path,
)
from modelwatch.cli.console import print_renderable

if TYPE_CHECKING:
    from modelwatch.report.drift_report import DriftReport

__all__ = ["evaluate"]

DRIFT_STATUS = 1


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")],
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Version of the model.")],
    window: Annotated[
        str | None, typer.Option(metavar="TIME", help="Length of the window: 15m, 1h, 1d, 7d.")
    ] = None,
    end: Annotated[
        str | None, typer.Option(help="End of the window, ISO 8601; now where not given.")
    ] = None,
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Compare a window with the baseline now, and keep the evaluation.

    Ends with status 1 where there is drift.

    \b
    Examples:
      modelwatch evaluate churn 3 --window 1h
    """
    asked = {"window": window, "end": end}
    body = {name: text for name, text in asked.items() if text is not None}
    remote = Remote(url=collector, token_file=token_file)
    found = post_json(f"{version_path(model, version)}/evaluate", remote, body)
    print_renderable(_report(found))
    if found["state"] == "drift":
        raise typer.Exit(DRIFT_STATUS)


def _report(found: dict[str, Any]) -> DriftReport:
    from modelwatch.report.drift_report import DriftReport

    return DriftReport.from_dict(found)
