"""What performance is estimated from, on the wire."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

import modelwatch as mw
from modelwatch.profile import Profile
from modelwatch.telemetry import names
from modelwatch.telemetry.wire import (
    decode_logs,
    decode_metrics,
    encode_logs,
    encode_metrics,
)
from tests.labelled_tables import binary_table, fitted, regression_table, without
from tests.received_points import Point, assemble, points_in

RESOURCE = {"service.name": "m", "service.instance.id": "i-1"}
EVENTS = {"binary": names.PERFORMANCE_SCORES, "regression": names.PERFORMANCE_INPUTS}


@pytest.fixture(scope="session")
def baselines() -> dict[str, mw.Baseline]:
    """A classifier's and a regression's."""
    return {
        "binary": fitted(binary_table(0), score="score"),
        "regression": fitted(regression_table(0)),
    }


def window(baseline: mw.Baseline, table: dict[str, Any], *, end_ns: int = 60) -> Profile:
    """Return a window of a live service, which knows no labels."""
    profile = Profile.empty("m", "1", baseline=baseline, instance="i-1", start_ns=1)
    profile.update(without(table, "label"))
    profile.end_ns = end_ns
    return profile


def received(profile: Profile) -> list[Point]:
    """Send a window and return what arrives."""
    metrics = decode_metrics(encode_metrics(profile, resource=RESOURCE))
    logs = decode_logs(encode_logs(profile, resource=RESOURCE))
    assert (metrics.rejected, logs.rejected, metrics.foreign, logs.foreign) == (0, 0, 0, 0)
    return [*points_in(metrics), *points_in(logs)]


def tables(kind: str, seed: int, rows: int) -> dict[str, Any]:
    """Return rows of a kind."""
    return (binary_table if kind == "binary" else regression_table)(seed, rows)


@pytest.mark.parametrize("kind", EVENTS)
def test_estimates_survive_the_wire(kind: str, baselines: dict[str, mw.Baseline]) -> None:
    """A collector estimates what the service would, to the last digit."""
    sent = window(baselines[kind], tables(kind, 1, 500))
    (profile,) = assemble(received(sent))
    found = mw.compare(baselines[kind], profile).performance
    assert found == mw.compare(baselines[kind], sent).performance
    assert found["accuracy" if kind == "binary" else "mae"].estimated is not None


@pytest.mark.parametrize("kind", EVENTS)
def test_requests_may_be_cut_anywhere(kind: str, baselines: dict[str, mw.Baseline]) -> None:
    """However the points of a window are spread over requests, merging gives the window."""
    baseline = baselines[kind]
    points = received(window(baseline, tables(kind, 1, 500)))
    (whole,) = assemble(points)
    expected = mw.compare(baseline, whole).performance
    for cut in range(1, len(points), 7):
        parts = [profile for half in (points[:cut], points[cut:]) for profile in assemble(half)]
        merged = parts[0]
        for part in parts[1:]:
            merged = merged.merge(part)
        assert mw.compare(baseline, merged).performance == expected
    assert len({point.key for point in points}) == len(points)


@pytest.mark.parametrize("kind", EVENTS)
def test_windows_of_several_senders_merge(kind: str, baselines: dict[str, mw.Baseline]) -> None:
    """The estimate of all senders is that of all rows."""
    baseline = baselines[kind]
    parts = [tables(kind, seed, 300) for seed in (1, 2)]
    profiles = [
        assemble(received(window(baseline, table, end_ns=60 + at)))[0]
        for at, table in enumerate(parts)
    ]
    rows = {name: np.concatenate([part[name] for part in parts]).tolist() for name in parts[0]}
    found = mw.compare(baseline, profiles[0].merge(profiles[1])).performance
    expected = mw.compare(baseline, without(rows, "label")).performance
    for name, metric in expected.items():
        assert found[name].estimated == pytest.approx(metric.estimated, rel=1e-9)


def record_of(request: ExportLogsServiceRequest, event: str) -> LogRecord:
    """Return the record of an event."""
    records = request.resource_logs[0].scope_logs[0].log_records
    return next(one for one in records if one.event_name == event)


DAMAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no object": lambda body: [body],
    "empty": lambda body: {},
    "counts": lambda body: _with(body, "n", -1),
    "text": lambda body: _with(body, "n", "x"),
    "not finite": lambda body: _with(body, "means", [float("nan")]),
}


def _with(body: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    parts = [body.get("moments"), *(body.get("cells") or [])]
    for part in parts:
        if part:
            part[name if "n" in part else "counts"] = [value] if "counts" in part else value
    return body


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_body_is_rejected_alone(
    kind: str, damage: str, baselines: dict[str, mw.Baseline]
) -> None:
    """It is counted and its reason told; the other records of the request are taken."""
    sent = window(baselines[kind], tables(kind, 1, 300))
    request = ExportLogsServiceRequest.FromString(encode_logs(sent, resource=RESOURCE))
    record = record_of(request, EVENTS[kind])
    damaged = DAMAGES[damage](json.loads(record.body.string_value))
    record.body.string_value = json.dumps(damaged)
    decoded = decode_logs(request.SerializeToString())
    assert decoded.rejected == 1
    assert decoded.message.startswith(EVENTS[kind])
    assert len(points_in(decoded)) == 1


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"classes": 1e400}'])
def test_a_body_that_is_no_document_is_rejected(
    text: str, baselines: dict[str, mw.Baseline]
) -> None:
    """Whatever a body holds, the request is answered."""
    sent = window(baselines["binary"], binary_table(1, 300))
    request = ExportLogsServiceRequest.FromString(encode_logs(sent, resource=RESOURCE))
    record_of(request, names.PERFORMANCE_SCORES).body.string_value = text
    assert decode_logs(request.SerializeToString()).rejected == 1


def test_nothing_is_sent_where_there_is_nothing_to_estimate() -> None:
    """A model without labels in its baseline, or without outputs in its answers, sends no event."""
    blind = fitted(without(binary_table(0), "label"), score="score")
    labelled = fitted(binary_table(0), score="score")
    silent = window(labelled, without(binary_table(1, 300), "score", "predicted"))
    for profile in (window(blind, binary_table(1, 300)), silent):
        request = ExportLogsServiceRequest.FromString(encode_logs(profile, resource=RESOURCE))
        records = request.resource_logs[0].scope_logs[0].log_records
        assert [record.event_name for record in records] == [names.FEATURE_MOMENTS]


def test_the_event_is_small(baselines: dict[str, mw.Baseline]) -> None:
    """Scores of one class take 4 kB compressed, however many rows there are."""
    sent = window(baselines["binary"], binary_table(1, 20_000))
    request = ExportLogsServiceRequest.FromString(encode_logs(sent, resource=RESOURCE))
    body = record_of(request, names.PERFORMANCE_SCORES).body.string_value
    assert len(gzip.compress(body.encode())) < 4_000
