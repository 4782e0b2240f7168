"""The JSON answers of the API, from what the store and the evaluation return. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from modelwatch.collector.evaluating.evaluation import Assessment, LiveReference, state_of
from modelwatch.collector.evaluating.persisting import EvaluatedWindow
from modelwatch.collector.storing.store import VersionSeen, WindowProfiles
from modelwatch.collector.windows import NANOSECONDS, TimeWindow
from modelwatch.model_fingerprint import parts_of_mismatch
from modelwatch.persistence import FeatureHistory, Persistence

__all__ = ["captured", "drift", "iso", "models", "window", "windows"]


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


def captured(observed: WindowProfiles, span: TimeWindow) -> dict[str, Any]:
    """Return the answer of ``.../captured``."""
    calls, dropped = Counter[str](), Counter[str]()
    for profile in observed.profiles.values():
        calls.update(profile.predictions)
        dropped.update(profile.dropped)
    return {
        "window": window(span),
        "instances": observed.instances,
        "calls": calls.total(),
        "error_types": {name: count for name, count in calls.items() if name},
        "rows": sum(profile.rows for profile in observed.profiles.values()),
        "dropped": dict(dropped),
    }


def drift(
    found: Assessment, histories: Iterable[FeatureHistory], persistence: Persistence
) -> dict[str, Any]:
    """Return the answer of ``.../drift``: the report's own fields, and what the window is.

    Args:
        found: what is known of the window.
        histories: what was found of its features in the finished windows that end by its end.
        persistence: by which of them a finding is persistent.
    """
    return {
        **(found.report.to_dict() if found.report else {}),
        "state": found.state,
        "window": window(found.window),
        "reference": _reference(found.against),
        "instances": found.instances,
        "error_trace_ids": {name: list(ids) for name, ids in found.traces.errors.items()},
        "fingerprint_mismatches": _parts(found),
        "other_bins": list(found.other_bins),
        "rebinned": dict(found.rebinned),
        "rows_apart": found.rows_apart,
        "profiles_left_out": found.unmergeable,
        "persistence": asdict(persistence),
        "persistent": _persistent(histories),
    }


def _parts(found: Assessment) -> list[str]:
    keys = found.current.mismatches if found.current else ()
    return sorted({parts_of_mismatch(key)[0] for key in keys})


def _reference(live: LiveReference | None) -> dict[str, Any]:
    if live is None:
        return {"kind": "baseline"}
    return {
        "kind": live.kind,
        "version": live.version,
        "window": window(live.window),
        "rows": live.rows,
        "rows_taken_as": "dependent" if live.dependence == "baseline" else "independent",
    }


def windows(
    model: str,
    version: str,
    window_seconds: int,
    evaluated: Iterable[EvaluatedWindow],
    persistence: Persistence,
) -> dict[str, Any]:
    """Return the answer of ``.../windows``."""
    return {
        "model": model,
        "version": version,
        "window_seconds": window_seconds,
        "persistence": asdict(persistence),
        "windows": [_evaluation(found) for found in evaluated],
    }


def _evaluation(found: EvaluatedWindow) -> dict[str, Any]:
    evaluation, summary = found.evaluation, found.evaluation.summary
    state = state_of(feature.severity for feature in summary.features.values())
    runs = summary.deployed.runs if summary.deployed else {}
    return {
        **window(evaluation.window),
        "baseline_id": evaluation.baseline_id,
        "evaluated": iso(evaluation.evaluated_ns),
        "rows": summary.rows,
        "state": state,
        "drifted": state == "drift",
        "verdict": summary.verdict,
        "features": {
            name: {
                "severity": feature.severity,
                "psi": feature.psi,
                "origin": runs[name].origin if name in runs else None,
                "since": iso(runs[name].since_ns) if name in runs else None,
            }
            for name, feature in summary.features.items()
        },
        "persistent": _persistent(found.histories),
    }


def _persistent(histories: Iterable[FeatureHistory]) -> dict[str, Any]:
    """Return what holds, by feature, worst first."""
    return {
        history.name: {
            "severity": history.severity,
            "found": history.found,
            "judged": history.judged,
        }
        for history in histories
        if history.persists
    }


def window(span: TimeWindow) -> dict[str, Any]:
    """Return start, end and length of a window."""
    return {
        "start": iso(span.start_ns),
        "end": iso(span.end_ns),
        "seconds": span.seconds,
    }
