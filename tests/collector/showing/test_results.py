from __future__ import annotations

import itertools

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint

import modelwatch as mw
from modelwatch.collector.showing.options import ShowingOptions
from modelwatch.collector.showing.results_encoding import DRIFT_DETECTED, DRIFT_SCORE
from tests.collector.conftest import FEATURE, MODEL, NOW_NS, SECOND, Start, Traffic, eventually
from tests.otlp_receiver import OtlpReceiver

WINDOW_END_NS = NOW_NS // (60 * SECOND) * 60 * SECOND


def test_drift_is_sent_to_a_real_receiver(
    start: Start, traffic: Traffic, baseline: mw.Baseline
) -> None:
    """Scores come as gauges under standard attributes, and drift as one event with its causes."""
    with OtlpReceiver() as receiver:
        running = start(showing=ShowingOptions(results_endpoint=receiver.endpoint))
        running.push(baseline)
        running.post(traffic.body(traffic.profile(end_ns=WINDOW_END_NS, shift=30.0)))
        assert eventually(lambda: bool(receiver.bodies("logs")))
        metrics = [ExportMetricsServiceRequest.FromString(b) for b in receiver.bodies("metrics")]
        logs = [ExportLogsServiceRequest.FromString(body) for body in receiver.bodies("logs")]
    scores = [
        {a.key: a.value.string_value for a in point.attributes}
        for request in metrics
        for metric in request.resource_metrics[0].scope_metrics[0].metrics
        if metric.name == DRIFT_SCORE
        for point in metric.gauge.data_points
    ]
    wanted = {"modelwatch.model.name": MODEL, "modelwatch.feature.name": FEATURE}
    methods = {s["modelwatch.drift.method"] for s in scores if wanted.items() <= s.items()}
    assert methods == {"psi", "js", "ks", "wasserstein", "hellinger"}
    (record,) = logs[0].resource_logs[0].scope_logs[0].log_records
    told = {a.key: a.value for a in record.attributes}
    assert record.event_name == DRIFT_DETECTED
    assert FEATURE in [v.string_value for v in told["modelwatch.drift.features"].array_value.values]
    since_ns = told["modelwatch.drift.since_unix_nano"].int_value
    assert since_ns == WINDOW_END_NS - 60 * SECOND


def test_collector_sends_what_it_measures_of_itself(
    start: Start, traffic: Traffic, baseline: mw.Baseline
) -> None:
    """The collector's own metrics come as OTLP, with the numbers that a scrape shows."""
    with OtlpReceiver() as receiver:
        options = ShowingOptions(results_endpoint=receiver.endpoint, repeat_seconds=1)
        running = start(showing=options, clock=itertools.count(NOW_NS, SECOND).__next__)
        running.post(traffic.body())
        running.post(b"no protobuf")
        assert eventually(lambda: _own(receiver).get("modelwatch.collector.requests", 0) == 2)
        found = _own(receiver)
    assert found["modelwatch.collector.requests_refused"] == 1
    assert found["modelwatch.collector.commit"] == 1
    assert found["modelwatch.collector.store"] >= 4_096
    assert found["modelwatch.collector.points stored"] == traffic.points()


def _own(receiver: OtlpReceiver) -> dict[str, float]:
    """Return the latest value of each series, of a histogram its count."""
    found: dict[str, float] = {}
    for body in receiver.bodies("metrics"):
        request = ExportMetricsServiceRequest.FromString(body)
        for metric in request.resource_metrics[0].scope_metrics[0].metrics:
            for point in getattr(metric, str(metric.WhichOneof("data"))).data_points:
                labels = " ".join(a.value.string_value for a in point.attributes)
                is_histogram = isinstance(point, HistogramDataPoint)
                value = point.count if is_histogram else point.as_double
                found[f"{metric.name} {labels}".strip()] = value
                if is_histogram:
                    assert sum(point.bucket_counts) == point.count
                    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    return found
