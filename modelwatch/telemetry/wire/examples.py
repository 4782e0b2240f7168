"""Examples: traces that show a finding, from our own events and from exemplars of any client.

Values of exemplars are looked at, to choose the most telling ones, and not kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from modelwatch.telemetry import names

__all__ = [
    "EXAMPLE_EVENTS",
    "Example",
    "ExampleKind",
    "examples_of_point",
    "examples_of_record",
]

ExampleKind = Literal["outlier", "shift", "error"]
"""A feature's value is an outlier; it lies where the feature's values have gathered; a call failed
with an error of a type."""

EXAMPLE_EVENTS: Final = frozenset({names.EXAMPLE, names.OUTLIER})

MOST_OF_POINT: Final = 2
"""Exemplars that are taken of one point."""

_MOST_FEATURES: Final = 256
_SAMPLED: Final = 0x01
_LATEST_NS: Final = 2**63
_NO_TRACE: Final = bytes(16)
_UNNAMED: Final = (names.OTHER_CATEGORIES, names.UNSEEN_CATEGORIES)

Point = otlp.NumberDataPoint | otlp.HistogramDataPoint | otlp.ExponentialHistogramDataPoint
Attributes = Mapping[str, Any]


class Example(NamedTuple):
    """One trace in which something was found.

    Attributes:
        model: the model's name.
        version: its version.
        kind: what was found.
        name: of the feature, or the type of the error.
        trace_id: 16 bytes.
        span_id: 8 bytes; none where it is not told.
        time_ns: when, Unix nanoseconds.
    """

    model: str
    version: str
    kind: ExampleKind
    name: str
    trace_id: bytes
    span_id: bytes
    time_ns: int


def examples_of_record(record: LogRecord, attributes: Attributes) -> list[Example]:
    """Return what an event of `EXAMPLE_EVENTS` is an example of; nothing without a sampled trace.

    Args:
        record: the event.
        attributes: its attributes, arrays as tuples.

    Raises:
        KeyError: where the model or its version is not told.
        ValueError: where it is an example, and something of it cannot be.
    """
    if not _is_trace(record.trace_id) or not record.flags & _SAMPLED:
        return []
    told: list[tuple[ExampleKind, object]] = [
        *(("outlier", name) for name in _texts(attributes.get(names.OUTLIER_FEATURES, ()))),
        *(("shift", name) for name in _texts(attributes.get(names.EXAMPLE_FEATURES, ()))),
    ]
    if names.ERROR_TYPE in attributes:
        told.append(("error", attributes[names.ERROR_TYPE]))
    time_ns = record.time_unix_nano or record.observed_time_unix_nano
    return [
        _example(attributes, kind, name, record.trace_id, record.span_id, time_ns)
        for kind, name in told
    ]


def examples_of_point(name: str, point: Point, attributes: Attributes) -> list[Example]:
    """Return what the exemplars of a point are examples of.

    Of a histogram these are the ones farthest from its mean, else the latest. Those of a category
    that is known are passed over: that a row has it shows nothing.

    Args:
        name: of its metric.
        point: a point that could be read.
        attributes: its attributes, which are those of a series.
    """
    subject = _subject(name, attributes)
    if subject is None:
        return []
    traced = [
        one
        for one in point.exemplars
        if _is_trace(one.trace_id) and one.time_unix_nano < _LATEST_NS
    ]
    middle = None
    if not isinstance(point, otlp.NumberDataPoint) and point.HasField("sum") and point.count:
        middle = point.sum / point.count
    chosen = sorted(traced, key=lambda one: _rank(one, middle), reverse=True)[:MOST_OF_POINT]
    return [
        _example(
            attributes, *subject, one.trace_id, one.span_id, one.time_unix_nano or
            point.time_unix_nano,
        )
        for one in chosen
    ]  # fmt: skip


def _subject(name: str, attributes: Attributes) -> tuple[ExampleKind, object] | None:
    feature = attributes.get(names.FEATURE_NAME)
    if name == names.FEATURE_OUTLIERS:
        return "outlier", feature
    if name in (names.FEATURE_VALUE, names.FEATURE_MISSING):
        return "shift", feature
    if name == names.FEATURE_CATEGORIES and attributes.get(names.FEATURE_CATEGORY) in _UNNAMED:
        return "shift", feature
    if name == names.PREDICTIONS and attributes.get(names.ERROR_TYPE):
        return "error", attributes[names.ERROR_TYPE]
    return None


def _rank(exemplar: otlp.Exemplar, middle: float | None) -> tuple[float, int]:
    value = exemplar.as_double
    if exemplar.WhichOneof("value") == "as_int":
        value = float(exemplar.as_int)
    distance = abs(value - middle) if middle is not None else 0.0
    return (distance if distance == distance else 0.0), exemplar.time_unix_nano


def _example(
    attributes: Attributes,
    kind: ExampleKind,
    name: object,
    trace_id: bytes,
    span_id: bytes,
    time_ns: int,
) -> Example:
    model, version = _text(attributes[names.MODEL_NAME]), _text(attributes[names.MODEL_VERSION])
    if not 0 < time_ns < _LATEST_NS:
        raise ValueError(f"its time {time_ns} is none in Unix nanoseconds")
    span_id = span_id if len(span_id) == 8 else b""
    return Example(model, version, kind, _text(name), trace_id, span_id, time_ns)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"attribute value {value!r:.60} is no text")
    return value


def _texts(value: object) -> Iterator[object]:
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        yield from list(value)[:_MOST_FEATURES]


def _is_trace(trace_id: bytes) -> bool:
    return len(trace_id) == 16 and trace_id != _NO_TRACE
