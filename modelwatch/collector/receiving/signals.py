"""The three signals of OTLP: where each is sent to, and the messages of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

__all__ = ["SIGNALS", "SIGNALS_BY_PATH", "Signal", "SignalName"]

SignalName = Literal["metrics", "logs", "traces"]


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One signal.

    Attributes:
        name: as in the path of HTTP.
        service: full name of the gRPC service, whose one method is Export.
        request: the class of its request.
        response: makes its response.
        rejected: the field of ``partial_success`` that counts what was refused.
    """

    name: SignalName
    service: str
    request: type[Message]
    response: Callable[..., Message]
    rejected: str

    @property
    def path(self) -> str:
        """Path of HTTP."""
        return f"/v1/{self.name}"

    def answer(self, rejected: int, message: str) -> Message:
        """Return a response; an empty one where there is nothing to tell."""
        if not (rejected or message):
            return self.response()
        told = {self.rejected: rejected, "error_message": message}
        return self.response(partial_success=told)


_PACKAGE: Final = "opentelemetry.proto.collector"

SIGNALS: Final[Mapping[SignalName, Signal]] = {
    "metrics": Signal(
        name="metrics",
        service=f"{_PACKAGE}.metrics.v1.MetricsService",
        request=metrics.ExportMetricsServiceRequest,
        response=metrics.ExportMetricsServiceResponse,
        rejected="rejected_data_points",
    ),
    "logs": Signal(
        name="logs",
        service=f"{_PACKAGE}.logs.v1.LogsService",
        request=logs.ExportLogsServiceRequest,
        response=logs.ExportLogsServiceResponse,
        rejected="rejected_log_records",
    ),
    "traces": Signal(
        name="traces",
        service=f"{_PACKAGE}.trace.v1.TraceService",
        request=traces.ExportTraceServiceRequest,
        response=traces.ExportTraceServiceResponse,
        rejected="rejected_spans",
    ),
}

SIGNALS_BY_PATH: Final[Mapping[str, Signal]] = {s.path: s for s in SIGNALS.values()}
