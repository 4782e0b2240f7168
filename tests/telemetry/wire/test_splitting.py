from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from modelwatch.profile import Profile
from modelwatch.telemetry import names
from modelwatch.telemetry.wire import (
    Event,
    SelfMetrics,
    decode_metrics,
    encode_events,
    encode_metrics,
)
from modelwatch.telemetry.wire.splitting import halves
from tests.received_points import assemble, points_in


def pieces(body: bytes, limit: int) -> list[bytes]:
    """Halve a message of metrics until each piece is small or cannot be halved."""
    parts = halves("metrics", body) if len(body) > limit else None
    return [body] if parts is None else [piece for part in parts for piece in pieces(part, limit)]


def named(body: bytes) -> set[str]:
    """Return the names of the metrics in a message."""
    (resource,) = ExportMetricsServiceRequest.FromString(body).resource_metrics
    return {metric.name for metric in resource.scope_metrics[0].metrics}


@given(st.integers(1, 3_000))
def test_pieces_hold_what_the_whole_does(limit: int) -> None:
    """Each point is in exactly one of the pieces, and what is told of rows is in one together."""
    profile = Profile.empty("m", "1", start_ns=1)
    profile.update({"x": [0.5, 1.5], "y": [3.0, None], "c": ["a", "b"]})
    profile.record_calls([0.1, 0.2], {"ValueError": 1})
    profile.end_ns = 2
    own = SelfMetrics(export_failures={"refused": 1, "unreachable": 2})
    body = encode_metrics(profile, resource={"service.name": "s"}, own=own)
    parts = pieces(body, limit)
    points = [point for part in parts for point in points_in(decode_metrics(part))]
    assert sorted(point.key for point in points) == sorted(
        point.key for point in points_in(decode_metrics(body))
    )
    told = [{names.ROWS_CAPTURED, names.EXPORT_FAILURES} & named(part) for part in parts]
    assert len([found for found in told if found]) == 1
    (found,) = assemble(points)
    assert (found.rows, found.predictions) == (profile.rows, profile.predictions)


@pytest.mark.parametrize("size", [2, 3, 10])
def test_records_are_halved(size: int) -> None:
    """Log records stay in order, with the resource in both halves."""
    events = [Event("e", number + 1) for number in range(size)]
    parts = halves("logs", encode_events(events, resource={"service.name": "s"}))
    assert parts is not None
    times: list[int] = []
    for part in parts:
        (resource,) = ExportLogsServiceRequest.FromString(part).resource_logs
        assert resource.resource.attributes[0].value.string_value == "s"
        times += [record.time_unix_nano for record in resource.scope_logs[0].log_records]
    assert times == list(range(1, size + 1))
    assert abs(len(parts[0]) - len(parts[1])) < len(parts[0])


def test_one_item_cannot_be_halved() -> None:
    """There is no smaller message then."""
    assert halves("logs", encode_events([Event("e", 1)], resource={})) is None
    assert halves("metrics", b"") is None
