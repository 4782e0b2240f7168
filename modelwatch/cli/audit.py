"""``modelwatch audit``: who changed what at a collector."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from modelwatch.cli.collector_client import CollectorOption, Remote, TokenFileOption, get_json
from modelwatch.cli.console import print_renderable, print_text

__all__ = ["audit", "audit_table"]


def audit(
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many acts at most.")] = 50,
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """List the latest acts of admins, newest first: who, what, when, from where, what came of it.

    Needs a token with the scope admin, where the collector asks for tokens.

    \b
    Examples:
      modelwatch audit
      modelwatch audit --limit 500
    """
    remote = Remote(url=collector, token_file=token_file)
    entries = get_json("/api/v1/audit", remote, parameters={"limit": str(limit)})["entries"]
    if entries:
        print_renderable(audit_table(entries))
    else:
        print_text("Nothing was changed yet.")


def audit_table(entries: list[dict[str, Any]]) -> Table:
    """Return a table with one row an act."""
    table = Table(title="Acts")
    for heading in ("at", "who", "what", "outcome"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        at, _, time_of_day = str(entry["at"]).partition("T")
        who = f"{entry['who']}\n{entry['address']}"
        what = f"{entry['act']} {entry['target']}"
        table.add_row(*map(Text, (f"{at}\n{time_of_day}", who, what, str(entry["outcome"]))))
    return table
