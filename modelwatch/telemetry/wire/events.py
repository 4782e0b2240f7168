"""Events: single things that happened, sent as OTLP log records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from modelwatch.telemetry import names
from modelwatch.telemetry.wire.attributes import (
    AttributeValue,
    Scalar,
    any_value,
    key_values,
    resource_message,
)

__all__ = ["Event", "encode_events"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        name: of which sort, as in `modelwatch.telemetry.names`.
        time_ns: when, Unix nanoseconds.
        attributes: what is known of it.
        trace_id: the trace that it belongs to; 0 for none.
        span_id: the span, likewise.
        trace_flags: of that span.
        body: what does not go into attributes, or None.
        tells: of how many things it tells, as one of predictions does of many.
    """

    name: str
    time_ns: int
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    trace_id: int = 0
    span_id: int = 0
    trace_flags: int = 0
    body: str | bytes | Mapping[str, AttributeValue] | None = None
    tells: int = 1


def encode_events(events: Sequence[Event], *, resource: Mapping[str, Scalar]) -> bytes:
    """Return an ``ExportLogsServiceRequest``, serialised; empty bytes where there are no events.

    Args:
        events: what happened.
        resource: attributes of the process.

    Raises:
        TypeError: where a value is of a type that no attribute has.
    """
    if not events:
        return b""
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add(resource=resource_message(resource)).scope_logs.add(
        scope=InstrumentationScope(name=names.SCOPE)
    )
    scope.log_records.extend(_record(event) for event in events)
    return request.SerializeToString()


def _record(event: Event) -> LogRecord:
    record = LogRecord(
        time_unix_nano=event.time_ns,
        observed_time_unix_nano=event.time_ns,
        event_name=event.name,
        attributes=key_values(event.attributes),
        body=None if event.body is None else any_value(event.body),
    )
    if event.trace_id:
        record.trace_id = event.trace_id.to_bytes(16, "big")
        record.flags = event.trace_flags
        if event.span_id:
            record.span_id = event.span_id.to_bytes(8, "big")
    return record
