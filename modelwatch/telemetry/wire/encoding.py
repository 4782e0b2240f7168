"""Profiles to OTLP metrics.

Written as bytes, field by field: four times as fast as through objects, which matters where some
hundred features share a core with the model. What all points of a window have in common comes
first in each, so that it compresses to next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.sketches import Categories, ExponentialHistogram, Histogram, Moments
from modelwatch.sketches.log_buckets import Buckets
from modelwatch.sketches.log_window import to_window
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.attributes import Scalar, resource_message, sendable
from modelwatch.telemetry.wire.protobuf_writer import (
    delimited,
    double_field,
    fixed64_field,
    varint_field,
)

__all__ = ["SelfMetrics", "Temporality", "common_attributes", "encode_metrics"]

Temporality = Literal["delta", "cumulative"]

_MOST_FEATURES_KEPT = 4_096
"""Whose attributes, some 150 bytes each, are not written anew at each interval."""

_SUM_DIGITS = 29
"""The lowest three bytes of a sum are then zero."""

# Numbers of fields, as OTLP's metrics.proto has them.
_REQUEST_RESOURCE_METRICS = 1
_RESOURCE, _SCOPE_METRICS = 1, 2
_SCOPE, _METRICS = 1, 2
_METRIC_NAME, _METRIC_UNIT = 1, 3
_SUM, _HISTOGRAM, _EXPONENTIAL_HISTOGRAM = 7, 9, 10
_DATA_POINTS, _TEMPORALITY, _IS_MONOTONIC = 1, 2, 3
_START, _TIME = 2, 3
_NUMBER_AS_INT, _NUMBER_ATTRIBUTES = 6, 7
_HISTOGRAM_COUNT, _HISTOGRAM_SUM, _HISTOGRAM_COUNTS, _HISTOGRAM_BOUNDS = 4, 5, 6, 7
_HISTOGRAM_ATTRIBUTES, _HISTOGRAM_MIN, _HISTOGRAM_MAX = 9, 11, 12
_EXPONENTIAL_ATTRIBUTES = 1
_KEY, _VALUE, _STRING = 1, 2, 1  # of common.proto


@dataclass(frozen=True, kw_only=True)
class SelfMetrics:
    """What the exporter tells of itself, with the rows of a profile.

    Attributes:
        export_failures: failed exports, by what became of them.
        events_dropped: lost events, by reason.
    """

    export_failures: Mapping[str, int] = field(default_factory=dict)
    events_dropped: Mapping[str, int] = field(default_factory=dict)


_NOTHING = SelfMetrics()


def encode_metrics(
    profile: Profile,
    *,
    resource: Mapping[str, Scalar],
    own: SelfMetrics = _NOTHING,
    temporality: Temporality = "delta",
) -> bytes:
    """Return an ``ExportMetricsServiceRequest``, serialised, with all of a profile but its moments.

    Args:
        profile: one window of one process; for cumulative temporality, all since its start.
        resource: attributes of the process, ``service.instance.id`` among them.
        own: what the exporter tells of itself: since the last message, or since the start.
        temporality: whether counts are those of the window or those since the start.
    """
    scope = InstrumentationScope(name=names.SCOPE).SerializeToString()
    scope_metrics = delimited(_SCOPE, scope) + b"".join(
        delimited(_METRICS, metric) for metric in _Window(profile, temporality).metrics(own)
    )
    return delimited(
        _REQUEST_RESOURCE_METRICS,
        delimited(_RESOURCE, resource_message(resource).SerializeToString())
        + delimited(_SCOPE_METRICS, scope_metrics),
    )


def common_attributes(profile: Profile) -> dict[str, str]:
    """Return the attributes that all points and records of a profile have."""
    found = {
        names.MODEL_NAME: profile.model,
        names.MODEL_VERSION: profile.version,
    }
    optional = {names.BASELINE_ID: profile.baseline_id, names.SEGMENT: profile.segment}
    found.update({name: value for name, value in optional.items() if value is not None})
    return found


class _Window:
    """Writes the metrics of one profile; what all its points have in common is written once."""

    def __init__(self, profile: Profile, temporality: Temporality) -> None:
        self._profile = profile
        self._temporality = varint_field(
            _TEMPORALITY,
            otlp.AGGREGATION_TEMPORALITY_DELTA
            if temporality == "delta"
            else otlp.AGGREGATION_TEMPORALITY_CUMULATIVE,
        )
        self._times = fixed64_field(_START, profile.start_ns) + fixed64_field(_TIME, profile.end_ns)
        common = common_attributes(profile)
        self._of_histogram = self._times + _attributes(_HISTOGRAM_ATTRIBUTES, common)
        self._of_exponential = self._times + _attributes(_EXPONENTIAL_ATTRIBUTES, common)
        self._of_number = self._times + _attributes(_NUMBER_ATTRIBUTES, common)

    def metrics(self, own: SelfMetrics) -> Iterator[bytes]:
        """Yield each metric that there is something to tell of."""
        profile = self._profile
        yield from self._value_metrics()
        yield from self._sum(names.FEATURE_CATEGORIES, "{observation}", self._categories())
        yield from self._sum(
            names.FEATURE_MISSING, "{observation}", self._odd("missing", names.MISSING_REASON)
        )
        yield from self._sum(
            names.FEATURE_OUTLIERS, "{observation}", self._odd("outliers", names.OUTLIER_RULE)
        )
        yield from self._counts(
            names.PREDICTIONS, "{prediction}", names.ERROR_TYPE, profile.predictions
        )
        if profile.duration.total:
            point = self._of_histogram + _histogram(profile.duration, profile.duration_sum_seconds)
            yield self._metric(names.PREDICTION_DURATION, "s", _HISTOGRAM, [point])
        yield from self._counts(names.ROWS_CAPTURED, "{row}", "", {"": profile.rows})
        yield from self._counts(names.ROWS_OUTLYING, "{row}", "", {"": profile.outlier_rows})
        yield from self._counts(names.ROWS_DROPPED, "{row}", names.DROP_REASON, profile.dropped)
        yield from self._counts(
            names.FINGERPRINT_MISMATCHES, "{window}", names.FINGERPRINT_PART, profile.mismatches
        )
        yield from self._counts(
            names.EXPORT_FAILURES, "{export}", names.ERROR_TYPE, own.export_failures
        )
        yield from self._counts(
            names.EVENTS_DROPPED, "{event}", names.DROP_REASON, own.events_dropped
        )

    def _value_metrics(self) -> Iterator[bytes]:
        explicit, exponential = [], []
        for feature in self._profile.features.values():
            if not feature.observed:
                continue
            if isinstance(feature.values, Histogram):
                explicit.append(self._histogram_point(feature, feature.values))
            elif isinstance(feature.values, ExponentialHistogram):
                exponential.append(self._exponential_point(feature, feature.values))
        if explicit:
            yield self._metric(names.FEATURE_VALUE, "1", _HISTOGRAM, explicit)
        if exponential:
            yield self._metric(names.FEATURE_VALUE, "1", _EXPONENTIAL_HISTOGRAM, exponential)

    def _histogram_point(self, feature: FeatureProfile, values: Histogram) -> bytes:
        attributes = _of_feature(_HISTOGRAM_ATTRIBUTES, feature)
        moments = feature.moments
        if moments is None or not moments.n:
            return self._of_histogram + attributes + _histogram(values)
        extremes = double_field(_HISTOGRAM_MIN, moments.minimum) + double_field(
            _HISTOGRAM_MAX, moments.maximum
        )
        counts = _histogram(values, _sum_told(moments))
        return self._of_histogram + attributes + extremes + counts

    def _exponential_point(self, feature: FeatureProfile, values: ExponentialHistogram) -> bytes:
        sent = to_window(values)
        point = otlp.ExponentialHistogramDataPoint(
            count=sent.total,
            scale=sent.scale,
            zero_count=sent.zero_count,
            zero_threshold=sent.zero_threshold,
            positive=_buckets(sent.positive),
            negative=_buckets(sent.negative),
        )
        moments = feature.moments
        if moments is not None and moments.n:
            point.min, point.max = moments.minimum, moments.maximum
            total = _sum_told(moments)
            if total is not None:
                point.sum = total
        attributes = _of_feature(_EXPONENTIAL_ATTRIBUTES, feature)
        return self._of_exponential + attributes + point.SerializeToString()

    def _categories(self) -> Iterator[bytes]:
        for feature in self._profile.features.values():
            if isinstance(feature.values, Categories):
                values = feature.values
                unnamed = {
                    names.OTHER_CATEGORIES: values.other,
                    names.UNSEEN_CATEGORIES: values.unseen,
                }
                of_feature = self._of_number + _of_feature(_NUMBER_ATTRIBUTES, feature)
                for category, count in [*values.counts.items(), *unnamed.items()]:
                    yield from _number(of_feature, names.FEATURE_CATEGORY, category, count)

    def _odd(self, counts: Literal["missing", "outliers"], attribute: str) -> Iterator[bytes]:
        """Yield how many values of each feature were missing for a reason, or broke a rule."""
        for feature in self._profile.features.values():
            found = feature.missing if counts == "missing" else feature.outliers
            if not found:
                continue
            of_feature = self._of_number + _of_feature(
                _NUMBER_ATTRIBUTES, feature, with_kind=isinstance(feature.values, Categories)
            )
            for reason, count in found.items():
                yield from _number(of_feature, attribute, reason, count)

    def _counts(
        self, name: str, unit: str, attribute: str, counts: Mapping[str, int]
    ) -> Iterator[bytes]:
        """Yield a sum with a point a value of the attribute; an empty value stands for none."""
        points: list[bytes] = []
        for value, count in sorted(counts.items()):
            points.extend(_number(self._of_number, attribute if value else "", value, count))
        yield from self._sum(name, unit, points)

    def _sum(self, name: str, unit: str, points: Iterable[bytes]) -> Iterator[bytes]:
        found = list(points)
        if found:
            yield self._metric(name, unit, _SUM, found)

    def _metric(self, name: str, unit: str, kind: int, points: list[bytes]) -> bytes:
        data = b"".join(delimited(_DATA_POINTS, point) for point in points) + self._temporality
        if kind == _SUM:
            data += varint_field(_IS_MONOTONIC, True)
        return (
            delimited(_METRIC_NAME, name.encode())
            + delimited(_METRIC_UNIT, unit.encode())
            + delimited(kind, data)
        )


def _sum_told(moments: Moments) -> float | None:
    """Return a feature's sum to 29 binary digits; the exact mean goes with the other moments.

    None where a value is below zero: backends take a histogram's sum for a counter, so OTLP has it
    left out.
    """
    if moments.minimum < 0:
        return None
    fraction, exponent = math.frexp(moments.mean * moments.n)
    return math.ldexp(round(math.ldexp(fraction, _SUM_DIGITS)), exponent - _SUM_DIGITS)


def _histogram(values: Histogram, total: float | None = None) -> bytes:
    """Return the count, sum and bins of a point."""
    return b"".join(
        (
            fixed64_field(_HISTOGRAM_COUNT, values.total),
            b"" if total is None else double_field(_HISTOGRAM_SUM, total),
            delimited(_HISTOGRAM_COUNTS, values.counts.astype("<u8").tobytes()),
            delimited(_HISTOGRAM_BOUNDS, values.bin_edges.astype("<f8").tobytes()),
        )
    )


def _number(of_feature: bytes, attribute: str, value: str, count: int) -> Iterator[bytes]:
    """Yield a point of a sum, or none where there is nothing to tell."""
    if count:
        own = _attributes(_NUMBER_ATTRIBUTES, {attribute: value}) if attribute else b""
        yield of_feature + own + fixed64_field(_NUMBER_AS_INT, int(count))


def _buckets(buckets: Buckets) -> otlp.ExponentialHistogramDataPoint.Buckets:
    indices, counts = buckets
    if not indices.size:
        return otlp.ExponentialHistogramDataPoint.Buckets()
    first = int(indices[0])
    dense = np.zeros(int(indices[-1]) - first + 1, dtype=np.int64)
    dense[indices - first] = counts
    return otlp.ExponentialHistogramDataPoint.Buckets(offset=first, bucket_counts=dense.tolist())


def _of_feature(number: int, feature: FeatureProfile, *, with_kind: bool = False) -> bytes:
    """Return the attributes of a feature as the field of that number of a point."""
    told = with_kind or feature.kind == "probability"
    return _feature_attributes(number, feature.name, feature.role, feature.kind if told else "")


@lru_cache(maxsize=_MOST_FEATURES_KEPT)
def _feature_attributes(number: int, name: str, role: str, kind: str) -> bytes:
    found = {names.FEATURE_ROLE: role, names.FEATURE_NAME: name}
    return _attributes(number, found | {names.FEATURE_KIND: kind} if kind else found)


def _attributes(number: int, values: Mapping[str, str]) -> bytes:
    """Return attributes, all texts, as the field of that number of a point."""
    return b"".join(
        delimited(number, _key(key) + delimited(_VALUE, delimited(_STRING, sendable(value))))
        for key, value in values.items()
    )


@lru_cache(maxsize=64)
def _key(key: str) -> bytes:
    return delimited(_KEY, key.encode())
