from __future__ import annotations

import time
from collections import Counter as CountOf
from typing import Protocol

import numpy as np
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
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource

from modelwatch.collector.receiving.options import ReceivingOptions
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import LATEST_NS, TimeWindow
from modelwatch.sketches import ExponentialHistogram
from tests import plain_http
from tests.collector.conftest import Running, Start

OWNER = {"modelwatch.model.name": "other", "modelwatch.model.version": "1"}
FEATURE = {**OWNER, "modelwatch.feature.name": "x", "modelwatch.feature.role": "input"}


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
    for count in (3, 4):
        rows.add(count, OWNER)
        values.record(0.5, FEATURE)
        provider.force_flush()
    provider.shutdown()
    told = running.received()
    assert (told["rejected"], told["refused"], told["begun"]) == (0, 0, 0)
    assert told["points"] == 4
    asked = plain_http.get(f"{running.api}/api/v1/models").json()["models"]
    assert asked[0]["versions"][0]["rows"] == 7


@pytest.mark.parametrize("kind", ["grpc", "http"])
@pytest.mark.parametrize("temporality", list(AggregationTemporality)[1:])
def test_exponential_histograms_count_every_row(
    start: Start, kind: str, temporality: AggregationTemporality
) -> None:
    """Though the SDK lowers its scale as values spread, what is stored is a count of the rows."""
    running = start(receiving=ReceivingOptions(otlp_grpc_port=0), clock=time.time_ns)
    exporter = exporter_of(kind, running, temporality)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    view = View(
        instrument_name="modelwatch.feature.value",
        aggregation=ExponentialBucketHistogramAggregation(max_size=80),
    )
    provider = MeterProvider([reader], Resource({"service.instance.id": "a"}), views=[view])
    values = provider.get_meter("test").create_histogram("modelwatch.feature.value")
    random = np.random.default_rng(1)
    rows: list[float] = []
    for spread in (0.01, 0.5, 4.0, 1.0):  # of logarithms: finer and coarser scales
        told = np.append(random.lognormal(1.0, spread, 200), [0.0])
        for value in told.tolist():
            values.record(value, FEATURE)
        rows += told.tolist()
        provider.force_flush()
    provider.shutdown()
    told_counts = running.received()
    assert (told_counts["rejected"], told_counts["begun"], told_counts["points"]) == (0, 0, 4)
    stored = observed(running)
    assert stored.total == len(rows) == 804
    assert stored.zero_count == 4
    assert not stored.negative.total
    logarithms = np.log2([value for value in rows if value])
    expected = CountOf((np.ceil(logarithms * 2.0**stored.scale) - 1).astype(int).tolist())
    found = zip(stored.positive.indices.tolist(), stored.positive.counts.tolist(), strict=True)
    assert dict(found) == expected


def observed(running: Running) -> ExponentialHistogram:
    """Return all that is stored of the feature."""
    store = SqliteStore.open(running.store)
    try:
        (profile,) = store.window("other", "1", TimeWindow(0, LATEST_NS)).profiles.values()
    finally:
        store.close()
    values = profile.features["x"].values
    assert isinstance(values, ExponentialHistogram)
    return values
