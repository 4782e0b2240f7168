"""The chart of one measure of performance over time: baseline, estimated and realised, as SVG."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from modelwatch.report.charts import axis, configuration
from modelwatch.report.findings import PerformanceMetric

__all__ = ["HEIGHT", "WIDTH", "PerformancePoint", "performance_spec"]

WIDTH, HEIGHT = 860, 240
"""Size of the chart in CSS pixels, axes included."""

_MILLISECOND_NS = 1_000_000
_AXIS_EXTENT = 48
_TIME_LABEL = (
    "utchours(datum.value) + utcminutes(datum.value) === 0 "
    "? utcFormat(datum.value, '%d %b') : utcFormat(datum.value, '%H:%M')"
)


@dataclass(frozen=True, kw_only=True)
class PerformancePoint:
    """One window of the chart.

    Attributes:
        start_ns: its start, Unix nanoseconds.
        end_ns: its end.
        metric: what is known of the measure; None where nothing is.
        is_partial: whether labels of the window are still coming in.
    """

    start_ns: int
    end_ns: int
    metric: PerformanceMetric | None
    is_partial: bool = False


def performance_spec(points: Sequence[PerformancePoint]) -> str | None:
    """Describe the chart as Vega-Lite JSON, or None where no point has a value.

    Equal points give equal text, which is what drawings are cached by.

    Args:
        points: windows, oldest first.
    """
    rows = [_row(point) for point in points]
    if not any(row.keys() & {"estimated", "realized"} for row in rows):
        return None
    data = alt.InlineData(values=rows)
    layers = [
        *_coming(data, rows),
        *_reference(data, rows),
        *_series(data, rows, "estimated", color="var(--mw-axis)", dash=[5, 4]),
        *_series(data, rows, "realized", color="var(--mw-current)", dash=[1, 0]),
    ]
    chart = alt.layer(*layers).properties(
        width=WIDTH,
        height=HEIGHT,
        autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        padding=2,
    )
    return json.dumps(chart.configure(**configuration()).to_dict(), sort_keys=True)


def _row(point: PerformancePoint) -> dict[str, Any]:
    """Return what is drawn of a window, at its middle; what is not known is left out."""
    metric = point.metric
    start, end = point.start_ns // _MILLISECOND_NS, point.end_ns // _MILLISECOND_NS
    row: dict[str, Any] = {"at": (start + end) // 2, "start": start, "end": end}
    if point.is_partial:
        row["coming"] = True
    if metric is None:
        return row
    values = {
        "reference": metric.reference,
        "reference_low": metric.reference_lower,
        "reference_high": metric.reference_upper,
        "estimated": metric.estimated,
        "estimated_low": metric.estimated_lower,
        "estimated_high": metric.estimated_upper,
    }
    if metric.realized is not None:
        values |= {
            "realized": metric.realized,
            "realized_low": metric.lower,
            "realized_high": metric.upper,
        }
    return row | {name: round(value, 9) for name, value in values.items() if value is not None}


def _x() -> alt.X:
    return alt.X(
        "at:T",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=axis(tickCount=8, labelFlush=True, labelOverlap=True, labelExpr=_TIME_LABEL),
    )


def _y(field: str) -> alt.Y:
    return alt.Y(
        f"{field}:Q",
        title=None,
        scale=alt.Scale(zero=False, nice=True),
        axis=axis(tickCount=5, grid=True, minExtent=_AXIS_EXTENT),
    )


def _coming(data: alt.InlineData, rows: Sequence[dict[str, Any]]) -> list[alt.Chart]:
    """Return grey columns where labels are still coming in."""
    if not any("coming" in row for row in rows):
        return []
    columns = alt.Chart(data).transform_filter("datum.coming === true")
    found: alt.Chart = columns.mark_rect(color="var(--mw-rule)", opacity=0.4).encode(
        x=alt.X("start:T", title=None, scale=alt.Scale(type="utc")), x2="end:T"
    )
    return [found]


def _reference(data: alt.InlineData, rows: Sequence[dict[str, Any]]) -> list[alt.Chart]:
    if not any("reference" in row for row in rows):
        return []
    known = alt.Chart(data).transform_filter("isValid(datum.reference)")
    line: alt.Chart = known.mark_line(color="var(--mw-reference)", strokeWidth=2).encode(
        x=_x(), y=_y("reference")
    )
    if not any("reference_low" in row for row in rows):
        return [line]
    banded = known.transform_filter("isValid(datum.reference_low)")
    band: alt.Chart = banded.mark_area(color="var(--mw-reference)", opacity=0.35).encode(
        x=_x(), y=_y("reference_low"), y2="reference_high:Q"
    )
    return [band, line]


def _series(
    data: alt.InlineData, rows: Sequence[dict[str, Any]], name: str, *, color: str, dash: list[int]
) -> list[alt.Chart]:
    """Return a band and a line with a point a window; windows without a value break the line."""
    if not any(name in row for row in rows):
        return []
    layers = []
    if any(f"{name}_low" in row for row in rows):
        banded = alt.Chart(data).mark_area(color=color, opacity=0.14)
        layers.append(banded.encode(x=_x(), y=_y(f"{name}_low"), y2=f"{name}_high:Q"))
    line = alt.Chart(data).mark_line(color=color, strokeWidth=1.8, strokeDash=dash)
    dots = alt.Chart(data).transform_filter(f"isValid(datum.{name})")
    layers.append(line.encode(x=_x(), y=_y(name)))
    size = 26 if name == "realized" else 12
    layers.append(dots.mark_point(color=color, filled=True, size=size, opacity=1).encode(
        x=_x(), y=_y(name)
    ))  # fmt: skip
    return layers
