"""A baseline as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline, BaselineFeature

__all__ = ["baseline_table"]

SHOWN_CATEGORIES = 4


def baseline_table(baseline: Baseline) -> Table:
    """Return a table with one row a feature, inputs first."""
    table = Table(
        title=f"{baseline.model} {baseline.version}",
        caption=f"{baseline.rows} rows, baseline {baseline.id}",
    )
    for heading in ("feature", "role", "kind"):
        table.add_column(heading)
    for heading in ("mean", "deviation", "missing"):
        table.add_column(heading, justify="right")
    table.add_column("values")
    for name in (*baseline.inputs, *baseline.outputs):
        table.add_row(*_cells(baseline, baseline.features[name]))
    return table


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
