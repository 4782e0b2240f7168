"""What became of a message: the vocabulary that all transports share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

__all__ = ["RETRIED_STATUSES", "Outcome", "Signal", "Status", "read_answer"]

Signal = Literal["metrics", "logs"]
Status = Literal["accepted", "partial", "refused", "too_large", "unreachable"]

RETRIED_STATUSES: Final = frozenset({429, 502, 503, 504})
"""Of OTLP/HTTP: answers after which another attempt may succeed."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one request.

    Attributes:
        status: ``accepted``; ``partial``, where some of it was refused; ``refused``, where all was
            and another attempt would be too; ``too_large``, where all was refused for its size, and
            a smaller one may be taken; ``unreachable``, where another attempt may succeed.
        message: what was wrong, for the log.
        retry_after_seconds: how long the receiver asks to wait, or None.
    """

    status: Status
    message: str = ""
    retry_after_seconds: float | None = None


def read_answer(signal: Signal, address: str, body: bytes) -> Outcome:
    """Look for a ``partial_success`` in the answer; one that cannot be read is a plain success."""
    try:
        if signal == "metrics":
            metrics = ExportMetricsServiceResponse.FromString(body).partial_success
            rejected, message = metrics.rejected_data_points, metrics.error_message
        else:
            logs = ExportLogsServiceResponse.FromString(body).partial_success
            rejected, message = logs.rejected_log_records, logs.error_message
    except DecodeError:
        return Outcome(status="accepted")
    if not rejected:
        return Outcome(status="accepted")
    return Outcome(status="partial", message=f"{address} refused {rejected} items: {message}")
