"""OTLP messages to points.

What is no metric or event of ours is passed over; what is ours but cannot be used is rejected,
with the reason, and does not spoil the rest of the request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from modelwatch.errors import ModelwatchError, UndecodableTelemetry
from modelwatch.profile import Profile
from modelwatch.telemetry import names
from modelwatch.telemetry.wire import folding, performance_folding
from modelwatch.telemetry.wire.points import Decoded, Point, Window

__all__ = ["decode_logs", "decode_metrics"]

Attributes = Mapping[str, Any]
Fold = Callable[[Profile], None]
Reader = Callable[[Any, Attributes], Fold]

SUMS: Final[Mapping[str, Reader]] = {
    names.FEATURE_CATEGORIES: folding.categories,
    names.FEATURE_MISSING: folding.missing,
    names.FEATURE_OUTLIERS: folding.outliers,
    names.PREDICTIONS: folding.predictions,
    names.ROWS_CAPTURED: folding.rows_captured,
    names.ROWS_OUTLYING: folding.rows_outlying,
    names.ROWS_DROPPED: folding.rows_dropped,
    names.EXPORT_FAILURES: folding.nothing,
}
HISTOGRAMS: Final[Mapping[str, Reader]] = {
    names.FEATURE_VALUE: folding.histogram,
    names.PREDICTION_DURATION: folding.duration,
}
EXPONENTIAL_HISTOGRAMS: Final[Mapping[str, Reader]] = {
    names.FEATURE_VALUE: folding.exponential_histogram,
}
EVENTS: Final[Mapping[str, Reader]] = {
    names.FEATURE_MOMENTS: folding.moments,
    names.PERFORMANCE_SCORES: performance_folding.scores,
    names.PERFORMANCE_INPUTS: performance_folding.inputs,
}
OURS: Final = SUMS.keys() | HISTOGRAMS.keys()


def decode_metrics(body: bytes) -> Decoded:
    """Read a serialised ``ExportMetricsServiceRequest``.

    Raises:
        UndecodableTelemetry: where the bytes are no such message.
    """
    request = ExportMetricsServiceRequest()
    _parse(request, body)
    decoded = Decoded()
    for resource_metrics in request.resource_metrics:
        resource = _attributes(resource_metrics.resource.attributes)
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                _decode_metric(metric, resource, decoded)
    return decoded


def decode_logs(body: bytes) -> Decoded:
    """Read a serialised ``ExportLogsServiceRequest``.

    Raises:
        UndecodableTelemetry: where the bytes are no such message.
    """
    request = ExportLogsServiceRequest()
    _parse(request, body)
    decoded = Decoded()
    for resource_logs in request.resource_logs:
        resource = _attributes(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                reader = EVENTS.get(record.event_name)
                if reader is None:
                    decoded.foreign += 1
                    continue
                attributes = _attributes(record.attributes)
                times = (attributes.get(names.WINDOW_START, 0), record.time_unix_nano)
                _add(decoded, record.event_name, resource, attributes, times, record, reader)
    return decoded


def _parse(request: Message, body: bytes) -> None:
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        name = type(request).__name__
        raise UndecodableTelemetry(
            f"{len(body)} bytes are no {name}: send OTLP in protobuf encoding."
        ) from error


def _decode_metric(metric: otlp.Metric, resource: Attributes, decoded: Decoded) -> None:
    kind = metric.WhichOneof("data")
    points = list(_points(metric, kind))
    if metric.name not in OURS:
        decoded.foreign += len(points)
        return
    readers = {
        "sum": SUMS,
        "histogram": HISTOGRAMS,
        "exponential_histogram": EXPONENTIAL_HISTOGRAMS,
    }
    reader = readers.get(kind or "", {}).get(metric.name)
    if reader is None:
        decoded.reject(f"{metric.name} cannot be a {kind}.", max(len(points), 1))
        return
    data = getattr(metric, str(kind))
    if data.aggregation_temporality != otlp.AGGREGATION_TEMPORALITY_DELTA:
        decoded.reject(
            f"{metric.name} is not of delta temporality: set "
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta at the sender.",
            len(points),
        )
        return
    for point in points:
        attributes = _attributes(point.attributes)
        times = (point.start_time_unix_nano, point.time_unix_nano)
        _add(decoded, metric.name, resource, attributes, times, point, reader)


def _points(metric: otlp.Metric, kind: str | None) -> Iterator[Any]:
    if kind is not None:
        yield from getattr(metric, kind).data_points


def _add(
    decoded: Decoded,
    name: str,
    resource: Attributes,
    attributes: Attributes,
    times: tuple[int, int],
    point: Any,
    reader: Reader,
) -> None:
    """Read one point of ours, or reject it."""
    try:
        window = _window(resource, attributes, times)
        fold = reader(point, attributes)
    except (ModelwatchError, KeyError, TypeError, ValueError) as error:
        reason = f"lacks attribute {error}" if isinstance(error, KeyError) else str(error)
        decoded.reject(f"{name}: {reason}")
        return
    key = _key(name, resource, attributes, times)
    decoded.points.append(Point(key, window, fold))


def _window(resource: Attributes, attributes: Attributes, times: tuple[int, int]) -> Window:
    start_ns, end_ns = times
    if not 0 < end_ns < 2**63 or not 0 <= start_ns <= end_ns:
        raise ValueError(f"its times {start_ns} to {end_ns} are no window of Unix nanoseconds")
    return Window(
        model=_text(attributes[names.MODEL_NAME]),
        version=_text(attributes[names.MODEL_VERSION]),
        instance=_text(resource.get(names.SERVICE_INSTANCE_ID, "")),
        segment=_text(attributes.get(names.SEGMENT, "")),
        baseline_id=_text(attributes.get(names.BASELINE_ID, "")),
        start_ns=start_ns or end_ns,
        end_ns=end_ns,
    )


def _key(name: str, resource: Attributes, attributes: Attributes, times: tuple[int, int]) -> int:
    identity = (name, sorted(resource.items()), sorted(attributes.items()), times)
    digest = hashlib.blake2b(repr(identity).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"attribute value {value!r} is no text")
    return value


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return tuple(_value(item) for item in value.array_value.values)
    if kind == "kvlist_value":
        return tuple((pair.key, _value(pair.value)) for pair in value.kvlist_value.values)
    return getattr(value, kind)
