"""Profiles of one window after another, and messages read back."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

import modelwatch as mw
from modelwatch.telemetry.transport import Outcome, Signal
from modelwatch.telemetry.wire import decode_metrics
from tests.received_points import assemble, points_in

DOWN = Outcome(status="unreachable", message="down")
FINE = Outcome(status="accepted")
REFUSED = Outcome(status="refused", message="bad")
PARTIAL = Outcome(status="partial", message="bad")
TOO_LARGE = Outcome(status="too_large", message="large")

Sent = tuple[Signal, bytes]


class Windows:
    """Ends windows, each a nanosecond long."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def next(self, rows: int = 1, version: str = "1", baseline_id: str | None = None) -> mw.Profile:
        """Return the profile of one more window of so many rows."""
        start_ns = next(self._numbers)
        profile = mw.Profile.empty("m", version, start_ns=start_ns)
        profile.baseline_id = baseline_id
        profile.update({"a": [0.5] * rows})
        profile.record_calls([0.01] * rows)
        profile.end_ns = start_ns + 1
        return profile


def received(sent: Iterable[Sent]) -> list[mw.Profile]:
    """Return the profiles among messages."""
    bodies = [body for signal, body in sent if signal == "metrics"]
    return assemble(point for body in bodies for point in points_in(decode_metrics(body)))


def metrics(sent: Iterable[Sent]) -> dict[str, Metric]:
    """Return the metrics among messages, by name; of one name, the last."""
    return {
        metric.name: metric
        for signal, body in sent
        if signal == "metrics"
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def counts(sent: Iterable[Sent], name: str) -> dict[str, int]:
    """Return the counts of a sum, by the value of the last attribute that is its points' own."""
    metric = metrics(sent).get(name)
    points = metric.sum.data_points if metric is not None else ()
    return {point.attributes[-1].value.string_value: point.as_int for point in points}


def records(sent: Iterable[Sent]) -> list[LogRecord]:
    """Return the log records among messages."""
    return [
        record
        for signal, body in sent
        if signal == "logs"
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
