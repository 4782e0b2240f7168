"""OTLP messages to arrivals.

What is no metric or event of ours is passed over; what is ours but cannot be used is rejected,
with the reason, and does not spoil the rest of the request.
"""

from __future__ import annotations

import math
import struct
from typing import Any, Final

import numpy as np
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from modelwatch.errors import ModelwatchError, UndecodableTelemetry
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.arrivals import Decoded, Temporality
from modelwatch.telemetry.wire.assembling import (
    EVENTS,
    OURS,
    kinds_of,
    plain_attributes,
    read_other,
)
from modelwatch.telemetry.wire.folding import checked_count
from modelwatch.telemetry.wire.grouping import Group, Groups, Sender
from modelwatch.telemetry.wire.identities import other_of, sender_of, series_of, split_owner

__all__ = ["decode_logs", "decode_metrics"]

NO_RECORDED_VALUE: Final = int(otlp.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK)

_TEMPORALITIES: Final[dict[int, Temporality]] = {
    int(otlp.AGGREGATION_TEMPORALITY_DELTA): "delta",
    int(otlp.AGGREGATION_TEMPORALITY_CUMULATIVE): "cumulative",
}
_SIGNED: Final = struct.Struct("<q")
_UNUSABLE: Final = (ModelwatchError, KeyError, TypeError, ValueError)


def decode_metrics(body: bytes, *, cumulative: bool = False) -> Decoded:
    """Read a serialised ``ExportMetricsServiceRequest``.

    Args:
        body: the message.
        cumulative: whether sums and explicit histograms of cumulative temporality are taken too,
            in arrivals that say so; otherwise they are rejected.

    Raises:
        UndecodableTelemetry: where the bytes are no such message.
    """
    request = ExportMetricsServiceRequest()
    _parse(request, body)
    decoded = Decoded()
    reading = _Reading(decoded, cumulative=cumulative)
    for resource_metrics in request.resource_metrics:
        sender = sender_of(resource_metrics.resource)
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                reading.read_metric(metric, sender)
    decoded.arrivals.extend(reading.groups.arrivals(decoded))
    return decoded


def decode_logs(body: bytes) -> Decoded:
    """Read a serialised ``ExportLogsServiceRequest``.

    Raises:
        UndecodableTelemetry: where the bytes are no such message.
    """
    request = ExportLogsServiceRequest()
    _parse(request, body)
    decoded = Decoded()
    reading = _Reading(decoded)
    for resource_logs in request.resource_logs:
        sender = sender_of(resource_logs.resource)
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                reading.read_record(record, sender)
    decoded.arrivals.extend(reading.groups.arrivals(decoded))
    return decoded


class _Reading:
    """Reads the points of one request, one at a time."""

    def __init__(self, decoded: Decoded, *, cumulative: bool = False) -> None:
        self.groups = Groups()
        self._decoded = decoded
        self._cumulative = cumulative

    def read_metric(self, metric: otlp.Metric, sender: Sender) -> None:
        """Add the points of a metric to their groups."""
        kind = metric.WhichOneof("data")
        points = getattr(metric, kind).data_points if kind is not None else ()
        if metric.name not in OURS:
            self._decoded.foreign += len(points)
            return
        if kind not in kinds_of(metric.name):
            self._decoded.reject(f"{metric.name} cannot be a {kind}.", max(len(points), 1))
            return
        temporality = self._temporality(metric, kind)
        if temporality is None:
            self._decoded.reject(
                f"{metric.name} is not of delta temporality: set "
                "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta at the sender.",
                len(points),
            )
            return
        for point in points:
            if point.flags & NO_RECORDED_VALUE:
                continue
            try:
                if isinstance(point, otlp.NumberDataPoint):
                    self._read_sum(metric.name, point, sender, temporality)
                elif isinstance(point, otlp.HistogramDataPoint):
                    self._read_histogram(metric.name, point, sender, temporality)
                else:
                    self._read_exponential(metric.name, point, sender)
            except _UNUSABLE as error:
                self._reject(metric.name, error)

    def read_record(self, record: LogRecord, sender: Sender) -> None:
        """Add an event to its group."""
        name = record.event_name
        if name not in EVENTS:
            self._decoded.foreign += 1
            return
        try:
            attributes = plain_attributes(record.attributes)
            times = (attributes.get(names.WINDOW_START, 0), record.time_unix_nano)
            self._add_other(name, record, attributes, sender, times)
        except _UNUSABLE as error:
            self._reject(name, error)

    def _temporality(self, metric: otlp.Metric, kind: str) -> Temporality | None:
        told = _TEMPORALITIES.get(getattr(metric, kind).aggregation_temporality)
        is_taken = told == "delta" or (self._cumulative and kind != "exponential_histogram")
        return told if is_taken else None

    def _read_sum(
        self, name: str, point: otlp.NumberDataPoint, sender: Sender, temporality: Temporality
    ) -> None:
        is_integer = point.WhichOneof("value") == "as_int"
        count = point.as_int if is_integer else checked_count(point.as_double)
        group, attributes = self._group(point, sender, temporality)
        group.series.append(series_of(name, "sum", attributes))
        group.counts.append(_SIGNED.pack(count))

    def _read_histogram(
        self, name: str, point: otlp.HistogramDataPoint, sender: Sender, temporality: Temporality
    ) -> None:
        counts = np.array(point.bucket_counts or [point.count], "<u8")
        bounds = np.array(point.explicit_bounds, "<f8")
        group, attributes = self._group(point, sender, temporality)
        if counts.size != bounds.size + 1:
            raise UndecodableTelemetry(
                f"{bounds.size} bounds need {bounds.size + 1} counts, got {counts.size}."
            )
        series = series_of(name, "histogram", attributes, bounds.tobytes())
        group.series.append(series)
        group.counts.append(counts.tobytes())
        group.floats += [
            getattr(point, field) if point.HasField(field) else math.nan
            for field in ("sum", "min", "max")
        ]

    def _read_exponential(
        self, name: str, point: otlp.ExponentialHistogramDataPoint, sender: Sender
    ) -> None:
        times = (point.start_time_unix_nano, point.time_unix_nano)
        self._add_other(name, point, plain_attributes(point.attributes), sender, times)

    def _add_other(
        self,
        name: str,
        message: LogRecord | otlp.ExponentialHistogramDataPoint,
        attributes: dict[str, Any],
        sender: Sender,
        times: tuple[int, int],
    ) -> None:
        owner, own = split_owner(attributes)
        group = self.groups.of(sender, owner, times)
        read_other(name, message, own)
        group.others.append(other_of(name, message))

    def _group(
        self, point: Any, sender: Sender, temporality: Temporality
    ) -> tuple[Group, dict[str, Any]]:
        """Return the group of a point, and those of its attributes that the group has not."""
        owner, attributes = split_owner(plain_attributes(point.attributes))
        times = (point.start_time_unix_nano, point.time_unix_nano)
        return self.groups.of(sender, owner, times, temporality), attributes

    def _reject(self, name: str, error: Exception) -> None:
        reason = f"lacks attribute {error}" if isinstance(error, KeyError) else str(error)
        self._decoded.reject(f"{name}: {reason}")


def _parse(request: Message, body: bytes) -> None:
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        name = type(request).__name__
        raise UndecodableTelemetry(
            f"{len(body)} bytes are no {name}: send OTLP in protobuf encoding."
        ) from error
