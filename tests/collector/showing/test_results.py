from __future__ import annotations

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

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
