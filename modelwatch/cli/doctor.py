"""``modelwatch doctor``: what is installed, what is set, and what answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from modelwatch.cli.collector_client import CollectorOption, Remote, TokenFileOption
from modelwatch.cli.console import print_renderable
from modelwatch.cli.installation import installed_versions, instrumentors, setting_values

if TYPE_CHECKING:
    from modelwatch.cli.checks import Check

__all__ = ["doctor"]

PROBLEM_STATUS = 1


def doctor(
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Look at this machine only; ask no server.")
    ] = False,
) -> None:
    """Tell what is installed, what is set, what answers, and which models send no rows.

    Exit status: 0 all is well, 1 something is wrong, 2 an error.

    Secrets are masked: the output can be pasted into a bug report.

    \b
    Examples:
      modelwatch doctor
      modelwatch doctor --collector http://10.0.0.5:4319
    """
    from modelwatch.cli.checks import (
        check_captures,
        check_collector,
        check_environment_watch,
        check_otlp_endpoints,
        check_settings,
    )

    checks = [check_settings(), check_environment_watch()]
    if not offline:
        remote = Remote(url=collector, token_file=token_file)
        reached = check_collector(remote)
        checks += [reached, *check_otlp_endpoints()]
        checks += [] if reached.problem else check_captures(remote)
    print_renderable(_packages_table())
    print_renderable(_instrumentors_table())
    print_renderable(_settings_table())
    print_renderable(_checks_table(checks))
    if any(check.problem for check in checks):
        raise typer.Exit(PROBLEM_STATUS)


def _packages_table() -> Table:
    table = Table("package", "version", title="Packages")
    for name, version in installed_versions().items():
        table.add_row(name, version or Text("not installed", style="dim"))
    return table


def _instrumentors_table() -> Table:
    table = Table("instrumentor", "state", title="Found by opentelemetry-instrument")
    for name, missing in instrumentors().items():
        table.add_row(name, Text(f"needs {missing}", style="dim") if missing else "ready")
    return table


def _settings_table() -> Table:
    table = Table("variable", "value", "from", title="Settings")
    for name, (value, source) in setting_values().items():
        table.add_row(name, value, source)
    return table


def _checks_table(checks: list[Check]) -> Table:
    table = Table("check", "result", title="Checks")
    for check in checks:
        problem = Text(check.problem, style="red")
        table.add_row(check.name, problem if check.problem else Text("ok", style="green"))
    return table
