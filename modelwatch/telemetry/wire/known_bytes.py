"""What protobuf made of bytes before, kept for when they come again.

All caches are of the whole process and bounded in entries and bytes, 133 MiB in all, and those of
`assembling`, `identities` and `grouping` 72 MiB more; names without end fill some 125 MiB of that.
What they hold is the same for whoever reads.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeVar

from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from modelwatch.telemetry.wire.arrivals import Series, Temporality
from modelwatch.telemetry.wire.bounded_cache import BoundedCache
from modelwatch.telemetry.wire.byte_parts import HISTOGRAM, NUMBER, PointLayout, Unfamiliar
from modelwatch.telemetry.wire.grouping import Owner, Sender
from modelwatch.telemetry.wire.identities import sender_of
from modelwatch.telemetry.wire.point_reading import Identity
from modelwatch.telemetry.wire.point_shapes import (
    PointShape,
    RowShape,
    row_shape_of,
    shape_of,
)

__all__ = [
    "POINTS",
    "ROWS",
    "SORTS",
    "KnownPoint",
    "KnownRow",
    "Sort",
    "know_point",
    "know_row",
    "metric_name_in",
    "sender_in",
]

Key = tuple[str, int, bytes]
"""A metric's name, the number of a shape, and the attributes of a point, the first of a row."""

Shape = TypeVar("Shape", PointShape, RowShape)

_SHAPES_A_LENGTH: Final = 4

# What an entry takes besides the bytes that it was made of.
_BYTES_OF_POINT: Final = 1_024
_BYTES_OF_MEMBER: Final = 8
_BYTES_OF_SHAPE: Final = 2_048
_BYTES_OF_PART: Final = 128
_BYTES_OF_SENDER: Final = 512
_BYTES_OF_NAME: Final = 256


class Sort(NamedTuple):
    """A sort of points that add up.

    Attributes:
        kind: as OTLP's field of a metric is called.
        message: a point.
        layout: of its bytes.
        shapes: those known, by the length of a point.
        row_shapes: likewise, by the length of a metric's data.
    """

    kind: str
    message: type[otlp.NumberDataPoint] | type[otlp.HistogramDataPoint]
    layout: PointLayout
    shapes: BoundedCache[int, tuple[PointShape, ...]]
    row_shapes: BoundedCache[int, tuple[RowShape, ...]]


class KnownPoint(NamedTuple):
    """What protobuf made of all that is constant in a point."""

    shape: PointShape
    constants: Any
    owner: Owner
    series: Series


class KnownRow(NamedTuple):
    """What came of all that is constant in a metric's data, points of one owner."""

    constants: Any
    owner: Owner
    series: tuple[Series, ...]
    temporality: Temporality


def _sort(kind: str, message: Any, layout: PointLayout) -> Sort:
    return Sort(
        kind,
        message,
        layout,
        BoundedCache(entries=4_096, nbytes=4 * 2**20),
        BoundedCache(entries=1_024, nbytes=8 * 2**20),
    )


SORTS: Final = {
    0x3A: _sort("sum", otlp.NumberDataPoint, NUMBER),
    0x4A: _sort("histogram", otlp.HistogramDataPoint, HISTOGRAM),
}
"""By the tag of a metric's data: the field's number, and how it is written."""

POINTS: Final = BoundedCache[Key, KnownPoint](entries=65_536, nbytes=48 * 2**20)
ROWS: Final = BoundedCache[Key, KnownRow](entries=4_096, nbytes=48 * 2**20)
_SENDERS: Final = BoundedCache[bytes, Sender](entries=16_384, nbytes=8 * 2**20)
_NAMES: Final = BoundedCache[bytes, str](entries=4_096, nbytes=2**20)
_PASSES: Final = BoundedCache[tuple[int, Key], int](entries=4_096, nbytes=4 * 2**20)


def sender_in(resource: bytes) -> Sender:
    """Return who sent what is of a serialised resource.

    Raises:
        DecodeError: where the bytes are none.
    """
    sender = _SENDERS.get(resource)
    if sender is None:
        sender = sender_of(Resource.FromString(resource))
        _SENDERS.put(resource, sender, nbytes=_BYTES_OF_SENDER + 2 * len(resource))
    return sender


def metric_name_in(header: bytes) -> str:
    """Return the name in those fields of a metric that come before its data.

    Raises:
        DecodeError: where the bytes are none.
        Unfamiliar: where there are data among them.
    """
    name = _NAMES.get(header)
    if name is None:
        metric = otlp.Metric.FromString(header)
        if metric.WhichOneof("data") is not None:
            raise Unfamiliar
        name = metric.name
        _NAMES.put(header, name, nbytes=_BYTES_OF_NAME + 2 * len(header))
    return name


def know_point(name: str, sort: Sort, point: bytes, identity: Identity) -> None:
    """Remember what was made of a point.

    Args:
        name: of its metric.
        sort: what it is.
        point: serialised.
        identity: what it is of.
    """
    kept = sort.shapes.get(len(point), ())
    shape = shape_of(point, sort.layout, kept)
    if shape is None:
        return
    if shape not in kept:
        _keep(shape, kept, sort.shapes, len(point))
    values = shape.unpack(point, 0)
    known = KnownPoint(shape, shape.constants(values), *identity)
    key = (name, shape.number, values[shape.attributes_at])
    POINTS.put(key, known, nbytes=_BYTES_OF_POINT + _nbytes(known.constants))


def know_row(
    name: str,
    sort: Sort,
    data: bytes,
    places: Sequence[tuple[int, int]],
    known: Sequence[KnownPoint],
    temporality: Temporality,
) -> None:
    """Remember a metric's data as a whole, once they were read point by point some times.

    Where that is of no use, since they change, it is tried ever more rarely.

    Args:
        name: of the metric.
        sort: what its points are.
        data: serialised.
        places: where in them each point begins and ends; one point or more.
        known: what is known of each.
        temporality: of the metric.
    """
    first = known[0]
    attributes = first.shape.unpack(data, places[0][0])[first.shape.attributes_at]
    if any(one.owner is not first.owner for one in known):
        return
    seen = (len(data), (name, first.shape.number, attributes))
    passes = (_PASSES.get(seen) or 0) + 1
    _PASSES.put(seen, passes, nbytes=_BYTES_OF_NAME + 2 * len(attributes))
    if passes == 1 or passes & (passes - 1):
        return
    kept = sort.row_shapes.get(len(data), ())
    shape = row_shape_of(data, places, sort.layout, kept)
    if shape is None:
        return
    if shape not in kept:
        _keep(shape, kept, sort.row_shapes, len(data))
    constants = shape.constants(shape.unpack(data, 0))
    row = KnownRow(constants, first.owner, tuple(one.series for one in known), temporality)
    nbytes = _BYTES_OF_POINT + _nbytes(constants) + _BYTES_OF_MEMBER * len(places)
    ROWS.put((name, shape.number, attributes), row, nbytes=nbytes)


def _nbytes(constants: bytes | tuple[bytes, ...]) -> int:
    """Return what the parts that are constant take."""
    if isinstance(constants, bytes):
        return sys.getsizeof(constants)
    return sys.getsizeof(constants) + sum(map(sys.getsizeof, constants))


def _keep(
    shape: Shape,
    kept: tuple[Shape, ...],
    shapes: BoundedCache[int, tuple[Shape, ...]],
    length: int,
) -> None:
    """Keep one more shape of a length, in place of the oldest where there are too many."""
    now = list(kept[-_SHAPES_A_LENGTH + 1 :])
    now.append(shape)
    nbytes = _BYTES_OF_SHAPE + _BYTES_OF_PART * sum(len(one.form) for one in now)
    shapes.put(length, tuple(now), nbytes=nbytes)
