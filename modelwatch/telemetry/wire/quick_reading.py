"""Requests read from their bytes, with nothing parsed that was parsed before.

Between two windows of a sender nothing changes but numbers of eight bytes each. So each metric, or
else each point, is cut up as one of its length was before (`point_shapes`), and its attributes,
bounds and tags are looked up: where protobuf has read the same bytes, what it made of them is known
(`known_bytes`). A point that is new in some way is parsed by itself, and then known. What is laid
out otherwise than protobuf libraries do it is left to protobuf as a whole.
"""

from __future__ import annotations

from typing import Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from modelwatch.telemetry.wire.arrivals import Temporality
from modelwatch.telemetry.wire.assembling import OURS
from modelwatch.telemetry.wire.byte_parts import Unfamiliar, fields_of, times_of
from modelwatch.telemetry.wire.grouping import Group, Owner, Sender
from modelwatch.telemetry.wire.known_bytes import (
    POINTS,
    ROWS,
    SORTS,
    KnownPoint,
    Sort,
    know_point,
    know_row,
    metric_name_in,
    sender_in,
)
from modelwatch.telemetry.wire.point_reading import UNUSABLE, PointReader

__all__ = ["read_quickly"]

# Tags of messages, as OTLP's metrics.proto has them: the field's number, and how it is written.
_REQUEST_RESOURCE_METRICS: Final = 0x0A
_RESOURCE, _SCOPE_METRICS, _RESOURCE_SCHEMA = 0x0A, 0x12, 0x1A
_SCOPE, _METRICS, _SCOPE_SCHEMA = 0x0A, 0x12, 0x1A
_DATA_POINTS, _TEMPORALITY, _IS_MONOTONIC = 0x0A, 0x10, 0x18

_NOTHING: Final = (0, 0, 0)


def read_quickly(body: bytes, reader: PointReader) -> bool:
    """Read the points of a serialised ``ExportMetricsServiceRequest``.

    Returns:
        Whether that could be done; if not, what the reader holds is of no use.
    """
    try:
        for tag, start, end in fields_of(body, 0, len(body)):
            if tag != _REQUEST_RESOURCE_METRICS:
                return False
            _read_resource(body, start, end, reader)
    except (DecodeError, IndexError, UnicodeDecodeError, Unfamiliar):
        return False
    return True


def _read_resource(body: bytes, start: int, end: int, reader: PointReader) -> None:
    scopes: _Scopes | None = None
    for tag, start_at, end_at in fields_of(body, start, end):
        if tag == _RESOURCE and scopes is None:
            scopes = _Scopes(body, sender_in(body[start_at:end_at]), reader)
        elif tag == _SCOPE_METRICS:
            scopes = scopes or _Scopes(body, sender_in(b""), reader)
            scopes.read(start_at, end_at)
        elif tag == _RESOURCE_SCHEMA:
            body[start_at:end_at].decode()
        else:
            raise Unfamiliar


class _Scopes:
    """Reads what is of one sender."""

    def __init__(self, body: bytes, sender: Sender, reader: PointReader) -> None:
        self._body = body
        self._sender = sender
        self._reader = reader
        self._latest: tuple[bytes, Owner, Temporality] | None = None
        self._latest_group: Group | None = None

    def read(self, start: int, end: int) -> None:
        """Read the metrics of one scope."""
        body = self._body
        for tag, start_at, end_at in fields_of(body, start, end):
            if tag == _METRICS:
                if not self._read_metric(start_at, end_at):
                    metric = otlp.Metric.FromString(body[start_at:end_at])
                    self._reader.read_metric(metric, self._sender)
            elif tag == _SCOPE:
                InstrumentationScope.FromString(body[start_at:end_at])
            elif tag == _SCOPE_SCHEMA:
                body[start_at:end_at].decode()
            else:
                raise Unfamiliar

    def _read_metric(self, start: int, end: int) -> bool:
        """Read the points of a metric; return whether it is one of ours whose points add up."""
        *header, last = fields_of(self._body, start, end) or [_NOTHING]
        data_tag, data_start, data_end = last
        sort = SORTS.get(data_tag)
        if sort is None or not header:
            return False
        name = metric_name_in(self._body[start : header[-1][2]])
        if name not in OURS:
            return False
        return self._read_row(name, sort, data_start, data_end) or self._read_data(
            name, sort, data_start, data_end
        )

    def _read_row(self, name: str, sort: Sort, start: int, end: int) -> bool:
        """Read data whose constants are known as a whole; return whether they are."""
        for shape in sort.row_shapes.get(end - start, ()):
            values = shape.unpack(self._body, start)
            known = ROWS.get((name, shape.number, values[shape.attributes_at]))
            if known is None or known.constants != shape.constants(values):
                continue
            times = shape.times(values)
            if known.temporality in self._reader.taken and times.count(times[0]) == len(times):
                group = self._group(times[0], known.owner, known.temporality)
                if group is not None:
                    group.series += known.series
                    group.counts += shape.counts(values)
                    group.floats += shape.floats(values)
                    return True
        return False

    def _read_data(self, name: str, sort: Sort, start: int, end: int) -> bool:
        """Read data point by point; return whether the points add up."""
        points: list[tuple[int, int]] = []
        told = 0
        for tag, value, value_end in fields_of(self._body, start, end):
            if tag == _DATA_POINTS:
                points.append((value, value_end))
            elif tag == _TEMPORALITY:
                told = value
            elif tag != _IS_MONOTONIC:
                return False
        temporality = self._reader.temporality(name, sort.kind, told)
        if temporality is None:
            return False
        known = self._read_points(name, sort, points, temporality)
        if known and len(known) == len(points):
            places = [(at - start, to - start) for at, to in points]
            know_row(name, sort, self._body[start:end], places, known, temporality)
        return True

    def _read_points(
        self, name: str, sort: Sort, points: list[tuple[int, int]], temporality: Temporality
    ) -> list[KnownPoint]:
        """Add points to their groups; return what is known of those that were not parsed."""
        found: list[KnownPoint] = []
        for start, end in points:
            known = self._read_known_point(name, sort, start, end, temporality)
            if known is not None:
                found.append(known)
                continue
            content = self._body[start:end]
            point = sort.message.FromString(content)
            identity = self._reader.read_point(name, point, self._sender, temporality)
            if identity is not None:
                know_point(name, sort, content, identity)
        return found

    def _read_known_point(
        self, name: str, sort: Sort, start: int, end: int, temporality: Temporality
    ) -> KnownPoint | None:
        """Add a point whose constants are known; return None where they are not."""
        for shape in sort.shapes.get(end - start, ()):
            values = shape.unpack(self._body, start)
            known = POINTS.get((name, shape.number, values[shape.attributes_at]))
            if known is not None and known.constants == shape.constants(values):
                group = self._group(values[shape.times_at], known.owner, temporality)
                if group is not None:
                    group.series.append(known.series)
                    group.counts.append(values[shape.counts_at])
                    group.floats += shape.floats(values)
                    return known
        return None

    def _group(self, times: bytes, owner: Owner, temporality: Temporality) -> Group | None:
        """Return the group of a point; None where its times are to be parsed or to be rejected."""
        wanted = (times, owner, temporality)
        if wanted != self._latest:
            told = times_of(times)
            if told is None:
                return None
            try:
                group = self._reader.groups.of(self._sender, owner, told, temporality)
            except UNUSABLE:
                return None
            self._latest, self._latest_group = wanted, group
        return self._latest_group
