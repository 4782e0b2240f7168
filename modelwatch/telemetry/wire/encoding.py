"""Profiles to OTLP messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from modelwatch.feature import FeatureProfile
from modelwatch.performance import ScoreSummary
from modelwatch.profile import Profile
from modelwatch.sketches import Categories, ExponentialHistogram, Histogram
from modelwatch.telemetry import names

__all__ = ["encode_logs", "encode_metrics"]

AttributeValue = str | int | float | bool
DELTA = otlp.AGGREGATION_TEMPORALITY_DELTA


def encode_metrics(
    profile: Profile,
    *,
    resource: Mapping[str, AttributeValue],
    export_failures: int = 0,
) -> bytes:
    """Return an ``ExportMetricsServiceRequest``, serialised, with all of a profile but its moments.

    Args:
        profile: one window of one process.
        resource: attributes of the process, ``service.instance.id`` among them.
        export_failures: how many exports failed since the last that did not.
    """
    window = _Window(profile)
    metrics = [
        *_value_metrics(profile, window),
        _sum(names.FEATURE_CATEGORIES, "{observation}", _category_points(profile, window)),
        _sum(
            names.FEATURE_MISSING,
            "{observation}",
            _odd_points(profile, window, "missing", names.MISSING_REASON),
        ),
        _sum(
            names.FEATURE_OUTLIERS,
            "{observation}",
            _odd_points(profile, window, "outliers", names.OUTLIER_RULE),
        ),
        _sum(names.PREDICTIONS, "{prediction}", _prediction_points(profile, window)),
        _duration_metric(profile, window),
        _sum(names.ROWS_CAPTURED, "{row}", [window.count(profile.rows, {})]),
        _sum(names.ROWS_OUTLYING, "{row}", [window.count(profile.outlier_rows, {})]),
        _sum(
            names.ROWS_DROPPED,
            "{row}",
            [
                window.count(count, {names.DROP_REASON: reason})
                for reason, count in sorted(profile.dropped.items())
            ],
        ),
        _sum(names.EXPORT_FAILURES, "{export}", [window.count(export_failures, {})]),
    ]
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add(resource=_resource(resource)).scope_metrics.add(
        scope=InstrumentationScope(name=names.SCOPE)
    )
    scope.metrics.extend(metric for metric in metrics if metric.WhichOneof("data"))
    return request.SerializeToString()


def encode_logs(profile: Profile, *, resource: Mapping[str, AttributeValue]) -> bytes:
    """Return an ``ExportLogsServiceRequest``, serialised, with what no metric can hold.

    The body of the event ``modelwatch.feature.moments`` is an array of little-endian float64: n,
    shift, mean - shift, sum of squared deviations, minimum and maximum of each feature of
    ``modelwatch.feature.names``; then, for the d features of ``modelwatch.feature.joint_names``,
    the number of complete rows, their d shifts, d means - shift and the upper triangle of the
    co-moments, row by row. Those of ``modelwatch.performance.scores`` and
    ``modelwatch.performance.inputs``, from which performance is estimated without labels, are JSON
    of a `ScoreSummary` and of `QuadraticMoments`.

    Returns:
        Empty bytes where the profile has none of these.
    """
    moments = _moments_record(profile)
    records = [*([moments] if moments is not None else []), *_performance_records(profile)]
    if not records:
        return b""
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add(resource=_resource(resource)).scope_logs.add(
        scope=InstrumentationScope(name=names.SCOPE)
    )
    scope.log_records.extend(records)
    return request.SerializeToString()


def _moments_record(profile: Profile) -> LogRecord | None:
    numeric = [
        (feature, feature.moments)
        for feature in profile.features.values()
        if feature.moments is not None and feature.moments.n
    ]
    if not numeric:
        return None
    parts = [
        np.array([m.n, m.shift, m.mean_offset, m.m2, m.minimum, m.maximum]) for _, m in numeric
    ]
    joint = profile.joint if profile.joint is not None and profile.joint.n else None
    if joint is not None:
        upper = joint.m2[np.triu_indices(len(joint.names))]
        parts += [np.array([joint.n]), joint.shift, joint.mean_offset, upper]
    features = [feature for feature, _ in numeric]
    record = _record(profile, names.FEATURE_MOMENTS)
    record.body.bytes_value = np.concatenate(parts).astype("<f8").tobytes()
    record.attributes.extend(
        [
            _texts(names.MOMENT_NAMES, [feature.name for feature in features]),
            _texts(names.MOMENT_ROLES, [feature.role for feature in features]),
            _texts(names.JOINT_NAMES, joint.names if joint is not None else []),
        ]
    )
    return record


def _performance_records(profile: Profile) -> Iterator[LogRecord]:
    parts = {
        names.PERFORMANCE_SCORES: profile.scores,
        names.PERFORMANCE_INPUTS: profile.quadratic,
    }
    for event, part in parts.items():
        if part is not None and (part.rows or (isinstance(part, ScoreSummary) and part.refused)):
            record = _record(profile, event)
            record.body.string_value = json.dumps(part.to_dict(), separators=(",", ":"))
            yield record


def _record(profile: Profile, event: str) -> LogRecord:
    return LogRecord(
        time_unix_nano=profile.end_ns,
        observed_time_unix_nano=profile.end_ns,
        event_name=event,
        attributes=_attributes({**_common(profile), names.WINDOW_START: profile.start_ns}),
    )


class _Window:
    """Makes points of one profile: its times, and the attributes that all of them have."""

    def __init__(self, profile: Profile) -> None:
        self.start_ns = profile.start_ns
        self.end_ns = profile.end_ns
        self.common = _attributes(_common(profile))

    def attributes(self, more: Mapping[str, AttributeValue]) -> list[KeyValue]:
        return [*self.common, *_attributes(more)]

    def count(self, count: int, more: Mapping[str, AttributeValue]) -> otlp.NumberDataPoint | None:
        """Return a point of a sum, or None where there is nothing to tell."""
        if not count:
            return None
        return otlp.NumberDataPoint(
            attributes=self.attributes(more),
            start_time_unix_nano=self.start_ns,
            time_unix_nano=self.end_ns,
            as_int=int(count),
        )


def _value_metrics(profile: Profile, window: _Window) -> Iterator[otlp.Metric]:
    explicit, exponential = [], []
    for feature in profile.features.values():
        if isinstance(feature.values, Histogram) and feature.observed:
            explicit.append(_histogram_point(feature, feature.values, window))
        elif isinstance(feature.values, ExponentialHistogram) and feature.observed:
            exponential.append(_exponential_point(feature, feature.values, window))
    if explicit:
        histogram = otlp.Histogram(data_points=explicit, aggregation_temporality=DELTA)
        yield otlp.Metric(name=names.FEATURE_VALUE, unit="1", histogram=histogram)
    if exponential:
        yield otlp.Metric(
            name=names.FEATURE_VALUE,
            unit="1",
            exponential_histogram=otlp.ExponentialHistogram(
                data_points=exponential, aggregation_temporality=DELTA
            ),
        )


def _histogram_point(
    feature: FeatureProfile, values: Histogram, window: _Window
) -> otlp.HistogramDataPoint:
    point = otlp.HistogramDataPoint(
        attributes=window.attributes(_of_feature(feature)),
        start_time_unix_nano=window.start_ns,
        time_unix_nano=window.end_ns,
        count=values.total,
        bucket_counts=values.counts.tolist(),
        explicit_bounds=values.bin_edges.tolist(),
    )
    _set_summary(point, feature)
    return point


def _exponential_point(
    feature: FeatureProfile, values: ExponentialHistogram, window: _Window
) -> otlp.ExponentialHistogramDataPoint:
    point = otlp.ExponentialHistogramDataPoint(
        attributes=window.attributes(_of_feature(feature)),
        start_time_unix_nano=window.start_ns,
        time_unix_nano=window.end_ns,
        count=values.total,
        scale=values.scale,
        zero_count=values.zero_count,
        zero_threshold=values.zero_threshold,
        positive=_buckets(values.positive),
        negative=_buckets(values.negative),
    )
    _set_summary(point, feature)
    return point


def _buckets(counts: Mapping[int, int]) -> otlp.ExponentialHistogramDataPoint.Buckets:
    if not counts:
        return otlp.ExponentialHistogramDataPoint.Buckets()
    first, last = min(counts), max(counts)
    dense = [counts.get(index, 0) for index in range(first, last + 1)]
    return otlp.ExponentialHistogramDataPoint.Buckets(offset=first, bucket_counts=dense)


def _set_summary(
    point: otlp.HistogramDataPoint | otlp.ExponentialHistogramDataPoint, feature: FeatureProfile
) -> None:
    moments = feature.moments
    if moments is not None and moments.n:
        point.sum = moments.mean * moments.n
        point.min, point.max = moments.minimum, moments.maximum


def _category_points(profile: Profile, window: _Window) -> Iterator[otlp.NumberDataPoint | None]:
    for feature in profile.features.values():
        if isinstance(feature.values, Categories):
            common = _of_feature(feature)
            values = feature.values
            unnamed = {
                names.OTHER_CATEGORIES: values.other,
                names.UNSEEN_CATEGORIES: values.unseen,
            }
            for category, count in [*values.counts.items(), *unnamed.items()]:
                yield window.count(count, {**common, names.FEATURE_CATEGORY: category})


def _odd_points(
    profile: Profile, window: _Window, counts: Literal["missing", "outliers"], attribute: str
) -> Iterator[otlp.NumberDataPoint | None]:
    """Yield how many values of each feature were missing for a reason, or broke a rule."""
    for feature in profile.features.values():
        common = _of_feature(feature)
        if isinstance(feature.values, Categories):
            common[names.FEATURE_KIND] = feature.kind
        for reason, count in getattr(feature, counts).items():
            yield window.count(count, {**common, attribute: reason})


def _prediction_points(profile: Profile, window: _Window) -> Iterator[otlp.NumberDataPoint | None]:
    for error_type, count in sorted(profile.predictions.items()):
        yield window.count(count, {names.ERROR_TYPE: error_type} if error_type else {})


def _duration_metric(profile: Profile, window: _Window) -> otlp.Metric:
    if not profile.duration.total:
        return otlp.Metric(name=names.PREDICTION_DURATION)
    point = otlp.HistogramDataPoint(
        attributes=window.attributes({}),
        start_time_unix_nano=window.start_ns,
        time_unix_nano=window.end_ns,
        count=profile.duration.total,
        sum=profile.duration_sum_seconds,
        bucket_counts=profile.duration.counts.tolist(),
        explicit_bounds=profile.duration.bin_edges.tolist(),
    )
    histogram = otlp.Histogram(data_points=[point], aggregation_temporality=DELTA)
    return otlp.Metric(name=names.PREDICTION_DURATION, unit="s", histogram=histogram)


def _sum(
    name: str,
    unit: str,
    points: Iterator[otlp.NumberDataPoint | None] | Sequence[otlp.NumberDataPoint | None],
) -> otlp.Metric:
    found = [point for point in points if point is not None]
    if not found:
        return otlp.Metric(name=name)
    counts = otlp.Sum(data_points=found, aggregation_temporality=DELTA, is_monotonic=True)
    return otlp.Metric(name=name, unit=unit, sum=counts)


def _common(profile: Profile) -> dict[str, AttributeValue]:
    optional = {names.BASELINE_ID: profile.baseline_id, names.SEGMENT: profile.segment}
    found: dict[str, AttributeValue] = {
        names.MODEL_NAME: profile.model,
        names.MODEL_VERSION: profile.version,
    }
    found.update({name: value for name, value in optional.items() if value is not None})
    return found


def _of_feature(feature: FeatureProfile) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {
        names.FEATURE_NAME: feature.name,
        names.FEATURE_ROLE: feature.role,
    }
    if feature.kind == "probability":
        found[names.FEATURE_KIND] = feature.kind
    return found


def _resource(attributes: Mapping[str, AttributeValue]) -> Resource:
    return Resource(attributes=_attributes(attributes))


def _attributes(values: Mapping[str, AttributeValue]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any_value(value)) for key, value in values.items()]


def _any_value(value: AttributeValue) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=value.encode("utf-8", "replace").decode("utf-8"))


def _texts(key: str, values: Sequence[str]) -> KeyValue:
    items = [_any_value(value) for value in values]
    return KeyValue(key=key, value=AnyValue(array_value=ArrayValue(values=items)))
