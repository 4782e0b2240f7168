"""The JSON answers of the API, from what the store and the evaluation return. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from modelwatch.collector.evaluation import Assessment, state_of
from modelwatch.collector.store import Evaluation, VersionSeen
from modelwatch.collector.windows import NANOSECONDS, TimeWindow
from modelwatch.report.drift_report import DriftReport

__all__ = ["drift", "iso", "models", "windows"]


def iso(time_ns: int | None) -> str | None:
    """Return Unix nanoseconds as ISO 8601 in UTC, to the millisecond.

    >>> iso(1_700_000_000_500_000_000)
    '2023-11-14T22:13:20.500Z'
    """
    if time_ns is None:
        return None
    moment = datetime.fromtimestamp(time_ns / NANOSECONDS, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def models(seen: Iterable[VersionSeen]) -> dict[str, Any]:
    """Return the answer of ``/api/v1/models``."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for found in seen:
        grouped.setdefault(found.model, []).append(
            {
                "version": found.version,
                "rows": found.rows,
                "first_seen": iso(found.first_seen_ns),
                "last_seen": iso(found.last_seen_ns),
                "baseline_id": found.baseline_id,
            }
        )
    return {"models": [{"name": name, "versions": found} for name, found in grouped.items()]}


def drift(found: Assessment) -> dict[str, Any]:
    """Return the answer of ``.../drift``: the report's own fields, and what the window is."""
    return {
        **(found.report.to_dict() if found.report else {}),
        "state": found.state,
        "window": _window(found.window),
        "instances": found.instances,
        "other_bins": list(found.other_bins),
        "rows_apart": found.rows_apart,
        "profiles_left_out": found.unmergeable,
    }


def windows(
    model: str, version: str, window_seconds: int, evaluations: Iterable[Evaluation]
) -> dict[str, Any]:
    """Return the answer of ``.../windows``."""
    return {
        "model": model,
        "version": version,
        "window_seconds": window_seconds,
        "windows": [_evaluation(found) for found in evaluations],
    }


def _evaluation(found: Evaluation) -> dict[str, Any]:
    report = DriftReport.from_dict(json.loads(found.report))
    return {
        **_window(found.window),
        "baseline_id": found.baseline_id,
        "evaluated": iso(found.evaluated_ns),
        "rows": report.rows,
        "state": state_of(report),
        "drifted": report.drifted,
        "features": {
            name: {"severity": feature.severity, "psi": feature.psi}
            for name, feature in report.features.items()
        },
    }


def _window(window: TimeWindow) -> dict[str, Any]:
    return {
        "start": iso(window.start_ns),
        "end": iso(window.end_ns),
        "seconds": window.seconds,
    }
