"""How many predictions of a model have a label, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from modelwatch.cli.collector_client import Collector, get_json, get_pages, version_path
from modelwatch.errors import CollectorError

__all__ = ["coverage_of", "coverage_table", "delay_words", "waiting_words"]

_UNITS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def coverage_of(
    model: str, version: str | None, window: str, collector: Collector
) -> list[dict[str, Any]]:
    """Return what the collector answers of each version, or of one.

    Args:
        model: the model's name.
        version: one of its versions; all where None.
        window: of which predictions, such as ``7d``.
        collector: whom to ask.

    Raises:
        CollectorError: it cannot be reached or refuses, or does not know the model.
    """
    versions = [version] if version is not None else _versions(model, collector)
    return [
        get_json(f"{version_path(model, one)}/labels", collector, parameters={"window": window})
        for one in versions
    ]


def coverage_table(model: str, window: str, found: Sequence[dict[str, Any]]) -> Table:
    """Return a table with one row a version."""
    table = Table(title=Text(f"{model}: predictions of the last {window}"))
    table.add_column("version")
    for heading in ("predictions", "labelled", "share", "half known by", "90% known by"):
        table.add_column(heading, justify="right")
    for one in found:
        delays = one["delay_seconds"] or {}
        share = one["coverage"]
        table.add_row(
            Text(one["version"]),
            f"{one['predictions']:,}",
            f"{one['labelled']:,}",
            "" if share is None else f"{share:.1%}",
            *(delay_words(delays.get(part)) for part in ("p50", "p90")),
        )
    return table


def waiting_words(found: Sequence[dict[str, Any]]) -> str:
    """Return what is to be said of labels without a prediction."""
    waiting = found[0]["of_model"]["waiting"] if found else 0
    return f"{waiting:,} labels of the model wait for their prediction."


def delay_words(seconds: float | None) -> str:
    """Return a delay in the largest unit of which it is one or more.

    >>> delay_words(5400.0), delay_words(30.0), delay_words(None)
    ('1.5 h', '30.0 s', '')
    """
    if seconds is None:
        return ""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def _versions(model: str, collector: Collector) -> list[str]:
    known = {
        one["name"]: [version["version"] for version in one["versions"]]
        for one in get_pages("/api/v1/models", "models", collector)
    }
    if model not in known:
        named = ", ".join(known) or "none"
        raise CollectorError(f"there is no model {model!r}. Known models: {named}.")
    return known[model]
