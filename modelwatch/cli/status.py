"""``modelwatch status``: the models that a collector knows, and how they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from modelwatch.cli.collector_client import (
    Collector,
    CollectorOption,
    Remote,
    TokenFileOption,
    collector_url,
    get_json,
    get_pages,
    version_path,
)
from modelwatch.cli.console import print_renderable, print_text

__all__ = ["VersionStatus", "status", "status_table"]

SHOWN_FEATURES = 4

_STYLES = {"drift": "bold red", "no_drift": "green", "warning": "yellow"}


@dataclass(frozen=True, kw_only=True)
class VersionStatus:
    """One version of a model, and the verdict on its last finished window.

    Attributes:
        rows: rows received in all.
        last_seen: end of its latest profile, ISO 8601; None without data.
        state: what the collector found: drift, warning, no_drift, insufficient_data, no_baseline,
            or not_evaluated where no window has been judged yet.
        features: names of the features that the state speaks of.
    """

    model: str
    version: str
    rows: int
    last_seen: str | None
    state: str
    features: tuple[str, ...]


def status(collector: CollectorOption = None, token_file: TokenFileOption = None) -> None:
    """List the models that the collector knows, and their verdicts.

    The verdict is that on the last finished window.

    \b
    Examples:
      modelwatch status
      modelwatch status --collector http://10.0.0.5:4319
    """
    versions = list(_versions(Remote(url=collector, token_file=token_file)))
    if versions:
        print_renderable(status_table(versions))
    else:
        print_text(f"The collector at {collector_url(collector)} has received nothing yet.")


def status_table(versions: list[VersionStatus]) -> Table:
    """Return a table with one row a version."""
    table = Table(title="Models")
    for heading in ("model", "version", "verdict", "features", "last data"):
        table.add_column(heading)
    table.add_column("rows", justify="right")
    for found in versions:
        verdict = Text(found.state.replace("_", " "), style=_STYLES.get(found.state, "dim"))
        shown = ", ".join(found.features[:SHOWN_FEATURES])
        more = len(found.features) - SHOWN_FEATURES
        features = f"{shown}, {more} more" if more > 0 else shown
        last_seen = found.last_seen or "never"
        table.add_row(
            Text(found.model),
            Text(found.version),
            verdict,
            Text(features),
            last_seen,
            str(found.rows),
        )
    return table


def _versions(collector: Collector) -> Iterator[VersionStatus]:
    for model in get_pages("/api/v1/models", "models", collector):
        for version in model["versions"]:
            state, features = _verdict(model["name"], version, collector)
            yield VersionStatus(
                model=model["name"],
                version=version["version"],
                rows=version["rows"],
                last_seen=version["last_seen"],
                state=state,
                features=features,
            )


def _verdict(
    model: str, version: dict[str, Any], collector: Collector
) -> tuple[str, tuple[str, ...]]:
    if version["baseline_id"] is None:
        return "no_baseline", ()
    path = f"{version_path(model, version['version'])}/windows"
    windows = get_json(path, collector, parameters={"limit": "1"})["windows"]
    if not windows:
        return "not_evaluated", ()
    last = windows[-1]
    severity = last["state"]
    return severity, tuple(
        name for name, found in last["features"].items() if found["severity"] == severity
    )
