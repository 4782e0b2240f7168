from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, NumberDataPoint, Sum

from modelwatch.collector.receiving.json_messages import MOST_DEPTH, from_json
from modelwatch.errors import UndecodableTelemetry
from modelwatch.telemetry.wire import decode_metrics
from tests.collector.conftest import Traffic


def otlp_json(message: Message) -> bytes:
    """Return a message without ids as OTLP's JSON, by protobuf's own printer."""
    return json.dumps(MessageToDict(message, use_integers_for_enums=True)).encode()


def read(message: Message, document: Any) -> Any:
    """Return a message read from a document."""
    from_json(json.dumps(document).encode(), message)
    return message


def test_reads_what_protobuf_prints(traffic: Traffic) -> None:
    """An export in JSON is the same message as in protobuf, and tells the same points."""
    sent = ExportMetricsServiceRequest.FromString(traffic.body())
    found = ExportMetricsServiceRequest()
    from_json(otlp_json(sent), found)
    assert found == sent
    told = decode_metrics(found.SerializeToString()).arrivals
    assert sum(arrival.points for arrival in told) == traffic.points()


def test_ids_are_hexadecimal() -> None:
    """Ids of traces and spans are hexadecimal, in either case; other bytes are base64."""
    span = {"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174"}
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    (found,) = read(ExportTraceServiceRequest(), document).resource_spans[0].scope_spans[0].spans
    assert found.trace_id.hex() == span["traceId"].lower()
    assert found.span_id.hex() == span["spanId"]
    packed = {"bytesValue": base64.b64encode(b"\x00\xff").decode()}
    assert read(AnyValue(), packed).bytes_value == b"\x00\xff"


@pytest.mark.parametrize("value", ["18446744073709551615", 18446744073709551615])
def test_integers_are_texts_or_numbers(value: Any) -> None:
    """64-bit integers are read from texts and numbers, each to the last digit."""
    assert read(HistogramDataPoint(), {"count": value}).count == 2**64 - 1
    assert read(HistogramDataPoint(), {"bucketCounts": ["1", 2, 3.0]}).bucket_counts == [1, 2, 3]


def test_unknown_fields_and_nulls_are_passed_over() -> None:
    """What a newer release tells does not spoil what is known; null is as if not told."""
    document = {"asInt": "3", "newField": {"a": [1]}, "attributes": None, "timeUnixNano": None}
    assert read(NumberDataPoint(), document) == NumberDataPoint(as_int=3)


def test_names_are_taken_in_both_forms() -> None:
    """Fields are known by lowerCamelCase, and by their own names."""
    assert read(Sum(), {"isMonotonic": True}) == read(Sum(), {"is_monotonic": True})


def test_an_empty_message_is_told() -> None:
    """An empty object of a field is a message that is there."""
    assert read(AnyValue(), {"arrayValue": {}}).WhichOneof("value") == "array_value"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"null", b"{", b"\xff", b'{"resourceMetrics": {}}', b'{"resourceMetrics": [1]}',
        b'{"resourceMetrics": [{"schemaUrl": 5}]}',
        b'{"resourceMetrics": [{"schemaUrl": "\\ud800"}]}',
        b'{"resourceMetrics": [{"resource": {"droppedAttributesCount": -1}}]}',
        b'{"resourceMetrics": [{"resource": {"droppedAttributesCount": 1.5}}]}',
        b'{"resourceMetrics": [{"resource": {"droppedAttributesCount": NaN}}]}',
        b'{"resourceMetrics": [{"resource": {"droppedAttributesCount": true}}]}',
        b"[" * 100_000,
        b'{"resourceMetrics": [{"schemaUrl": 1' + b"0" * 5_000 + b"}]}",
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(content: bytes) -> None:
    """Every document that is no such message is refused with one kind of error."""
    with pytest.raises(UndecodableTelemetry, match="JSON"):
        from_json(content, ExportMetricsServiceRequest())


def test_depth_is_bounded() -> None:
    """Values within values are read only so far as protobuf would read them."""
    document: dict[str, Any] = {"intValue": 1}
    for _ in range(MOST_DEPTH):
        document = {"arrayValue": {"values": [document]}}
    with pytest.raises(UndecodableTelemetry, match="deep"):
        read(AnyValue(), document)


def test_enums_are_numbers() -> None:
    """An enum is a number; its name, which protobuf's own JSON has, is refused."""
    assert read(Sum(), {"aggregationTemporality": 1}).aggregation_temporality == 1
    with pytest.raises(UndecodableTelemetry, match="aggregationTemporality"):
        read(Sum(), {"aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA"})


@given(st.lists(st.floats(allow_nan=False)), st.lists(st.integers(0, 2**64 - 1)))
def test_numbers_survive(bounds: list[float], counts: list[int]) -> None:
    """Every number is read as it was printed, infinities too."""
    sent = HistogramDataPoint(explicit_bounds=bounds, bucket_counts=counts)
    found = HistogramDataPoint()
    from_json(otlp_json(sent), found)
    assert found == sent
