"""Points and records, parsed by protobuf, into the groups of a request."""

from __future__ import annotations

import math
import struct
from typing import Any, Final, NamedTuple

import numpy as np
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from modelwatch.errors import ModelwatchError, UndecodableTelemetry
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.arrivals import Decoded, Series, Temporality
from modelwatch.telemetry.wire.assembling import (
    EVENTS,
    OURS,
    kinds_of,
    plain_attributes,
    read_other,
)
from modelwatch.telemetry.wire.examples import (
    EXAMPLE_EVENTS,
    examples_of_point,
    examples_of_record,
)
from modelwatch.telemetry.wire.folding import checked_count
from modelwatch.telemetry.wire.grouping import Group, Groups, Owner, Sender
from modelwatch.telemetry.wire.identities import other_of, series_of, split_owner
from modelwatch.telemetry.wire.outcome_events import OUTCOME_EVENTS
from modelwatch.telemetry.wire.outcome_reading import labels_of, predictions_of

__all__ = ["UNUSABLE", "Identity", "PointReader"]

UNUSABLE: Final = (ModelwatchError, KeyError, TypeError, ValueError)
"""What is raised where a point of ours cannot be used."""

NO_RECORDED_VALUE: Final = int(otlp.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK)

_TEMPORALITIES: Final[dict[int, Temporality]] = {
    int(otlp.AGGREGATION_TEMPORALITY_DELTA): "delta",
    int(otlp.AGGREGATION_TEMPORALITY_CUMULATIVE): "cumulative",
}
_DELTA: Final[frozenset[Temporality]] = frozenset({"delta"})
_BOTH: Final[frozenset[Temporality]] = frozenset({"delta", "cumulative"})

Point = otlp.NumberDataPoint | otlp.HistogramDataPoint | otlp.ExponentialHistogramDataPoint

_SIGNED: Final = struct.Struct("<q")


class Identity(NamedTuple):
    """What a point is of: the same in every window."""

    owner: Owner
    series: Series


class PointReader:
    """Reads the points of one request, one at a time. Not thread-safe.

    Args:
        decoded: is told of what is foreign or cannot be used.
        cumulative: whether cumulative points are taken.

    Attributes:
        groups: what was read.
        decoded: as given.
        taken: the temporalities that are taken.
    """

    def __init__(self, decoded: Decoded, *, cumulative: bool = False) -> None:
        self.groups = Groups()
        self.decoded = decoded
        self.taken: frozenset[Temporality] = _BOTH if cumulative else _DELTA

    def read_metric(self, metric: otlp.Metric, sender: Sender) -> None:
        """Add the points of a metric to their groups."""
        kind = metric.WhichOneof("data")
        points = getattr(metric, kind).data_points if kind is not None else ()
        if metric.name not in OURS:
            self.decoded.foreign += len(points)
            return
        if kind not in kinds_of(metric.name):
            self.decoded.reject(f"{metric.name} cannot be a {kind}.", max(len(points), 1))
            return
        told = getattr(metric, str(kind)).aggregation_temporality
        temporality = self.temporality(metric.name, str(kind), told)
        if temporality is None:
            self.decoded.reject(
                f"{metric.name} is not of delta temporality: set "
                "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta at the sender.",
                len(points),
            )
            return
        for point in points:
            self.read_point(metric.name, point, sender, temporality)

    def temporality(self, name: str, kind: str, told: int) -> Temporality | None:
        """Return the temporality of a metric of ours; None where it is not taken.

        Args:
            name: of the metric.
            kind: of its data, as OTLP's field is called.
            told: OTLP's number of its temporality.
        """
        temporality = _TEMPORALITIES.get(told)
        is_taken = kind in kinds_of(name) and temporality in self.taken
        return temporality if is_taken else None

    def read_point(
        self, name: str, point: Point, sender: Sender, temporality: Temporality
    ) -> Identity | None:
        """Add a point to its group, or reject it.

        Returns:
            What it is of; None where it was not added, or does not add up.
        """
        if point.flags & NO_RECORDED_VALUE:
            return None
        identity = None
        try:
            if isinstance(point, otlp.NumberDataPoint):
                identity = self._read_sum(name, point, sender, temporality)
            elif isinstance(point, otlp.HistogramDataPoint):
                identity = self._read_histogram(name, point, sender, temporality)
            else:
                times = (point.start_time_unix_nano, point.time_unix_nano)
                attributes = plain_attributes(point.attributes)
                self._add_other(name, point, attributes, sender, times, temporality)
            if point.exemplars:
                attributes = plain_attributes(point.attributes)
                self.decoded.examples += examples_of_point(name, point, attributes)
        except UNUSABLE as error:
            self.reject(name, error)
            return None
        return identity

    def read_record(self, record: LogRecord, sender: Sender) -> None:
        """Add an event to its group."""
        name = record.event_name
        if name in EXAMPLE_EVENTS:
            self._read_example(record)
            return
        if name in OUTCOME_EVENTS:
            self._read_outcomes(record)
            return
        if name not in EVENTS:
            self.decoded.foreign += 1
            return
        try:
            attributes = plain_attributes(record.attributes)
            times = (attributes.get(names.WINDOW_START, 0), record.time_unix_nano)
            self._add_other(name, record, attributes, sender, times)
        except UNUSABLE as error:
            self.reject(name, error)

    def _read_example(self, record: LogRecord) -> None:
        """Note the traces that an event names; one that names none is of no use here."""
        try:
            told = examples_of_record(record, plain_attributes(record.attributes))
        except UNUSABLE as error:
            self.reject(record.event_name, error)
            return
        self.decoded.examples += told
        self.decoded.foreign += not told

    def _read_outcomes(self, record: LogRecord) -> None:
        """Note the predictions or labels that an event tells of."""
        try:
            attributes = plain_attributes(record.attributes)
            if record.event_name == names.LABEL:
                self.decoded.labels.append(labels_of(record, attributes))
            else:
                self.decoded.predictions.append(predictions_of(record, attributes))
        except UNUSABLE as error:
            self.reject(record.event_name, error)

    def reject(self, name: str, error: Exception) -> None:
        """Count a point that cannot be used."""
        reason = f"lacks attribute {error}" if isinstance(error, KeyError) else str(error)
        self.decoded.reject(f"{name}: {reason}")

    def _read_sum(
        self, name: str, point: otlp.NumberDataPoint, sender: Sender, temporality: Temporality
    ) -> Identity:
        is_integer = point.WhichOneof("value") == "as_int"
        count = point.as_int if is_integer else checked_count(point.as_double)
        owner, attributes = split_owner(plain_attributes(point.attributes))
        group = self._group(point, sender, owner, temporality)
        series = series_of(name, "sum", attributes)
        group.series.append(series)
        group.counts.append(_SIGNED.pack(count))
        return Identity(owner, series)

    def _read_histogram(
        self, name: str, point: otlp.HistogramDataPoint, sender: Sender, temporality: Temporality
    ) -> Identity:
        counts = np.array(point.bucket_counts or [point.count], "<u8")
        bounds = np.array(point.explicit_bounds, "<f8")
        if counts.size != bounds.size + 1:
            raise UndecodableTelemetry(
                f"{bounds.size} bounds need {bounds.size + 1} counts, got {counts.size}."
            )
        owner, attributes = split_owner(plain_attributes(point.attributes))
        group = self._group(point, sender, owner, temporality)
        series = series_of(name, "histogram", attributes, bounds.tobytes())
        group.series.append(series)
        group.counts.append(counts.tobytes())
        group.floats += [
            getattr(point, field) if point.HasField(field) else math.nan
            for field in ("sum", "min", "max")
        ]
        return Identity(owner, series)

    def _group(
        self,
        point: otlp.NumberDataPoint | otlp.HistogramDataPoint,
        sender: Sender,
        owner: Owner,
        temporality: Temporality,
    ) -> Group:
        times = (point.start_time_unix_nano, point.time_unix_nano)
        return self.groups.of(sender, owner, times, temporality)

    def _add_other(
        self,
        name: str,
        message: LogRecord | otlp.ExponentialHistogramDataPoint,
        attributes: dict[str, Any],
        sender: Sender,
        times: tuple[int, int],
        temporality: Temporality = "delta",
    ) -> None:
        owner, own = split_owner(attributes)
        group = self.groups.of(sender, owner, times, temporality)
        read_other(name, message, own)
        group.others.append(other_of(name, message))
