"""``modelwatch alerts``: show alerts, take note of them, silence them, and test who is told."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table
from rich.text import Text

from modelwatch.cli.collector_client import (
    CollectorOption,
    Remote,
    TokenFileOption,
    delete,
    get_json,
    post_json,
)
from modelwatch.cli.console import print_remark, print_renderable, print_text
from modelwatch.errors import ConfigurationError

if TYPE_CHECKING:
    from modelwatch.collector.alerting.configuration import Configuration

__all__ = ["DEFAULT_CONFIG", "alerts_table", "commands", "config_path"]

DEFAULT_CONFIG = Path("modelwatch.toml")

_STYLES = {"critical": "bold red", "warning": "yellow"}

commands = typer.Typer(
    name="alerts",
    help="Show alerts, take note of them, silence them, and test who is told.",
    no_args_is_help=True,
)

AlertId = Annotated[str, typer.Argument(metavar="ID", help="The alert, as listed.")]
By = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Who; else the user's name. With a token, its name."),
]
Comment = Annotated[str, typer.Option(metavar="TEXT", help="Why.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The configuration file; else ./modelwatch.toml."),
]


@commands.command(name="list")
def list_(
    state: Annotated[str, typer.Option(help="open, pending, firing, resolved, or all.")] = "open",
    model: Annotated[str | None, typer.Option(help="Of this model alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="The newest of them.")] = 100,
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """List alerts, the newest first.

    \b
    Examples:
      modelwatch alerts list
      modelwatch alerts list --state resolved --model churn
    """
    parameters = {"limit": str(limit)}
    if state != "all":
        parameters["state"] = state
    if model is not None:
        parameters["model"] = model
    remote = Remote(url=collector, token_file=token_file)
    answer = get_json("/api/v1/alerts", remote, parameters=parameters)
    if not answer["alerts"]:
        print_text("No alerts." if state == "all" else f"No {state} alerts.")
        return
    print_renderable(alerts_table(answer["alerts"]))
    if answer["next_cursor"] is not None:
        print_remark("There are more: raise --limit.")


def alerts_table(alerts: list[dict[str, Any]]) -> Table:
    """Return the table of alerts, from what the API answered."""
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "severity", "model", "version", "what", "state", "since"):
        table.add_column(heading, overflow="fold")
    for alert in alerts:
        state = alert["state"]
        if alert["acknowledged"]:
            state += f", acknowledged by {alert['acknowledged']['by']}"
        if alert["silenced_by"]:
            state += f", muted by {alert['silenced_by']}"
        table.add_row(
            Text(alert["id"]),
            Text(alert["severity"], style=_STYLES.get(alert["severity"], "")),
            *(Text(alert[name]) for name in ("model", "version", "summary")),
            Text(state),
            Text(alert["since"]),
        )
    return table


@commands.command()
def show(
    alert_id: AlertId, collector: CollectorOption = None, token_file: TokenFileOption = None
) -> None:
    """Show one alert with its history, as JSON.

    \b
    Examples:
      modelwatch alerts show 3f9c0a4be1d27788
    """
    remote = Remote(url=collector, token_file=token_file)
    answer = get_json(f"/api/v1/alerts/{quote(alert_id, safe='')}", remote)
    print_text(json.dumps(answer, indent=2, ensure_ascii=False))


@commands.command()
def ack(
    alert_id: AlertId,
    by: By = None,
    comment: Comment = "",
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Take note of an open alert: it is not repeated any more.

    \b
    Examples:
      modelwatch alerts ack 3f9c0a4be1d27788 --comment "the feed is being mended"
    """
    path = f"/api/v1/alerts/{quote(alert_id, safe='')}/acknowledge"
    remote = Remote(url=collector, token_file=token_file)
    answer = post_json(path, remote, {"by": _who(by), "comment": comment})
    print_text(f"{answer['id']}: acknowledged by {answer['acknowledged']['by']}")


@commands.command()
def silence(
    duration: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long: 90s, 15m, 2h, 1d.")
    ],
    model: Annotated[str | None, typer.Option(metavar="PATTERN", help="Of these models.")] = None,
    version: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="Of these versions.")
    ] = None,
    rule: Annotated[str | None, typer.Option(metavar="PATTERN", help="By these rules.")] = None,
    severity: Annotated[str | None, typer.Option(help="Of this severity.")] = None,
    by: By = None,
    comment: Comment = "",
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Tell nobody of some alerts for a time; they are looked at all the same.

    In a pattern, * stands for any text.

    \b
    Examples:
      modelwatch alerts silence --model churn --for 2h --comment "load test"
      modelwatch alerts silence --rule "no data" --model "*" --for 1d
    """
    given = {"model": model, "version": version, "rule": rule, "severity": severity}
    matchers = {name: pattern for name, pattern in given.items() if pattern is not None}
    if not matchers:
        raise ConfigurationError(
            "nothing says what is to be silent: give --model, --version, --rule or --severity "
            "(--model '*' for all)."
        )
    body = {"matchers": matchers, "duration": duration, "by": _who(by), "comment": comment}
    remote = Remote(url=collector, token_file=token_file)
    answer = post_json("/api/v1/silences", remote, body)
    print_text(f"{answer['id']}: silent until {answer['until']}")


@commands.command()
def silences(collector: CollectorOption = None, token_file: TokenFileOption = None) -> None:
    """List the silences in force.

    \b
    Examples:
      modelwatch alerts silences
    """
    remote = Remote(url=collector, token_file=token_file)
    found = [s for s in get_json("/api/v1/silences", remote)["silences"] if s["in_force"]]
    if not found:
        print_text("No silences.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "of", "until", "by", "comment"):
        table.add_column(heading, overflow="fold")
    for one in found:
        chosen = ", ".join(f"{name} {pattern}" for name, pattern in one["matchers"].items())
        table.add_row(*map(Text, (one["id"], chosen, one["until"], one["by"], one["comment"])))
    print_renderable(table)


@commands.command()
def unsilence(
    silence_id: Annotated[str, typer.Argument(metavar="ID", help="The silence, as listed.")],
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """End a silence now.

    \b
    Examples:
      modelwatch alerts unsilence 77aa0f14c2d9e310
    """
    remote = Remote(url=collector, token_file=token_file)
    delete(f"/api/v1/silences/{quote(silence_id, safe='')}", remote)
    print_text(f"{silence_id}: ended")


@commands.command()
def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The configuration file.")
    ] = DEFAULT_CONFIG,
) -> None:
    """Check a configuration file, and say what it comes to; status 2 where it is wrong.

    \b
    Examples:
      modelwatch alerts check modelwatch.toml
    """
    found = _configuration(file)
    rules = ", ".join(rule.name for rule in found.rules) or "none"
    targets = ", ".join(f"{one.name} ({one.kind} {one.place})" for one in found.notify) or "none"
    print_text(f"{file} is right.")
    print_text(f"rules: {rules}")
    print_text(f"targets: {targets}")
    limits = ", ".join(f"{name} {most}" for name, most in found.limits.items()) or "the defaults"
    print_text(f"limits: {limits}")


@commands.command(name="test")
def try_(
    config: ConfigOption = None,
    notify: Annotated[str | None, typer.Option(metavar="NAME", help="This target alone.")] = None,
) -> None:
    """Send a test to all who are told of alerts, from here; status 1 where one fails.

    \b
    Examples:
      modelwatch alerts test
      modelwatch alerts test --config /etc/modelwatch.toml --notify oncall
    """
    import asyncio

    from modelwatch.collector.alerting.trial import try_targets

    path = config_path(config)
    if path is None:
        raise ConfigurationError(
            f"there is no {DEFAULT_CONFIG} here: name the configuration file with --config."
        )
    outcomes = asyncio.run(try_targets(_configuration(path), only=notify))
    for outcome in outcomes:
        print_text(f"{outcome.name} ({outcome.kind}): {outcome.said}")
    if not all(outcome.delivered for outcome in outcomes):
        raise typer.Exit(1)


def config_path(given: Path | None) -> Path | None:
    """Return the configuration file: what was given, or ``modelwatch.toml`` where it is here."""
    if given is not None:
        return given
    return DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None


def _configuration(path: Path) -> Configuration:
    from modelwatch.collector.alerting.configuration import read_configuration

    return read_configuration(path, os.environ)


def _who(given: str | None) -> str:
    if given:
        return given
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise ConfigurationError("this user has no name: say who with --by.") from None
