from __future__ import annotations

import time
from typing import Protocol

import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcExporter,
)
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpExporter,
)
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from modelwatch.collector.receiving.options import ReceivingOptions
from tests import plain_http
from tests.collector.conftest import Start

OWNER = {"modelwatch.model.name": "other", "modelwatch.model.version": "1"}


class Receiving(Protocol):
    """What takes OTLP."""

    @property
    def otlp(self) -> str:
        """Address of HTTP."""

    @property
    def grpc(self) -> str:
        """Address of gRPC."""


def exporter_of(
    kind: str, running: Receiving, temporality: AggregationTemporality
) -> MetricExporter:
    """Return an exporter of the SDK."""
    preferred: dict[type, AggregationTemporality] = {Counter: temporality, Histogram: temporality}
    if kind == "grpc":
        return GrpcExporter(endpoint=running.grpc, insecure=True, preferred_temporality=preferred)
    return HttpExporter(endpoint=f"{running.otlp}/v1/metrics", preferred_temporality=preferred)


@pytest.mark.parametrize("kind", ["grpc", "http"])
@pytest.mark.parametrize("temporality", list(AggregationTemporality)[1:])
def test_every_row_counts_once(
    start: Start, kind: str, temporality: AggregationTemporality
) -> None:
    """What an SDK counts arrives whole, over either protocol, as deltas or cumulated."""
    running = start(receiving=ReceivingOptions(otlp_grpc_port=0), clock=time.time_ns)
    exporter = exporter_of(kind, running, temporality)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    view = View(
        instrument_name="modelwatch.feature.value",
        aggregation=ExplicitBucketHistogramAggregation(boundaries=[0.0, 1.0, 2.0]),
    )
    provider = MeterProvider([reader], Resource({"service.instance.id": "a"}), views=[view])
    meter = provider.get_meter("test")
    rows = meter.create_counter("modelwatch.rows.captured")
    values = meter.create_histogram("modelwatch.feature.value")
    feature = {**OWNER, "modelwatch.feature.name": "x", "modelwatch.feature.role": "input"}
    for count in (3, 4):
        rows.add(count, OWNER)
        values.record(0.5, feature)
        provider.force_flush()
    provider.shutdown()
    told = running.received()
    assert (told["rejected"], told["refused"], told["begun"]) == (0, 0, 0)
    assert told["points"] == 4
    asked = plain_http.get(f"{running.api}/api/v1/models").json()["models"]
    assert asked[0]["versions"][0]["rows"] == 7
