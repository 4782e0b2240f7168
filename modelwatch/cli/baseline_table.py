"""A baseline as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline, BaselineFeature

__all__ = ["baseline_table"]

SHOWN_CATEGORIES = 4
SHOWN_SEGMENTS = 6


def baseline_table(baseline: Baseline) -> Table:
    """Return a table with one row a feature, inputs first."""
    table = Table(
        title=f"{baseline.model} {baseline.version}",
        caption=Text(_caption(baseline)),
    )
    for heading in ("feature", "role", "kind"):
        table.add_column(heading)
    for heading in ("mean", "deviation", "missing"):
        table.add_column(heading, justify="right")
    weighted = any(feature.importance is not None for feature in baseline.features.values())
    if weighted:
        table.add_column("importance", justify="right")
    table.add_column("values")
    for name in (*baseline.inputs, *baseline.outputs):
        *cells, values = _cells(baseline, baseline.features[name])
        weight = baseline.features[name].importance
        shown = ["" if weight is None else f"{weight:.3g}"] if weighted else []
        table.add_row(*cells, *shown, values)
    return table


def _caption(baseline: Baseline) -> str:
    text = f"{baseline.rows} rows, baseline {baseline.id}"
    if not baseline.segments:
        return text
    named = [f"{name} ({profile.rows})" for name, profile in baseline.segments.items()]
    shown = ", ".join(named[:SHOWN_SEGMENTS])
    more = f", {len(named) - SHOWN_SEGMENTS} more" if len(named) > SHOWN_SEGMENTS else ""
    return f"{text}\nsegments by {baseline.segment}: {shown}{more}"


def _cells(baseline: Baseline, feature: BaselineFeature) -> tuple[str, ...]:
    profile = baseline.profile.features[feature.name]
    moments = profile.moments
    mean = "" if moments is None else f"{moments.mean:.4g}"
    deviation = "" if moments is None else f"{moments.standard_deviation:.4g}"
    missing = f"{profile.missing_rate:.2%}"
    return (feature.name, feature.role, feature.kind, mean, deviation, missing, _values(feature))


def _values(feature: BaselineFeature) -> str:
    if feature.categories is None:
        return f"{feature.limits.lower:.4g} to {feature.limits.upper:.4g}"
    shown = ", ".join(feature.categories[:SHOWN_CATEGORIES])
    more = len(feature.categories) - SHOWN_CATEGORIES
    return f"{shown}, {more} more" if more > 0 else shown
