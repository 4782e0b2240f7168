"""The wire: what is sent is what arrives, and what is wrong is refused with its reason."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from modelwatch.baseline import Baseline
from modelwatch.comparing import compare
from modelwatch.errors import UndecodableTelemetry
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.sketches import (
    Categories,
    ExponentialHistogram,
    Histogram,
    JointMoments,
    Moments,
)
from modelwatch.sketches.log_window import from_window, to_window
from modelwatch.sketches.rounded_factor import RoundedFactor
from modelwatch.telemetry import names
from modelwatch.telemetry.wire import (
    decode_logs,
    decode_metrics,
    encode_logs,
    encode_metrics,
)
from modelwatch.telemetry.wire.encoding import SelfMetrics
from tests.received_points import assemble, points_in

Table = dict[str, Any]
RESOURCE = {"service.name": "churn", "service.instance.id": "i-1"}
START, END = 1_700_000_000_000_000_000, 1_700_000_060_000_000_000


@pytest.fixture
def profile(baseline: Baseline, table: Callable[..., Table]) -> Profile:
    """A window with everything in it that a profile can hold."""
    data = table(3, 700) | {"extra": np.linspace(-5, 5, 700), "note": ["x", "ü"] * 350}
    data["country"][:3] = ["zz", None, 5]
    data["age"][0] = np.nan
    profile = Profile.empty("churn", "3", baseline=baseline, instance="i-1", start_ns=START)
    profile.update(data)
    profile.record_calls([0.001] * 9 + [3.0], {"ValueError": 2})
    profile.dropped["buffer_full"] = 4
    profile.mismatches["numpy"] = 1
    profile.end_ns = END
    return profile


def document(profile: Profile) -> dict[str, Any]:
    """Return a profile's document, its features in order of name."""
    body: dict[str, Any] = json.loads(profile.to_json())
    body["features"].sort(key=lambda feature: feature["name"])
    return body


def about_the_mean(moments: Moments | None) -> Moments | None:
    """Return the same moments, with the mean for their shift."""
    if moments is None or not moments.n:
        return moments
    return Moments(
        shift=moments.mean,
        n=moments.n,
        m2=moments.m2,
        minimum=moments.minimum,
        maximum=moments.maximum,
    )


def joint_as_sent(profile: Profile) -> JointMoments | None:
    """Return co-moments about their means, rounded; those of whole columns as each is alone."""
    joint = profile.joint
    if joint is None:
        return None
    means, squares = joint.shift + joint.mean_offset, np.diag(joint.m2).copy()
    for at, name in enumerate(joint.names):
        alone = profile.features[name].moments
        if alone is not None and alone.n == joint.n:
            means[at], squares[at] = alone.mean, alone.m2
    m2 = RoundedFactor.of(joint.m2, joint.n).m2(squares)
    return JointMoments(joint.names, means, n=joint.n, m2=m2)


def values_as_sent(feature: FeatureProfile) -> Histogram | ExponentialHistogram | Categories:
    """Return an exponential histogram as far as its array keeps it, and others as they are."""
    values, moments = feature.values, feature.moments
    if not isinstance(values, ExponentialHistogram) or moments is None:
        return values
    return from_window(to_window(values), moments.minimum, moments.maximum)


def as_sent(profile: Profile) -> Profile:
    """Return the profile as far as the wire keeps it."""
    found = copy.copy(profile)
    found.joint = joint_as_sent(profile)
    found.features = {
        name: replace(
            feature,
            values=values_as_sent(feature),
            moments=about_the_mean(feature.moments),
        )
        for name, feature in profile.features.items()
    }
    return found


def changed(body: bytes, change: Callable[[ExportMetricsServiceRequest], None]) -> bytes:
    """Return a request with something done to it."""
    request = ExportMetricsServiceRequest.FromString(body)
    change(request)
    return request.SerializeToString()


def metric(request: ExportMetricsServiceRequest, name: str) -> otlp.Metric:
    """Return a request's metric of a name."""
    found = request.resource_metrics[0].scope_metrics[0].metrics
    return next(one for one in found if one.name == name)


def test_a_profile_survives_the_wire(profile: Profile) -> None:
    """Metrics and moments together give the profile that was sent, to the last digit; co-moments
    come as those of the rounded factor."""
    metrics = decode_metrics(encode_metrics(profile, resource=RESOURCE))
    logs = decode_logs(encode_logs(profile, resource=RESOURCE))
    assert (metrics.rejected, logs.rejected, metrics.foreign) == (0, 0, 0)
    (received,) = assemble([*points_in(metrics), *points_in(logs)])
    assert document(received) == document(as_sent(profile))


def test_metrics_without_moments_give_the_same_verdicts(
    profile: Profile, baseline: Baseline
) -> None:
    """A client that sends histograms alone is judged alike but for mean and spread."""
    (received,) = assemble(points_in(decode_metrics(encode_metrics(profile, resource=RESOURCE))))
    for name, found in compare(baseline, received).features.items():
        expected = compare(baseline, profile).features[name]
        assert (found.psi, found.ks, found.p_value) == (
            expected.psi,
            expected.ks,
            expected.p_value,
        )
        assert (found.severity, found.missing_rate) == (expected.severity, expected.missing_rate)


def test_a_profile_without_a_baseline_survives_the_wire() -> None:
    """Exponential histograms go both ways."""
    blind = Profile.empty("m", "1", instance="i-1", start_ns=START)
    blind.update({"x": [1e-30, -3.0, 0.0, 7.0, 1e9], "c": ["a", "b", "a", None, "c"]})
    blind.end_ns = END
    metrics = decode_metrics(encode_metrics(blind, resource=RESOURCE))
    logs = decode_logs(encode_logs(blind, resource=RESOURCE))
    (received,) = assemble([*points_in(metrics), *points_in(logs)])
    assert document(received) == document(as_sent(blind))


def test_sums_are_told_of_values_of_zero_or_more_alone() -> None:
    """OTLP takes a sum for a counter; one that is told is right to nine digits."""
    told = {"up": [1.0, 2.5, 1e9 / 3], "down": [-1.0, 2.0, 3.0], "huge": [1e139, 2e139, 3e139]}
    blind = Profile.empty("m", "1", start_ns=START)
    blind.update(told | {"none": [0.0, None, None]})
    blind.end_ns = END
    request = ExportMetricsServiceRequest.FromString(encode_metrics(blind, resource=RESOURCE))
    points = metric(request, names.FEATURE_VALUE).exponential_histogram.data_points
    sums = {
        next(one.value.string_value for one in point.attributes if one.key == names.FEATURE_NAME): (
            point.sum if point.HasField("sum") else None
        )
        for point in points
    }
    assert sums == {
        "up": pytest.approx(sum(told["up"]), rel=2e-9),
        "down": None,
        "huge": pytest.approx(6e139, rel=2e-9),
        "none": 0.0,
    }


def test_every_metric_is_plain_delta_otlp(profile: Profile) -> None:
    """Names, kinds and temporality are what other backends and clients rely on."""
    request = ExportMetricsServiceRequest.FromString(encode_metrics(profile, resource=RESOURCE))
    kinds: dict[str, set[str]] = {}
    for one in request.resource_metrics[0].scope_metrics[0].metrics:
        kind = one.WhichOneof("data")
        assert kind is not None
        assert getattr(one, kind).aggregation_temporality == otlp.AGGREGATION_TEMPORALITY_DELTA
        kinds.setdefault(one.name, set()).add(kind)
    assert kinds == {
        "modelwatch.feature.value": {"histogram", "exponential_histogram"},
        "modelwatch.feature.categories": {"sum"},
        "modelwatch.feature.missing_values": {"sum"},
        "modelwatch.feature.outliers": {"sum"},
        "modelwatch.predictions": {"sum"},
        "modelwatch.prediction.duration": {"histogram"},
        "modelwatch.rows.captured": {"sum"},
        "modelwatch.rows.outlying": {"sum"},
        "modelwatch.rows.dropped": {"sum"},
        "modelwatch.fingerprint.mismatches": {"sum"},
    }


def test_the_same_is_said_in_cumulative_terms(profile: Profile) -> None:
    """Nothing but the temporality differs, and our own collector says how to change it."""
    delta = encode_metrics(profile, resource=RESOURCE)
    body = encode_metrics(profile, resource=RESOURCE, temporality="cumulative")

    def as_delta(request: ExportMetricsServiceRequest) -> None:
        for one in request.resource_metrics[0].scope_metrics[0].metrics:
            data = getattr(one, str(one.WhichOneof("data")))
            assert data.aggregation_temporality == otlp.AGGREGATION_TEMPORALITY_CUMULATIVE
            data.aggregation_temporality = otlp.AGGREGATION_TEMPORALITY_DELTA

    assert changed(body, as_delta) == changed(delta, lambda request: None)
    decoded = decode_metrics(body)
    assert (points_in(decoded), decoded.rejected > 10) == ([], True)
    assert "TEMPORALITY_PREFERENCE=delta" in decoded.message


def test_what_the_exporter_tells_of_itself_is_taken(profile: Profile) -> None:
    """Failures by what became of them and lost events by reason; a profile holds neither."""
    own = SelfMetrics(export_failures={"refused": 2, "partial": 1}, events_dropped={"fault": 3})
    body = encode_metrics(profile, resource=RESOURCE, own=own)
    request = ExportMetricsServiceRequest.FromString(body)
    failures = metric(request, "modelwatch.export.failures").sum.data_points
    assert {one.attributes[-1].value.string_value: one.as_int for one in failures} == {
        "partial": 1,
        "refused": 2,
    }
    (dropped,) = metric(request, "modelwatch.events.dropped").sum.data_points
    assert (dropped.attributes[-1].key, dropped.as_int) == ("modelwatch.drop.reason", 3)
    decoded = decode_metrics(body)
    assert (decoded.foreign, decoded.rejected) == (0, 0)
    (received,) = assemble(points_in(decoded))
    assert received.rows == profile.rows


def test_each_point_has_a_key_of_its_own(profile: Profile) -> None:
    """Keys differ within a request, are the same for the same bytes, and fit 64 signed bits."""
    body = encode_metrics(profile, resource=RESOURCE)
    keys = [point.key for point in points_in(decode_metrics(body))]
    assert len(set(keys)) == len(keys)
    assert keys == [point.key for point in points_in(decode_metrics(body))]
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_another_instance_or_window_has_other_keys(profile: Profile) -> None:
    """Two replicas that count alike are both counted, and so are two windows."""
    first = {
        point.key for point in points_in(decode_metrics(encode_metrics(profile, resource=RESOURCE)))
    }
    other = RESOURCE | {"service.instance.id": "i-2"}
    second = {
        point.key for point in points_in(decode_metrics(encode_metrics(profile, resource=other)))
    }
    profile.end_ns += 1
    third = {
        point.key for point in points_in(decode_metrics(encode_metrics(profile, resource=RESOURCE)))
    }
    assert not first & second
    assert not first & third


def test_requests_cut_anywhere_give_the_whole(profile: Profile) -> None:
    """A collector in between may spread one export over several requests."""
    points = points_in(decode_metrics(encode_metrics(profile, resource=RESOURCE)))
    (whole,) = assemble(points)
    (first,), (second,) = assemble(points[:7]), assemble(points[7:])
    assert document(second.merge(first)) == document(whole)


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"not protobuf", b"\x0a\xff"])
def test_undecodable_bytes_are_refused(body: bytes) -> None:
    """The error says what was expected."""
    with pytest.raises(UndecodableTelemetry, match="ExportMetricsServiceRequest"):
        decode_metrics(body)
    with pytest.raises(UndecodableTelemetry, match="ExportLogsServiceRequest"):
        decode_logs(body)


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(body: bytes) -> None:
    """Whatever comes in, nothing but our own error goes out."""
    for decode in (decode_metrics, decode_logs):
        try:
            decoded = decode(body)
        except UndecodableTelemetry:
            continue
        assert points_in(decoded) == []


def test_foreign_metrics_are_passed_over(profile: Profile) -> None:
    """Another library's metrics in the same request are neither used nor refused."""
    body = encode_metrics(profile, resource=RESOURCE)

    def add(request: ExportMetricsServiceRequest) -> None:
        point = otlp.NumberDataPoint(as_int=1, time_unix_nano=END)
        foreign = otlp.Metric(name="http.requests", sum=otlp.Sum(data_points=[point]))
        request.resource_metrics[0].scope_metrics[0].metrics.append(foreign)

    decoded = decode_metrics(changed(body, add))
    assert (decoded.foreign, decoded.rejected) == (1, 0)
    assert len(points_in(decoded)) == len(points_in(decode_metrics(body)))


def _cumulative(request: ExportMetricsServiceRequest) -> None:
    counts = metric(request, names.ROWS_CAPTURED).sum
    counts.aggregation_temporality = otlp.AGGREGATION_TEMPORALITY_CUMULATIVE


def _negative(request: ExportMetricsServiceRequest) -> None:
    metric(request, names.ROWS_CAPTURED).sum.data_points[0].as_int = -1


def _without_model(request: ExportMetricsServiceRequest) -> None:
    del metric(request, names.ROWS_CAPTURED).sum.data_points[0].attributes[:]


def _without_time(request: ExportMetricsServiceRequest) -> None:
    metric(request, names.ROWS_CAPTURED).sum.data_points[0].time_unix_nano = 0


def _as_gauge(request: ExportMetricsServiceRequest) -> None:
    one = metric(request, names.ROWS_CAPTURED)
    points = list(one.sum.data_points)
    one.gauge.data_points.extend(points)


def _bad_bounds(request: ExportMetricsServiceRequest) -> None:
    metric(request, names.PREDICTION_DURATION).histogram.data_points[0].explicit_bounds[0] = 1e9


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_cumulative, "delta"),
        (_negative, "no count"),
        (_without_model, "model.name"),
        (_without_time, "times"),
        (_as_gauge, "gauge"),
        (_bad_bounds, "bin_edges"),
    ],
)
def test_a_point_that_cannot_be_used_is_rejected_alone(
    profile: Profile, change: Callable[[ExportMetricsServiceRequest], None], reason: str
) -> None:
    """The others are taken, and the message says what was wrong."""
    body = encode_metrics(profile, resource=RESOURCE)
    decoded = decode_metrics(changed(body, change))
    assert decoded.rejected == 1
    assert reason in decoded.message
    assert len(points_in(decoded)) == len(points_in(decode_metrics(body))) - 1


@pytest.mark.parametrize("body", [b"", b"\0" * 8, b"\xff" * 8 * 100])
def test_damaged_moments_are_rejected(profile: Profile, body: bytes) -> None:
    """Numbers too few, or none at all, spoil no verdict."""
    request = ExportLogsServiceRequest.FromString(encode_logs(profile, resource=RESOURCE))
    request.resource_logs[0].scope_logs[0].log_records[0].body.bytes_value = body
    decoded = decode_logs(request.SerializeToString())
    assert (decoded.rejected, points_in(decoded)) == (1, [])


def test_moments_of_no_numbers_are_not_sent() -> None:
    """A profile without numeric features needs no event."""
    profile = Profile.empty("m", "1", start_ns=START)
    profile.update({"c": ["a"]})
    assert encode_logs(profile, resource=RESOURCE) == b""
