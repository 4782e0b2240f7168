"""Suggestions as log events of OTLP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from modelwatch import __version__
from modelwatch.collector.rollouts.made import MadeSuggestion
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.attributes import (
    AttributeValue,
    Scalar,
    any_value,
    key_values,
    resource_message,
)

__all__ = ["SUGGESTION", "encode_suggestions"]

SUGGESTION: Final = "modelwatch.suggestion"

SUGGESTION_ID: Final = "modelwatch.suggestion.id"
SUGGESTION_KIND: Final = "modelwatch.suggestion.kind"
SUGGESTION_STABLE: Final = "modelwatch.suggestion.stable_version"
SUGGESTION_REASONS: Final = "modelwatch.suggestion.reasons"

_INFO: Final = SeverityNumber.SEVERITY_NUMBER_INFO


def encode_suggestions(
    made: Iterable[MadeSuggestion], *, resource: Mapping[str, Scalar], now_ns: int
) -> bytes:
    """Return an ``ExportLogsServiceRequest``, serialised, with an event for each suggestion.

    Args:
        made: suggestions; to promote is told as information, the others as warnings.
        resource: what the sender is.
        now_ns: when they were seen, Unix nanoseconds.
    """
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add(resource=resource_message(resource)).scope_logs.add(
        scope=InstrumentationScope(name=names.SCOPE, version=__version__)
    )
    scope.log_records.extend(_event(one, now_ns) for one in made)
    return request.SerializeToString()


def _event(made: MadeSuggestion, now_ns: int) -> LogRecord:
    attributes: dict[str, AttributeValue] = {
        names.MODEL_NAME: made.model,
        names.MODEL_VERSION: made.version,
        SUGGESTION_ID: made.id,
        SUGGESTION_KIND: made.kind,
        SUGGESTION_REASONS: list(made.reasons),
    }
    if made.stable is not None:
        attributes[SUGGESTION_STABLE] = made.stable
    warns = made.kind != "promote"
    severity = SeverityNumber.SEVERITY_NUMBER_WARN if warns else _INFO
    return LogRecord(
        time_unix_nano=made.made_ns,
        observed_time_unix_nano=now_ns,
        severity_number=severity,
        severity_text="WARN" if warns else "INFO",
        event_name=SUGGESTION,
        body=any_value(f"{made.model}: {made.words}"),
        attributes=key_values(attributes),
    )
