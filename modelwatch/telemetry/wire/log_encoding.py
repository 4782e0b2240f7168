"""What no metric can hold of a profile, as OTLP log records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import numpy as np
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.profile import Profile
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.attributes import Scalar, key_values, resource_message
from modelwatch.telemetry.wire.encoding import common_attributes

__all__ = ["encode_logs"]


def encode_logs(profile: Profile, *, resource: Mapping[str, Scalar]) -> bytes:
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
    scope = request.resource_logs.add(resource=resource_message(resource)).scope_logs.add(
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
    told: dict[str, list[str]] = {
        names.MOMENT_NAMES: [feature.name for feature in features],
        names.MOMENT_ROLES: [str(feature.role) for feature in features],
        names.JOINT_NAMES: list(joint.names) if joint is not None else [],
    }
    record.attributes.extend(key_values(told))
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
        attributes=key_values({**common_attributes(profile), names.WINDOW_START: profile.start_ns}),
    )
