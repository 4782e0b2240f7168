"""OTLP messages to arrivals.

What is no metric or event of ours is passed over; what is ours but cannot be used is rejected,
with the reason, and does not spoil the rest of the request.
"""

from __future__ import annotations

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from modelwatch.errors import UndecodableTelemetry
from modelwatch.telemetry.wire.arrivals import Decoded
from modelwatch.telemetry.wire.identities import sender_of
from modelwatch.telemetry.wire.point_reading import PointReader
from modelwatch.telemetry.wire.quick_reading import read_quickly

__all__ = ["decode_logs", "decode_metrics", "parse_metrics"]


def decode_metrics(body: bytes, *, cumulative: bool = False) -> Decoded:
    """Read a serialised ``ExportMetricsServiceRequest``.

    A request is read from its bytes where they are laid out as protobuf libraries do, which takes
    a tenth of the time of `parse_metrics`; the outcome is the same.

    Args:
        body: the message.
        cumulative: whether points of cumulative temporality are taken too, in arrivals that say
            so; otherwise they are rejected.

    Raises:
        UndecodableTelemetry: where the bytes are no such message.
    """
    decoded = Decoded()
    reader = PointReader(decoded, cumulative=cumulative)
    if not read_quickly(body, reader):
        return parse_metrics(body, cumulative=cumulative)
    decoded.arrivals.extend(reader.groups.arrivals(decoded))
    return decoded


def parse_metrics(body: bytes, *, cumulative: bool = False) -> Decoded:
    """Do what `decode_metrics` does, however the message is laid out."""
    request = ExportMetricsServiceRequest()
    _parse(request, body)
    decoded = Decoded()
    reader = PointReader(decoded, cumulative=cumulative)
    for resource_metrics in request.resource_metrics:
        sender = sender_of(resource_metrics.resource)
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                reader.read_metric(metric, sender)
    decoded.arrivals.extend(reader.groups.arrivals(decoded))
    return decoded


def decode_logs(body: bytes) -> Decoded:
    """Read a serialised ``ExportLogsServiceRequest``.

    Raises:
        UndecodableTelemetry: where the bytes are no such message.
    """
    request = ExportLogsServiceRequest()
    _parse(request, body)
    decoded = Decoded()
    reader = PointReader(decoded)
    for resource_logs in request.resource_logs:
        sender = sender_of(resource_logs.resource)
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                reader.read_record(record, sender)
    decoded.arrivals.extend(reader.groups.arrivals(decoded))
    return decoded


def _parse(request: Message, body: bytes) -> None:
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        name = type(request).__name__
        raise UndecodableTelemetry(
            f"{len(body)} bytes are no {name}: send OTLP in protobuf encoding."
        ) from error
