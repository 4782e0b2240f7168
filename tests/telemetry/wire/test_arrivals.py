from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

import modelwatch as mw
from modelwatch.errors import FormatError
from modelwatch.telemetry import names
from modelwatch.telemetry.wire import (
    Arrival,
    Other,
    Series,
    SeriesSet,
    decode_logs,
    decode_metrics,
    encode_logs,
    encode_metrics,
    fold_other,
    to_profile,
)
from modelwatch.telemetry.wire.arrivals import others_from_bytes, others_to_bytes
from tests.telemetry.wire.test_wire import RESOURCE, as_sent, changed, document, metric, profile

__all__ = ["profile"]

FloatArray = npt.NDArray[np.float64]


def floats_of(arrival: Arrival) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return sums, minima and maxima."""
    return arrival.sums, arrival.minima, arrival.maxima


def profile_of(arrivals: Iterable[Arrival]) -> mw.Profile:
    """Return what arrivals of one window tell."""
    told = [to_profile(one.window, one.series_set, one.counts, *floats_of(one)) for one in arrivals]
    for found, arrival in zip(told, arrivals, strict=True):
        for other in arrival.others:
            fold_other(found, other)
    whole = told[0]
    for part in told[1:]:
        whole = whole.merge(part)
    return whole


def test_arrivals_give_the_profile_that_was_sent(profile: mw.Profile) -> None:
    """One arrival a request, and of metrics and logs together the profile to the last digit."""
    metrics = decode_metrics(encode_metrics(profile, resource=RESOURCE)).arrivals
    logs = decode_logs(encode_logs(profile, resource=RESOURCE)).arrivals
    assert (len(metrics), len(logs)) == (1, 1)
    assert metrics[0].sender == logs[0].sender
    assert document(profile_of([*metrics, *logs])) == document(as_sent(profile))


def test_an_arrival_is_arrays_of_all_series(profile: mw.Profile) -> None:
    """Counts lie one series after the other, and floats one histogram after the other."""
    (arrival,) = decode_metrics(encode_metrics(profile, resource=RESOURCE)).arrivals
    found = arrival.series_set
    assert arrival.counts.dtype == np.int64
    assert arrival.counts.shape == (found.size,)
    assert arrival.sums.shape == arrival.minima.shape == arrival.maxima.shape
    assert arrival.sums.size == found.histograms
    assert found.offsets.tolist()[-1] == found.size
    at = [series.metric for series in found.series].index(names.ROWS_CAPTURED)
    assert arrival.counts[found.offsets[at]] == profile.rows
    age = next(n for n, s in enumerate(found.series) if (names.FEATURE_NAME, "age") in s.attributes)
    values = profile.features["age"].values
    assert isinstance(values, mw.sketches.Histogram)
    own = arrival.counts[found.offsets[age] : found.offsets[age + 1]]
    assert own.tolist() == values.counts.tolist()
    assert found.series[age].bin_edges.tolist() == values.bin_edges.tolist()


def test_two_windows_share_their_series(profile: mw.Profile) -> None:
    """Only the numbers of the next window are kept anew."""
    (first,) = decode_metrics(encode_metrics(profile, resource=RESOURCE)).arrivals
    profile.end_ns += 1
    other = RESOURCE | {"service.instance.id": "i-2"}
    (second,) = decode_metrics(encode_metrics(profile, resource=other)).arrivals
    assert second.series_set is first.series_set
    assert (second.sender, second.window) != (first.sender, first.window)


def test_the_order_of_attributes_changes_no_identity(profile: mw.Profile) -> None:
    """A resend that went through something that sorts attributes is the same."""
    body = encode_metrics(profile, resource=RESOURCE)
    chance = random.Random(1)

    def shuffle(request: ExportMetricsServiceRequest) -> None:
        holders: list[Any] = [one.resource for one in request.resource_metrics]
        for one in request.resource_metrics[0].scope_metrics[0].metrics:
            holders += getattr(one, str(one.WhichOneof("data"))).data_points
        for holder in holders:
            pairs = list(holder.attributes)
            chance.shuffle(pairs)
            del holder.attributes[:]
            holder.attributes.extend(pairs)

    (sent,) = decode_metrics(body).arrivals
    (again,) = decode_metrics(changed(body, shuffle)).arrivals
    assert (again.sender, again.window) == (sent.sender, sent.window)
    assert again.series_set.key == sent.series_set.key
    assert [one.key for one in again.others] == [one.key for one in sent.others]


def test_a_point_that_is_there_twice_counts_once(profile: mw.Profile) -> None:
    """The first of them counts, as where the second comes in a request of its own."""
    body = encode_metrics(profile, resource=RESOURCE)

    def repeat(request: ExportMetricsServiceRequest) -> None:
        for name in (names.ROWS_CAPTURED, names.FEATURE_VALUE):
            one = metric(request, name)
            points = getattr(one, str(one.WhichOneof("data"))).data_points
            points.add().CopyFrom(points[0])
        metric(request, names.ROWS_CAPTURED).sum.data_points[1].as_int += 5

    decoded = decode_metrics(changed(body, repeat))
    (sent,) = decode_metrics(body).arrivals
    (again,) = decoded.arrivals
    assert (decoded.duplicates, decoded.rejected) == (2, 0)
    assert again.series_set.key == sent.series_set.key
    assert again.counts.tolist() == sent.counts.tolist()


def test_points_of_several_windows_models_and_senders_are_told_apart(profile: mw.Profile) -> None:
    """Each has an arrival of its own, whatever metric or resource they came in."""
    body = encode_metrics(profile, resource=RESOURCE)

    def add(request: ExportMetricsServiceRequest) -> None:
        points = metric(request, names.ROWS_CAPTURED).sum.data_points
        for change in (_other_model, _other_segment, _other_window):
            points.add().CopyFrom(points[0])
            change(points[-1])
        resource = request.resource_metrics.add()
        resource.CopyFrom(request.resource_metrics[0])
        resource.resource.attributes[0].value.string_value = "another"

    arrivals = decode_metrics(changed(body, add)).arrivals
    assert [one.points for one in arrivals[1:4]] == [1, 1, 1]
    assert len({(one.window, one.sender) for one in arrivals}) == 8
    assert arrivals[0].window == arrivals[4].window


def _other_model(point: otlp.NumberDataPoint) -> None:
    next(a for a in point.attributes if a.key == names.MODEL_NAME).value.string_value = "other"


def _other_segment(point: otlp.NumberDataPoint) -> None:
    point.attributes.add(key=names.SEGMENT).value.string_value = "eu"


def _other_window(point: otlp.NumberDataPoint) -> None:
    point.time_unix_nano += 1


def _without_extremes(point: otlp.HistogramDataPoint) -> None:
    for field in ("min", "max", "sum"):
        point.ClearField(field)


def _with_one_extreme(point: otlp.HistogramDataPoint) -> None:
    point.ClearField("min")
    point.sum = float("inf")


@pytest.mark.parametrize("change", [_without_extremes, _with_one_extreme])
def test_what_is_not_told_is_nan(
    profile: mw.Profile, change: Callable[[otlp.HistogramDataPoint], None]
) -> None:
    """A sum, a minimum and a maximum are optional; half of the extremes is none."""
    body = encode_metrics(profile, resource=RESOURCE)

    def leave_out(request: ExportMetricsServiceRequest) -> None:
        change(metric(request, names.FEATURE_VALUE).histogram.data_points[0])

    (arrival,) = decode_metrics(changed(body, leave_out)).arrivals
    assert np.isnan([one[0] for one in floats_of(arrival)]).all()
    assert np.isfinite([one[1] for one in floats_of(arrival)]).all()


def test_a_histogram_without_bins_is_its_count(profile: mw.Profile) -> None:
    """OTLP lets a histogram have neither bounds nor counts."""
    body = encode_metrics(profile, resource=RESOURCE)

    def leave_out(request: ExportMetricsServiceRequest) -> None:
        point = metric(request, names.PREDICTION_DURATION).histogram.data_points[0]
        point.ClearField("bucket_counts")
        point.ClearField("explicit_bounds")

    decoded = decode_metrics(changed(body, leave_out))
    assert decoded.rejected == 0
    received = profile_of(decoded.arrivals)
    assert received.duration.total == profile.duration.total
    assert received.duration_sum_seconds == profile.duration_sum_seconds


def test_a_point_without_a_recorded_value_is_skipped(profile: mw.Profile) -> None:
    """A flag says that there is nothing to read."""
    body = encode_metrics(profile, resource=RESOURCE)

    def flag(request: ExportMetricsServiceRequest) -> None:
        metric(request, names.ROWS_CAPTURED).sum.data_points[0].flags = 1

    decoded = decode_metrics(changed(body, flag))
    assert (decoded.rejected, decoded.foreign) == (0, 0)
    assert profile_of(decoded.arrivals).rows == 0


def test_cumulative_points_are_taken_where_asked_for(profile: mw.Profile) -> None:
    """They come in arrivals of their own; elsewhere they are rejected with the remedy."""
    body = encode_metrics(profile, resource=RESOURCE, temporality="cumulative")
    (arrival,) = decode_metrics(body, cumulative=True).arrivals
    assert arrival.temporality == "cumulative"
    assert [other.name for other in arrival.others] == [names.FEATURE_VALUE]
    decoded = decode_metrics(body)
    assert (decoded.arrivals, decoded.rejected) == ([], arrival.points)
    assert "delta" in decoded.message


def test_contradicting_series_are_left_out(profile: mw.Profile) -> None:
    """Of a feature on two sorts of bins the first counts, and nothing fails."""
    (arrival,) = decode_metrics(encode_metrics(profile, resource=RESOURCE)).arrivals
    first = arrival.series_set.series[0]
    other = Series(first.metric, first.kind, first.attributes, np.array([0.0]).tobytes())
    both = SeriesSet((*arrival.series_set.series, other))
    counts = np.append(arrival.counts, [1, 2])
    floats = [np.append(one, np.nan) for one in floats_of(arrival)]
    received = to_profile(arrival.window, both, counts, *floats)
    expected = to_profile(arrival.window, arrival.series_set, arrival.counts, *floats_of(arrival))
    assert document(received) == document(expected)


def attributed(count: int) -> list[KeyValue]:
    """Return so many attributes of a point of ours."""
    told = {names.MODEL_NAME: "m", names.MODEL_VERSION: "1"}
    told |= {f"a{number}": "x" for number in range(count - len(told))}
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in told.items()]


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        (otlp.NumberDataPoint(as_int=2**53 + 1), "no count"),
        (otlp.NumberDataPoint(as_int=-1), "-1 is no count"),
        (otlp.NumberDataPoint(as_double=0.5), "no count"),
        (otlp.NumberDataPoint(as_double=float("nan")), "no count"),
        (otlp.NumberDataPoint(as_double=float("inf")), "no count"),
        (otlp.NumberDataPoint(as_int=1, attributes=attributed(200_000)), "128 at most"),
        (
            otlp.NumberDataPoint(
                as_int=1, attributes=[KeyValue(key="k" * 10**6, value=AnyValue(int_value=1))]
            ),
            "16384 at most",
        ),
        (otlp.HistogramDataPoint(bucket_counts=[1, 2**64 - 1], explicit_bounds=[0]), "no count"),
        (otlp.HistogramDataPoint(bucket_counts=[1, 2], explicit_bounds=[1, 2]), "bounds need 3"),
        (otlp.HistogramDataPoint(bucket_counts=[1], explicit_bounds=[1]), "bounds need 2"),
        (otlp.HistogramDataPoint(count=3, explicit_bounds=[1]), "bounds need 2"),
        (otlp.HistogramDataPoint(count=2**60), "no count"),
        (otlp.HistogramDataPoint(bucket_counts=[1] * 3, explicit_bounds=[2, 1]), "bin_edges"),
        (otlp.HistogramDataPoint(bucket_counts=[1] * 3, explicit_bounds=[1, 1]), "bin_edges"),
        (
            otlp.HistogramDataPoint(bucket_counts=[1, 1], explicit_bounds=[float("nan")]),
            "bin_edges",
        ),
        (
            otlp.HistogramDataPoint(bucket_counts=[0] * 9_000, explicit_bounds=range(8_999)),
            "4096 at most",
        ),
    ],
)
def test_hostile_points_are_rejected_alone(
    point: otlp.NumberDataPoint | otlp.HistogramDataPoint, reason: str
) -> None:
    """Each with its reason; the others of the same metric are taken, every time."""
    good = type(point)(time_unix_nano=5, attributes=attributed(2))
    if isinstance(good, otlp.NumberDataPoint):
        good.as_int = 1
    else:
        good.bucket_counts[:] = [1]
    if len(point.attributes) < 2:
        point.attributes.extend(attributed(3))
    point.time_unix_nano = 5
    data = type(point).__name__.removesuffix("DataPoint")
    kind = {"Number": "sum", "Histogram": "histogram"}[data]
    name = names.ROWS_CAPTURED if kind == "sum" else names.PREDICTION_DURATION
    request = ExportMetricsServiceRequest()
    found = request.resource_metrics.add().scope_metrics.add().metrics.add(name=name)
    getattr(found, kind).aggregation_temporality = otlp.AGGREGATION_TEMPORALITY_DELTA
    getattr(found, kind).data_points.extend([point, good])
    for _ in range(3):
        decoded = decode_metrics(request.SerializeToString())
        assert decoded.rejected == 1
        assert reason in decoded.message
        assert [one.points for one in decoded.arrivals] == [1]


def test_series_survive_as_text(profile: mw.Profile) -> None:
    """What is stored of a series gives the same series, key and all."""
    (arrival,) = decode_metrics(encode_metrics(profile, resource=RESOURCE)).arrivals
    read = [Series.from_json(one.to_json()) for one in arrival.series_set.series]
    assert SeriesSet(tuple(read)).key == arrival.series_set.key
    assert [one.bounds for one in read] == [one.bounds for one in arrival.series_set.series]


@pytest.mark.parametrize(
    "content", ["", "[]", "7", '["a","sum",[["b",1]],[]]', '["a","x",[],[]]', '["a","sum",[],[1]]']
)
def test_damaged_series_are_refused(content: str) -> None:
    """Whatever the file holds, only our own error comes of it."""
    with pytest.raises(FormatError, match="series"):
        Series.from_json(content)


def test_others_survive_as_bytes() -> None:
    """Points that do not add up are stored as they came."""
    others = [Other(-(2**63), "a", b""), Other(5, "ü", b"payload")]
    content = others_to_bytes(others)
    assert others_from_bytes(content) == others
    for size in range(1, len(content)):
        if size != len(others_to_bytes(others[:1])):
            with pytest.raises(FormatError, match="no points"):
                others_from_bytes(content[:size])
