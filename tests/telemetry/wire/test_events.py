from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from modelwatch.telemetry import names
from modelwatch.telemetry.wire import Event, decode_logs, encode_events

RESOURCE = {"service.name": "churn", "service.instance.id": "i-1"}


def sent(event: Event) -> LogRecord:
    """Return an event as a receiver reads it."""
    request = ExportLogsServiceRequest.FromString(encode_events([event], resource=RESOURCE))
    (resource,) = request.resource_logs
    assert {pair.key for pair in resource.resource.attributes} == RESOURCE.keys()
    (scope,) = resource.scope_logs
    assert scope.scope.name == names.SCOPE
    (record,) = scope.log_records
    return record


def test_an_event_keeps_its_trace() -> None:
    """Name, time and the span it belongs to arrive in their own fields, not as attributes."""
    record = sent(
        Event(names.OUTLIER, 5, trace_id=0xABC, span_id=0xDEF, trace_flags=1, body="unusual")
    )
    assert (record.event_name, record.time_unix_nano) == ("modelwatch.outlier", 5)
    assert record.trace_id == bytes.fromhex("00000000000000000000000000000abc")
    assert record.span_id == bytes.fromhex("0000000000000def")
    assert (record.flags, record.body.string_value) == (1, "unusual")
    assert not record.attributes


def test_an_event_without_a_trace_has_none() -> None:
    """Ids of zero are no ids, and are left out."""
    record = sent(Event(names.LABEL, 5))
    assert (record.trace_id, record.span_id, record.flags) == (b"", b"", 0)
    assert not record.HasField("body")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\ud800b", AnyValue(string_value="a?b")),
        (True, AnyValue(bool_value=True)),
        (-3, AnyValue(int_value=-3)),
        (2**70, AnyValue(double_value=2.0**70)),
        (-(10**400), AnyValue(double_value=float("-inf"))),
        (0.5, AnyValue(double_value=0.5)),
    ],
)
def test_each_type_of_value_arrives(value: Any, expected: AnyValue) -> None:
    """Scalars, alone and in a list; what does not fit comes as near as can be."""
    record = sent(Event(names.PREDICTION, 1, {"x": value, "many": [value, value]}))
    assert [pair.key for pair in record.attributes] == ["x", "many"]
    assert record.attributes[0].value == expected
    assert list(record.attributes[1].value.array_value.values) == [expected] * 2


def test_bodies_of_each_kind_arrive() -> None:
    """Text, bytes, or names with values."""
    assert sent(Event("e", 1, body=b"\0\1")).body.bytes_value == b"\0\1"
    (pair,) = sent(Event("e", 1, body={"score": 0.5})).body.kvlist_value.values
    assert (pair.key, pair.value.double_value) == ("score", 0.5)


def test_a_value_of_no_known_type_is_refused() -> None:
    """It is named."""
    odd: Any = {"x": object()}
    with pytest.raises(TypeError, match="object"):
        encode_events([Event("e", 1, odd)], resource=RESOURCE)


def test_no_events_are_no_message() -> None:
    """Nothing is sent for nothing."""
    assert encode_events([], resource=RESOURCE) == b""


def test_events_are_no_points() -> None:
    """A receiver of profiles passes over them."""
    decoded = decode_logs(encode_events([Event(names.OUTLIER, 5)], resource=RESOURCE))
    assert (decoded.arrivals, decoded.rejected, decoded.foreign) == ([], 0, 1)
