"""What no metric can hold of a profile, as OTLP log records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.profile import Profile
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.attributes import Scalar, key_values, resource_message
from modelwatch.telemetry.wire.encoding import common_attributes
from modelwatch.telemetry.wire.moments_body import encode_moments

__all__ = ["encode_logs"]


def encode_logs(profile: Profile, *, resource: Mapping[str, Scalar]) -> bytes:
    """Return an ``ExportLogsServiceRequest``, serialised, with what no metric can hold.

    The body of the event ``modelwatch.feature.moments`` is described in
    `modelwatch.telemetry.wire.moments_body`; its attributes name the features. The bodies of
    ``modelwatch.performance.scores`` and ``modelwatch.performance.inputs``, from which performance
    is estimated without labels, are JSON of a `ScoreSummary` and of `QuadraticMoments`.

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
    numeric = {
        name: (feature, feature.moments)
        for name, feature in profile.features.items()
        if feature.moments is not None and feature.moments.n
    }
    if not numeric:
        return None
    joint = profile.joint if profile.joint is not None and profile.joint.n else None
    record = _record(profile, names.FEATURE_MOMENTS)
    each = {name: moments for name, (_, moments) in numeric.items()}
    record.body.bytes_value = encode_moments(each, joint)
    told: dict[str, list[str]] = {
        names.MOMENT_NAMES: list(numeric),
        names.MOMENT_ROLES: [str(feature.role) for feature, _ in numeric.values()],
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
