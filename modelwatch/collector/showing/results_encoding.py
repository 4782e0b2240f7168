"""Results as OTLP: gauges of how each version stands, and events where drift begins. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint

from modelwatch import __version__
from modelwatch.collector.showing.model_metrics import METHODS, SEVERITY_VALUES, STATE_VALUES
from modelwatch.collector.showing.standing import Standing
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.report.findings import FeatureDrift
from modelwatch.report.label_findings import ConceptFinding
from modelwatch.report.label_words import concept_words, headline_metric
from modelwatch.report.skew_words import short_cause
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.attributes import (
    AttributeValue,
    Scalar,
    any_value,
    key_values,
    resource_message,
)

__all__ = [
    "CONCEPT_CHANGED",
    "DRIFT_DETECTED",
    "DRIFT_METHOD",
    "DRIFT_SCORE",
    "DRIFT_SEVERITY",
    "LABEL_COVERAGE",
    "LABEL_DELAY",
    "MODEL_SEVERITY",
    "PERFORMANCE_VALUE",
    "encode_events",
    "encode_gauges",
]

DRIFT_SCORE: Final = "modelwatch.drift.score"
DRIFT_SEVERITY: Final = "modelwatch.drift.severity"
MODEL_SEVERITY: Final = "modelwatch.model.severity"
PERFORMANCE_VALUE: Final = "modelwatch.performance.value"
LABEL_COVERAGE: Final = "modelwatch.label.coverage"
LABEL_DELAY: Final = "modelwatch.label.delay"
DRIFT_DETECTED: Final = "modelwatch.drift.detected"
CONCEPT_CHANGED: Final = "modelwatch.concept.changed"

DRIFT_METHOD: Final = "modelwatch.drift.method"
DRIFT_FEATURES: Final = "modelwatch.drift.features"
DRIFT_JOINED: Final = "modelwatch.drift.features_new"
DRIFT_ORIGINS: Final = "modelwatch.drift.origins"
DRIFT_CAUSES: Final = "modelwatch.drift.causes"
DRIFT_TRACES: Final = "modelwatch.drift.trace_ids"
DRIFT_SINCE: Final = "modelwatch.drift.since_unix_nano"
DRIFT_VERDICT: Final = "modelwatch.drift.verdict"
PERFORMANCE_METRIC: Final = "modelwatch.performance.metric"
PERFORMANCE_KIND: Final = "modelwatch.performance.kind"
CONCEPT_DIRECTION: Final = "modelwatch.concept.direction"
CONCEPT_BEFORE: Final = "modelwatch.concept.error_before"
CONCEPT_AFTER: Final = "modelwatch.concept.error_after"
CONCEPT_SINCE: Final = "modelwatch.concept.since_unix_nano"
CONCEPT_CONFIDENCE: Final = "modelwatch.concept.confidence"
CONCEPT_VERDICT: Final = "modelwatch.concept.verdict"
WINDOW_END: Final = "modelwatch.window.end_unix_nano"

LARGEST_MESSAGE = 2_000
"""Data points in one message, some 400 kB before compression: below what receivers take."""

MOST_NAMED = 100
"""Features that an event names, the worst first."""

_UNITS: Final[Mapping[str, str]] = {
    DRIFT_SCORE: "1",
    DRIFT_SEVERITY: "1",
    MODEL_SEVERITY: "1",
    PERFORMANCE_VALUE: "1",
    LABEL_COVERAGE: "1",
    LABEL_DELAY: "s",
}

_INFO: Final = SeverityNumber.SEVERITY_NUMBER_INFO

_Point = tuple[str, Mapping[str, AttributeValue], float]


def encode_gauges(
    standings: Iterable[Standing],
    *,
    resource: Mapping[str, Scalar],
    now_ns: int,
    most_features: int,
) -> Iterator[bytes]:
    """Yield ``ExportMetricsServiceRequest`` messages, serialised, with how versions stand.

    Args:
        standings: one a version.
        resource: what the sender is.
        now_ns: the time of the points, Unix nanoseconds: the time at which this is how they stand.
        most_features: features told of each version, the worst first.
    """
    points = (point for found in standings for point in _points(found, most_features))
    while group := list(islice(points, LARGEST_MESSAGE)):
        request = ExportMetricsServiceRequest()
        scope = request.resource_metrics.add(resource=resource_message(resource)).scope_metrics.add(
            scope=InstrumentationScope(name=names.SCOPE, version=__version__)
        )
        for name, unit in _UNITS.items():
            data = [
                NumberDataPoint(
                    time_unix_nano=now_ns, attributes=key_values(attributes), as_double=value
                )
                for own, attributes, value in group
                if own == name
            ]
            if data:
                scope.metrics.add(name=name, unit=unit).gauge.data_points.extend(data)
        yield request.SerializeToString()


def encode_events(
    standings: Iterable[Standing],
    changed: Iterable[Standing] = (),
    *,
    resource: Mapping[str, Scalar],
    now_ns: int,
) -> bytes:
    """Return an ``ExportLogsServiceRequest``, serialised, with an event for each thing that began.

    Args:
        standings: of versions in which features began to drift.
        changed: of versions whose errors changed.
        resource: what the sender is.
        now_ns: when it was seen, Unix nanoseconds.
    """
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add(resource=resource_message(resource)).scope_logs.add(
        scope=InstrumentationScope(name=names.SCOPE, version=__version__)
    )
    scope.log_records.extend(_event(found, now_ns) for found in standings)
    for found in changed:
        scope.log_records.extend(_changed(found, one, now_ns) for one in reversed(found.changes))
    return request.SerializeToString()


def _points(found: Standing, most_features: int) -> Iterator[_Point]:
    version = _version(found)
    yield MODEL_SEVERITY, version, STATE_VALUES[found.state]
    for name, kind, value in found.performance():
        if kind != "reference":
            told = {PERFORMANCE_METRIC: name, PERFORMANCE_KIND: kind}
            yield PERFORMANCE_VALUE, {**version, **told}, value
    labels = found.labelled.labels if found.labelled else found.report.labels
    if labels is not None and labels.coverage is not None:
        yield LABEL_COVERAGE, version, labels.coverage
    if labels is not None and labels.delay_median_seconds is not None:
        yield LABEL_DELAY, version, labels.delay_median_seconds
    for feature in found.report.ranked()[:most_features]:
        of_feature = {
            **version,
            names.FEATURE_NAME: feature.name,
            names.FEATURE_ROLE: str(feature.role),
        }
        yield DRIFT_SEVERITY, of_feature, SEVERITY_VALUES[feature.severity]
        for method in METHODS:
            value = getattr(feature, method)
            if value is not None:
                yield DRIFT_SCORE, {**of_feature, DRIFT_METHOD: method}, value


def _event(found: Standing, now_ns: int) -> LogRecord:
    drifted = [f for f in found.report.ranked() if f.severity == "drift"][:MOST_NAMED]
    attributes: dict[str, AttributeValue] = {
        **_version(found),
        names.BASELINE_ID: found.report.baseline_id,
        DRIFT_FEATURES: [feature.name for feature in drifted],
        DRIFT_JOINED: list(found.joined[:MOST_NAMED]),
        DRIFT_ORIGINS: [feature.origin or "" for feature in drifted],
        DRIFT_CAUSES: [_cause(feature) for feature in drifted],
        DRIFT_TRACES: list(dict.fromkeys(t for f in drifted for t in f.trace_ids))[:MOST_NAMED],
        DRIFT_VERDICT: found.report.verdict,
        DRIFT_SINCE: found.since_ns or found.window.start_ns,
        names.WINDOW_START: found.window.start_ns,
        WINDOW_END: found.window.end_ns,
    }
    return LogRecord(
        time_unix_nano=found.window.end_ns,
        observed_time_unix_nano=now_ns,
        severity_number=SeverityNumber.SEVERITY_NUMBER_WARN,
        severity_text="WARN",
        event_name=DRIFT_DETECTED,
        body=any_value(_sentence(found, drifted)),
        attributes=key_values(attributes),
    )


def _changed(found: Standing, change: ConceptFinding, now_ns: int) -> LogRecord:
    """Return the event of one change of the errors; falling errors are told as information."""
    metric = headline_metric(found.report.performance)
    attributes: dict[str, AttributeValue] = {
        **_version(found),
        names.BASELINE_ID: found.report.baseline_id,
        CONCEPT_DIRECTION: change.direction,
        CONCEPT_BEFORE: change.before,
        CONCEPT_AFTER: change.after,
        CONCEPT_SINCE: change.began_ns,
        CONCEPT_CONFIDENCE: change.confidence,
        CONCEPT_VERDICT: (metric.explained if metric else None) or "",
    }
    number = SeverityNumber.SEVERITY_NUMBER_WARN if change.is_worse else _INFO
    return LogRecord(
        time_unix_nano=change.detected_ns,
        observed_time_unix_nano=now_ns,
        severity_number=number,
        severity_text="WARN" if change.is_worse else "INFO",
        event_name=CONCEPT_CHANGED,
        body=any_value(f"{found.model} {found.version}: {concept_words(change)}"),
        attributes=key_values(attributes),
    )


def _version(found: Standing) -> dict[str, str]:
    return {names.MODEL_NAME: found.model, names.MODEL_VERSION: found.version}


def _cause(feature: FeatureDrift) -> str:
    return short_cause(feature) or feature.cause or ""


def _sentence(found: Standing, drifted: Sequence[FeatureDrift]) -> str:
    since = datetime.fromtimestamp((found.since_ns or 0) / NANOSECONDS, tz=UTC)
    parts = [f"{f.name} ({_cause(f)})" if _cause(f) else f.name for f in drifted]
    return f"{found.model} {found.version} drifts since {since:%Y-%m-%d %H:%M:%S} UTC: " + (
        ", ".join(parts)
    )
