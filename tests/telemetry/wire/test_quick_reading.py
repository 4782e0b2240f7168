"""Requests read from their bytes give what protobuf makes of them, whatever they hold."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

import modelwatch as mw
from modelwatch.errors import UndecodableTelemetry
from modelwatch.telemetry import names
from modelwatch.telemetry.wire import Decoded, decode_metrics, encode_metrics
from modelwatch.telemetry.wire.decoding import parse_metrics
from modelwatch.telemetry.wire.grouping import Sender
from modelwatch.telemetry.wire.point_reading import Identity, Point, PointReader
from modelwatch.telemetry.wire.protobuf_writer import delimited, varint_field
from modelwatch.telemetry.wire.quick_reading import read_quickly
from tests.telemetry.wire.test_wire import RESOURCE, changed, metric, profile

__all__ = ["profile"]

patient = settings(suppress_health_check=[HealthCheck.too_slow])
"""A busy machine fails no law."""

PASSES = 5
"""After so many, what there is to be known of a request is known."""

COUNTS = st.sampled_from([0, 1, 7, 2**53, 2**53 + 1, 2**63 - 1])
FLOATS = st.sampled_from([0.0, -0.0, 1.5, -3.0, 1e300, float("inf"), float("nan")])
TIMES = st.sampled_from([(1, 2), (1, 2), (1, 2), (2, 3), (0, 4), (5, 4), (1, 0), (1, 2**63)])
MODELS = st.sampled_from(["m", "m", "m", "n", "ü"])
FEATURES = st.sampled_from(["age", "income", "x" * 200])
BOUNDS = st.sampled_from(
    [[], [0.0], [1.0, 2.0], [1.0, 2.0], [2.0, 1.0], [float("nan")], [0.0, float("inf")]]
)
TEMPORALITIES = st.sampled_from(
    [otlp.AGGREGATION_TEMPORALITY_DELTA] * 3
    + [otlp.AGGREGATION_TEMPORALITY_CUMULATIVE, otlp.AGGREGATION_TEMPORALITY_UNSPECIFIED]
)
TEXT_VALUES = st.sampled_from(["input", "output", "a", ""])


def outcome(decode: Callable[..., Decoded], body: bytes) -> list[Any]:
    """Return all that comes of a body, so that it can be compared."""
    try:
        decoded = decode(body, cumulative=True)
    except UndecodableTelemetry as error:
        return [str(error)]
    told: list[Any] = [decoded.duplicates, decoded.foreign, decoded.rejected, decoded.message]
    for one in decoded.arrivals:
        floats = [repr(numbers.tolist()) for numbers in (one.sums, one.minima, one.maxima)]
        told += [one.window, one.sender, one.series_set.key, one.counts.tolist(), floats]
        told += [one.others, one.temporality, one.points]
    return told


def assert_same(body: bytes) -> None:
    """Compare both ways, the first time and once all is known."""
    expected = outcome(parse_metrics, body)
    for _ in range(PASSES):
        assert outcome(decode_metrics, body) == expected


@st.composite
def attributes(draw: st.DrawFn, own: dict[str, str]) -> list[KeyValue]:
    """Return attributes of a point in any order, now and then one too few or an odd one."""
    told = {names.MODEL_NAME: draw(MODELS), names.MODEL_VERSION: "1"} | own
    if draw(st.booleans()):
        told[names.SEGMENT] = draw(TEXT_VALUES)
    pairs = [KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in told.items()]
    pairs = draw(st.permutations(pairs))
    match draw(st.integers(0, 12)):
        case 0:
            pairs.pop()
        case 1:
            pairs.append(KeyValue(key="odd", value=AnyValue(double_value=draw(FLOATS))))
        case 2:
            pairs.append(KeyValue(key=names.MODEL_VERSION, value=AnyValue(int_value=5)))
    return pairs


@st.composite
def sums(draw: st.DrawFn) -> otlp.Metric:
    """Return a sum of ours."""
    name, own = draw(
        st.sampled_from(
            [
                (names.ROWS_CAPTURED, ()),
                (names.PREDICTIONS, (names.ERROR_TYPE,)),
                (names.FEATURE_CATEGORIES, (names.FEATURE_NAME, names.FEATURE_CATEGORY)),
                (names.FEATURE_MISSING, (names.FEATURE_NAME, names.MISSING_REASON)),
            ]
        )
    )
    found = otlp.Metric(name=name, unit=draw(st.sampled_from(["", "1"])))
    for _ in range(draw(st.integers(0, 4))):
        told = {key: draw(FEATURES) for key in own}
        if names.FEATURE_NAME in own:
            told[names.FEATURE_ROLE] = draw(TEXT_VALUES)
        start, end = draw(TIMES)
        point = otlp.NumberDataPoint(start_time_unix_nano=start, time_unix_nano=end)
        point.attributes.extend(draw(attributes(told)))
        if draw(st.integers(0, 5)):
            point.as_int = draw(COUNTS) * draw(st.sampled_from([1, 1, 1, 1, -1]))
        else:
            point.as_double = draw(FLOATS)
        decorate(draw, point)
        found.sum.data_points.append(point)
    found.sum.is_monotonic = draw(st.booleans())
    found.sum.aggregation_temporality = draw(TEMPORALITIES)
    return found


@st.composite
def histograms(draw: st.DrawFn) -> otlp.Metric:
    """Return a histogram of ours."""
    is_value = draw(st.booleans())
    found = otlp.Metric(name=names.FEATURE_VALUE if is_value else names.PREDICTION_DURATION)
    for _ in range(draw(st.integers(0, 4))):
        told = {names.FEATURE_NAME: draw(FEATURES), names.FEATURE_ROLE: draw(TEXT_VALUES)}
        start, end = draw(TIMES)
        bounds = draw(BOUNDS)
        size = draw(st.sampled_from([len(bounds) + 1] * 4 + [0, 1]))
        point = otlp.HistogramDataPoint(
            start_time_unix_nano=start,
            time_unix_nano=end,
            count=draw(COUNTS),
            bucket_counts=[draw(COUNTS) for _ in range(size)],
            explicit_bounds=bounds,
        )
        for field in ("sum", "min", "max"):
            if draw(st.integers(0, 4)):
                setattr(point, field, draw(FLOATS))
        point.attributes.extend(draw(attributes(told if is_value else {})))
        decorate(draw, point)
        found.histogram.data_points.append(point)
    found.histogram.aggregation_temporality = draw(TEMPORALITIES)
    return found


def decorate(draw: st.DrawFn, point: otlp.NumberDataPoint | otlp.HistogramDataPoint) -> None:
    """Add to a point, now and then, what most senders never add."""
    match draw(st.integers(0, 9)):
        case 0:
            point.flags = 1
        case 1:
            point.flags = 2
        case 2:
            point.exemplars.add(time_unix_nano=3, as_double=draw(FLOATS))


@st.composite
def others(draw: st.DrawFn) -> otlp.Metric:
    """Return a metric that does not add up, or is not ours."""
    found = otlp.Metric(name=draw(st.sampled_from([names.FEATURE_VALUE, "foreign"])))
    match draw(st.integers(0, 3)):
        case 0:
            found.gauge.data_points.add(as_int=1)
        case 1:
            found.sum.data_points.add(as_int=1, time_unix_nano=1)
        case 2:
            point = found.exponential_histogram.data_points.add(time_unix_nano=2, count=1)
            point.zero_count = 1
            told = {names.FEATURE_NAME: "b", names.FEATURE_ROLE: "input"}
            point.attributes.extend(draw(attributes(told)))
            found.exponential_histogram.aggregation_temporality = draw(TEMPORALITIES)
    return found


@st.composite
def requests(draw: st.DrawFn) -> ExportMetricsServiceRequest:
    """Return a request of any senders, scopes and metrics."""
    request = ExportMetricsServiceRequest()
    for _ in range(draw(st.integers(0, 2))):
        resource = request.resource_metrics.add(schema_url=draw(st.sampled_from(["", "s"])))
        match draw(st.integers(0, 3)):
            case 0:
                resource.resource.attributes.add(key=names.SERVICE_INSTANCE_ID).value.int_value = 3
            case 1 | 2:
                resource.resource.attributes.add(key="host").value.string_value = draw(TEXT_VALUES)
        for _ in range(draw(st.integers(0, 2))):
            scope = resource.scope_metrics.add()
            scope.scope.name = draw(TEXT_VALUES)
            for _ in range(draw(st.integers(0, 3))):
                one = draw(st.one_of(sums(), sums(), histograms(), histograms(), others()))
                scope.metrics.append(one)
    return request


def renumbered(request: ExportMetricsServiceRequest, chance: random.Random) -> bytes:
    """Return the request of another window: only numbers of eight bytes differ."""
    end = chance.choice([2, 10**18])
    for one in request.resource_metrics:
        for scope in one.scope_metrics:
            for found in scope.metrics:
                points: list[otlp.NumberDataPoint | otlp.HistogramDataPoint] = [
                    *found.sum.data_points,
                    *found.histogram.data_points,
                ]
                for point in points:
                    point.start_time_unix_nano, point.time_unix_nano = 1, end
                    if isinstance(point, otlp.NumberDataPoint):
                        if point.WhichOneof("value") == "as_int":
                            point.as_int = chance.choice([-1, 3, 2**40, 2**60])
                        continue
                    for at in range(len(point.bucket_counts)):
                        point.bucket_counts[at] = chance.choice([0, 3, 2**40, 2**64 - 1])
                    if point.HasField("sum"):
                        point.sum = chance.choice([1.0, float("-inf")])
    return request.SerializeToString()


@patient
@given(requests(), st.integers())
def test_any_request_is_read_alike(request: ExportMetricsServiceRequest, seed: int) -> None:
    """Whatever senders put together, both ways agree, also in the windows that follow."""
    assert_same(request.SerializeToString())
    chance = random.Random(seed)
    for _ in range(3):
        assert_same(renumbered(request, chance))


@patient
@given(requests(), st.data())
def test_any_damage_is_read_alike(
    request: ExportMetricsServiceRequest, data: st.DataObject
) -> None:
    """Bytes that were changed, cut off or put in are read or refused as protobuf does."""
    body = bytearray(request.SerializeToString())
    outcome(decode_metrics, bytes(body))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        match data.draw(st.integers(0, 3)):
            case 0:
                del body[at:]
            case 1:
                body[at:at] = data.draw(st.binary(max_size=3))
            case _:
                body[at : at + 1] = data.draw(st.binary(min_size=1, max_size=1))
    assert_same(bytes(body))


@patient
@given(seed=st.integers())
def test_damage_to_what_is_known_is_noticed(known_body: bytes, seed: int) -> None:
    """No byte of an export that is not a number can change without being read anew."""
    chance = random.Random(seed)
    body = bytearray(known_body)
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        body[chance.randrange(len(body))] = chance.randrange(256)
    assert outcome(decode_metrics, bytes(body)) == outcome(parse_metrics, bytes(body))


@pytest.mark.parametrize("bit", [0x08, 0x80])
def test_every_byte_is_looked_at(known_body: bytes, bit: int) -> None:
    """Tags and lengths too: one that is another makes another message."""
    for at in range(len(known_body)):
        body = bytearray(known_body)
        body[at] ^= bit
        assert outcome(decode_metrics, bytes(body)) == outcome(parse_metrics, bytes(body)), at


def test_cumulative_points_that_are_known_are_still_rejected(profile: mw.Profile) -> None:
    """What one reader takes another may not."""
    body = encode_metrics(profile, resource=RESOURCE, temporality="cumulative")
    for _ in range(PASSES):
        decode_metrics(body, cumulative=True)
    decoded = decode_metrics(body)
    assert decoded.arrivals == []
    assert decoded.rejected == parse_metrics(body).rejected > 10


def test_counts_that_are_empty_are_no_counts() -> None:
    """An empty list may be written or left out: then the count is that of all values."""
    attributes = [
        KeyValue(key=key, value=AnyValue(string_value="a"))
        for key in (names.MODEL_NAME, names.MODEL_VERSION)
    ]
    point = otlp.HistogramDataPoint(time_unix_nano=2, count=5, sum=1.0, attributes=attributes)
    data = delimited(1, point.SerializeToString() + delimited(6, b"")) + varint_field(2, 1)
    found = delimited(1, names.PREDICTION_DURATION.encode()) + delimited(9, data)
    body = delimited(1, delimited(2, delimited(2, found)))
    assert_same(body)
    (arrival,) = decode_metrics(body).arrivals
    assert arrival.counts.tolist() == [5]


@pytest.fixture(scope="module")
def known_body() -> bytes:
    """An export that has come before, and one without starts as libraries write it."""
    table: dict[str, list[Any]] = {"f": [1.0, 2.0, None], "c": ["a", "b", "a"]}
    baseline = mw.Baseline.fit(table, model="m", version="1")
    found = mw.Profile.empty("m", "1", baseline=baseline, instance="i", start_ns=1)
    found.update(table)
    found.record_calls([0.1], {})
    found.end_ns = 2
    body = encode_metrics(found, resource={"service.instance.id": "i"})

    def leave_out(request: ExportMetricsServiceRequest) -> None:
        for one in request.resource_metrics[0].scope_metrics[0].metrics:
            points: list[otlp.NumberDataPoint | otlp.HistogramDataPoint] = [
                *one.sum.data_points,
                *one.histogram.data_points,
            ]
            for point in points:
                point.ClearField("start_time_unix_nano")

    both = body + changed(body, leave_out)
    assert_same(both)
    return both


class Counting(PointReader):
    """Counts the points that protobuf has to parse."""

    parsed = 0

    def read_point(
        self, name: str, point: Point, sender: Sender, temporality: Any
    ) -> Identity | None:
        """Count and read."""
        self.parsed += 1
        return super().read_point(name, point, sender, temporality)


def parsed(body: bytes) -> int:
    """Return how many points protobuf has to parse."""
    reader = Counting(Decoded(), cumulative=True)
    assert read_quickly(body, reader)
    return reader.parsed


def as_libraries_write(body: bytes) -> bytes:
    """Return a request with its fields in the order of their numbers."""
    return ExportMetricsServiceRequest.FromString(body).SerializeToString()


@pytest.mark.parametrize("written", [bytes, as_libraries_write])
def test_what_is_known_is_not_parsed(
    profile: mw.Profile, written: Callable[[bytes], bytes]
) -> None:
    """Of the next window of any replica, only exponential histograms are new."""
    first = written(encode_metrics(profile, resource=RESOURCE))
    decode_metrics(first)
    profile.end_ns += 7
    profile.rows += 1
    other = RESOURCE | {"service.instance.id": "another"}
    for _ in range(PASSES):
        assert parsed(written(encode_metrics(profile, resource=other))) == 1


def test_numbers_that_are_not_told_cost_nothing(profile: mw.Profile) -> None:
    """A histogram of values below zero has no sum."""
    body = encode_metrics(profile, resource=RESOURCE)

    def leave_out(request: ExportMetricsServiceRequest) -> None:
        points = metric(request, names.FEATURE_VALUE).histogram.data_points
        points[0].ClearField("sum")
        points[1].ClearField("min")

    assert_same(changed(body, leave_out))
    assert parsed(changed(body, leave_out)) == 1


def test_one_new_point_is_parsed_alone(profile: mw.Profile) -> None:
    """A category that comes up makes nothing else slow."""
    for _ in range(PASSES):
        body = encode_metrics(profile, resource=RESOURCE)
        decode_metrics(body)

    def add(request: ExportMetricsServiceRequest) -> None:
        points = metric(request, names.FEATURE_CATEGORIES).sum.data_points
        points.add().CopyFrom(points[0])
        points[-1].attributes[-1].value.string_value = "never seen before"

    again = changed(body, add)
    before = as_libraries_write(body)
    for _ in range(PASSES):
        decode_metrics(before)
    assert parsed(again) == 2
    assert_same(again)


def test_exemplars_and_doubles_cost_speed_alone(profile: mw.Profile) -> None:
    """What cannot be known is parsed every time, and read right."""

    def add(request: ExportMetricsServiceRequest) -> None:
        point = metric(request, names.PREDICTION_DURATION).histogram.data_points[0]
        point.exemplars.add(as_double=0.5)
        rows = metric(request, names.ROWS_CAPTURED).sum.data_points[0]
        rows.as_double = float(rows.as_int)

    body = changed(encode_metrics(profile, resource=RESOURCE), add)
    assert_same(body)
    assert parsed(body) == 3
