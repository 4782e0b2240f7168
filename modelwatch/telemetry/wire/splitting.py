"""Serialised messages in halves, for receivers that refuse the whole for its size."""

from __future__ import annotations

from collections.abc import Iterator, MutableSequence
from typing import Any, Final, Literal

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from modelwatch.telemetry import names

__all__ = ["halves"]

_TOLD_TOGETHER: Final = frozenset(
    {
        names.ROWS_CAPTURED,
        names.ROWS_DROPPED,
        names.ROWS_OUTLYING,
        names.EXPORT_FAILURES,
        names.EVENTS_DROPPED,
        names.FINGERPRINT_MISMATCHES,
    }
)


def halves(signal: Literal["metrics", "logs"], body: bytes) -> tuple[bytes, bytes] | None:
    """Return two messages that together hold what one does.

    Args:
        signal: which kind of request it is.
        body: the message, serialised.

    Returns:
        The first half of its points or records, and the second, which has all that is told of rows
        and of the exporter: whether these arrived is one question. None where it cannot be halved.
    """
    kind = ExportMetricsServiceRequest if signal == "metrics" else ExportLogsServiceRequest
    first, second = kind.FromString(body), kind.FromString(body)
    size = sum(len(items) for items in _items(first))
    middle = min(size // 2, size - _told_together(first))
    if middle < 1:
        return None
    _keep(first, 0, middle)
    _keep(second, middle, size)
    return first.SerializeToString(), second.SerializeToString()


def _told_together(request: Any) -> int:
    """Return how many points must stay together; a message ends with them."""
    return sum(
        len(points)
        for resource in getattr(request, "resource_metrics", ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name in _TOLD_TOGETHER
        for points in _points(metric)
    )


def _keep(request: Any, start: int, end: int) -> None:
    """Delete all items but those in a range."""
    seen = 0
    for items in _items(request):
        low, high = max(start - seen, 0), max(end - seen, 0)
        seen += len(items)
        del items[high:]
        del items[:low]
    for resource in getattr(request, "resource_metrics", ()):
        for scope in resource.scope_metrics:
            kept = [metric for metric in scope.metrics if any(map(len, _points(metric)))]
            del scope.metrics[:]
            scope.metrics.extend(kept)


def _items(request: Any) -> Iterator[MutableSequence[Any]]:
    """Yield each list of data points or log records."""
    if isinstance(request, ExportLogsServiceRequest):
        for resource_logs in request.resource_logs:
            for scope_logs in resource_logs.scope_logs:
                yield scope_logs.log_records
        return
    for resource_metrics in request.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                yield from _points(metric)


def _points(metric: Any) -> Iterator[MutableSequence[Any]]:
    kind = metric.WhichOneof("data")
    if kind is not None:
        yield getattr(metric, kind).data_points
