"""``modelwatch rollout``: a candidate beside the version that serves, and what should be done."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from modelwatch.cli.collector_client import CollectorOption, Remote, TokenFileOption, get_json
from modelwatch.cli.console import print_renderable, print_text

__all__ = ["rollout", "rollout_view"]

ROLL_BACK_STATUS = 1

_STYLES = {"roll_back": "bold red", "promote": "bold green", "keep_watching": "bold"}
_STANDINGS = {
    "better": Text("better", style="green"),
    "no_worse": Text("no worse", style="green"),
    "worse": Text("worse", style="bold red"),
    "open": Text("not told yet", style="dim"),
}


def rollout(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")],
    candidate: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION", help="The version in question; the newest live one by default."
        ),
    ] = None,
    stable: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="The version that serves; of the other live ones, that with most rows by default.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="ISO 8601; when the candidate was first heard of by default."),
    ] = None,
    until: Annotated[str | None, typer.Option(help="ISO 8601; now by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Compare a canary or shadow with the version that serves.

    Performance by labels, failed calls, latency, and agreement on the same predictions. What it
    says may be looked at any time, and as often as you like.

    Exit status: 0 promote or keep watching, 1 roll back, 2 an error.

    \b
    Examples:
      modelwatch rollout churn
      modelwatch rollout churn --candidate 4 --stable 3
      modelwatch rollout churn --since 2026-11-01T00:00:00Z --json
    """
    asked = {"candidate": candidate, "stable": stable, "since": since, "until": until}
    parameters = {name: text for name, text in asked.items() if text is not None}
    remote = Remote(url=collector, token_file=token_file)
    path = f"/api/v1/models/{quote(model, safe='')}/rollout"
    found = get_json(path, remote, parameters=parameters)
    if as_json:
        print_text(json.dumps(found, indent=2))
    else:
        print_renderable(rollout_view(found))
    if found["suggestion"] == "roll_back":
        raise typer.Exit(ROLL_BACK_STATUS)


def rollout_view(found: dict[str, Any]) -> RenderableType:
    """Return what the collector answered, for people."""
    words = Text(found["words"], style=_STYLES.get(found["suggestion"], ""))
    parts: list[RenderableType] = [words, _sides(found)]
    if found["evidence"]:
        parts.append(_evidence(found))
    if found["agreement"] is not None:
        parts.append(Text(_agreement(found["agreement"])))
    parts.append(Text(_drift(found)))
    return Group(*parts)


def _sides(found: dict[str, Any]) -> Table:
    table = Table(title=Text(f"{found['model']} since {found['window']['start']}"))
    for heading in ("", "version"):
        table.add_column(heading)
    for heading in ("calls", "failed", "predictions", "labelled"):
        table.add_column(heading, justify="right")
    for name in ("stable", "candidate"):
        side = found[name]
        counts = (str(side[key]) for key in ("calls", "failed", "predictions", "labelled"))
        table.add_row(name, Text(side["version"]), *counts)
    return table


def _evidence(found: dict[str, Any]) -> Table:
    is_paired = any(one["paired"] for one in found["evidence"])
    table = Table(
        title="The candidate's gain, with limits that hold at any time",
        caption="* on the same rows" if is_paired else None,
    )
    table.add_column("measure", no_wrap=True)
    for heading in ("stable", "candidate", "gain", "limits", "margin"):
        table.add_column(heading, justify="right")
    table.add_column("is")
    for one in found["evidence"]:
        name = f"{one['name']} *" if one["paired"] else one["name"]
        limits = [_number(one[key], 2) for key in ("gain_lower", "gain_upper")]
        values = [_number(one[key]) for key in ("stable", "candidate", "gain")]
        values += [" to ".join(limits) if all(limits) else "", _number(one["margin"])]
        table.add_row(Text(name), *values, _STANDINGS.get(one["standing"], Text(one["standing"])))
    return table


def _agreement(found: dict[str, Any]) -> str:
    if not found["compared"]:
        return f"{found['pairs']} predictions were made by both under the same id."
    share = found["agreed"] / found["compared"]
    told = f"Both predict the same in {share:.1%} of {found['compared']} predictions of one id"
    if not found["labelled"]:
        return f"{told}."
    return (
        f"{told}. Of {found['labelled']} with a label, both are right in {found['both_right']}, "
        f"only stable in {found['only_stable_right']}, only the candidate in "
        f"{found['only_candidate_right']}."
    )


def _drift(found: dict[str, Any]) -> str:
    state = found["drift"]["state"]
    names = [one["name"] for one in found["drift"]["features"] if one["severity"] == "drift"]
    if names:
        return f"Distributions differ in {', '.join(names)}."
    if state in ("no_drift", "warning"):
        return "Distributions of the two do not differ."
    return f"Distributions cannot be compared: {state.replace('_', ' ')}."


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}g}"
