from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from modelwatch.report import charts
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.performance_chart import PerformancePoint, performance_spec

HOUR_NS = 3_600 * 10**9


AUC = PerformanceMetric(name="roc_auc")
ESTIMATED = replace(AUC, estimated=0.8, lower=0.7, upper=0.9)


def point(
    hour: int, metric: PerformanceMetric | None = None, *, coming: bool = False
) -> PerformancePoint:
    """Return an hour with what is known of a measure."""
    return PerformancePoint(
        start_ns=hour * HOUR_NS, end_ns=(hour + 1) * HOUR_NS, metric=metric, is_partial=coming
    )


def rows_of(spec: str | None) -> list[dict[str, Any]]:
    """Return what is drawn."""
    assert spec is not None
    (rows,) = (
        json.loads(spec)["datasets"].values()
        if "datasets" in json.loads(spec)
        else [json.loads(spec)["layer"][0]["data"]["values"]]
    )
    found: list[dict[str, Any]] = rows
    return found


def test_windows_are_drawn_at_their_middle_with_what_is_known() -> None:
    """A window without a value leaves a gap; one whose labels are coming is marked."""
    spec = performance_spec(
        [
            point(1, replace(ESTIMATED, reference=0.9, estimated_lower=0.7, estimated_upper=0.9)),
            point(2),
            point(3, replace(AUC, realized=0.6, lower=0.5, upper=0.7), coming=True),
        ]
    )
    first, gap, last = rows_of(spec)
    assert first["at"] == 5_400_000
    assert (first["estimated_low"], first["estimated_high"]) == (0.7, 0.9)
    assert gap.keys() == {"at", "start", "end"}
    assert (last["realized"], last["realized_low"], last["coming"]) == (0.6, 0.5, True)
    svg = charts.draw(spec or "")
    assert svg.startswith("<svg")
    assert "var(--mw-current)" in svg
    assert "stroke-dasharray" in svg


def test_an_interval_of_an_estimate_is_not_taken_for_that_of_labels() -> None:
    """Where nothing is realised, no realised band is drawn."""
    (row,) = rows_of(performance_spec([point(1, ESTIMATED)]))
    assert row.keys() == {"at", "start", "end", "estimated"}


def test_nothing_known_is_no_chart() -> None:
    """A baseline's value alone is nothing to draw."""
    assert performance_spec([]) is None
    assert performance_spec([point(1), point(2, replace(AUC, reference=0.9))]) is None
