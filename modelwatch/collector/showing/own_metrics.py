"""What the collector tells of itself, as metrics of Prometheus."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from prometheus_client import ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

from modelwatch import __version__
from modelwatch.collector.alerting.alert import Alert
from modelwatch.collector.alerting.alert_store import Delivery
from modelwatch.collector.receiving.outcome_intake import LABEL_OUTCOMES, PREDICTION_OUTCOMES
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.showing.label_values import label_value

__all__ = [
    "alert_metrics",
    "build_metrics",
    "notice_metrics",
    "receiver_metrics",
    "store_bytes",
    "told_metrics",
]

_OUTCOMES = ("stored", "duplicate", "rejected", "foreign")
_FORWARDED = ("sent", "retried", "refused", "overflowed", "expired")

_PROCESS = ProcessCollector(registry=None)


def build_metrics() -> list[Metric]:
    """Return what runs, and what its process takes, under the names that all programs use."""
    info = InfoMetricFamily("modelwatch_build", "The collector's release, and what it runs on.")
    info.add_metric((), {"version": __version__, "python": platform.python_version()})
    return [info, *_PROCESS.collect()]


def receiver_metrics(counts: ReceiverCounts) -> list[Metric]:
    """Return what the receiver saw since the process was started."""
    requests = CounterMetricFamily(
        "modelwatch_collector_requests", "Exports received, refused ones too.", counts.requests
    )
    refused = CounterMetricFamily(
        "modelwatch_collector_requests_refused",
        "Exports that were answered with an error.",
        counts.refused,
    )
    traces = CounterMetricFamily(
        "modelwatch_collector_traces", "Exports of traces, which were let go.", counts.traces
    )
    points = CounterMetricFamily(
        "modelwatch_collector_points",
        "Data points received: stored, sent before, unusable, or of other programs.",
        labels=("outcome",),
    )
    found = (counts.points, counts.duplicates, counts.rejected, counts.foreign)
    for outcome, count in zip(_OUTCOMES, found, strict=True):
        points.add_metric((outcome,), count)
    beyond = CounterMetricFamily(
        "modelwatch_collector_points_beyond_limit",
        "Data points refused as they are beyond a limit, by which: a kind of name, or the future.",
        labels=("limit",),
    )
    for limit, count in counts.refused_by_limit.items():
        beyond.add_metric((limit,), count)
    outcomes = _outcome_metrics(counts)
    return [requests, refused, traces, points, beyond, *outcomes, *_forwarding_metrics(counts)]


def _outcome_metrics(counts: ReceiverCounts) -> list[Metric]:
    """Return what became of single predictions and of labels, whichever way they came."""
    predictions = CounterMetricFamily(
        "modelwatch_collector_predictions",
        "Single predictions received to be joined with their labels, by what became of them.",
        labels=("outcome",),
    )
    for outcome in PREDICTION_OUTCOMES:
        predictions.add_metric((outcome,), counts.predictions.get(outcome, 0))
    labels = CounterMetricFamily(
        "modelwatch_collector_labels",
        "Labels received, by what became of them.",
        labels=("outcome",),
    )
    for outcome in LABEL_OUTCOMES:
        labels.add_metric((outcome,), counts.labels.get(outcome, 0))
    return [predictions, labels]


def _forwarding_metrics(counts: ReceiverCounts) -> list[Metric]:
    """Return what became of what was to be sent on; without values where nothing is."""
    forwarded = CounterMetricFamily(
        "modelwatch_collector_forwarded",
        "Requests for the endpoint that all is sent on to, by what became of them.",
        labels=("outcome",),
    )
    waiting = GaugeMetricFamily(
        "modelwatch_collector_forwards_waiting", "Requests that wait to be sent on.", labels=()
    )
    found = counts.told("forwarded")
    if found is not None:
        for outcome in _FORWARDED:
            forwarded.add_metric((outcome,), found[outcome])
        waiting.add_metric((), found["waiting"])
    return [forwarded, waiting]


def alert_metrics(alerts: Iterable[Alert]) -> list[Metric]:
    """Return how many alerts are open, by model version, rule, state and severity."""
    labels = ("model", "version", "rule", "state", "severity")
    family = GaugeMetricFamily("modelwatch_alerts", "Open alerts.", labels=labels)
    numbers = Counter(
        tuple(map(label_value, (a.model, a.version, a.rule, a.state, a.severity))) for a in alerts
    )
    for values, number in sorted(numbers.items()):
        family.add_metric(values, number)
    return [family]


def notice_metrics(deliveries: Mapping[str, Delivery]) -> list[Metric]:
    """Return what became of notices of alerts, by target."""
    notices = CounterMetricFamily(
        "modelwatch_collector_notices",
        "Notices of alerts since the store was made: sent, given up, or a try that failed.",
        labels=("target", "outcome"),
    )
    waiting = GaugeMetricFamily(
        "modelwatch_collector_notices_waiting",
        "Notices of alerts that wait to be sent.",
        labels=("target",),
    )
    for name, delivery in deliveries.items():
        target = label_value(name)
        notices.add_metric((target, "sent"), delivery.sent)
        notices.add_metric((target, "failed"), delivery.failures)
        notices.add_metric((target, "given_up"), delivery.given_up)
        waiting.add_metric((target,), delivery.waiting)
    return [notices, waiting]


def told_metrics(left_out: Mapping[str, int], results: Mapping[str, int]) -> list[Metric]:
    """Return what of the results is not told, and what became of those that were sent.

    Args:
        left_out: how many versions, features and error types are beyond the limits.
        results: messages with results, by what became of them.
    """
    absent = GaugeMetricFamily(
        "modelwatch_metrics_left_out",
        "Versions and features that are not shown as they are beyond the collector's limits, and "
        "error types counted among others.",
        labels=("kind",),
    )
    for kind, number in left_out.items():
        absent.add_metric((kind,), number)
    sent = CounterMetricFamily(
        "modelwatch_collector_results",
        "Messages with results for the results endpoint, by what became of them.",
        labels=("outcome",),
    )
    for outcome, number in results.items():
        sent.add_metric((outcome,), number)
    return [absent, sent]


def store_bytes(path: Path) -> int:
    """Return the size of the store's file and of its log. Blocking, but brief."""
    return sum(_size(f"{path}{suffix}") for suffix in ("", "-wal"))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
