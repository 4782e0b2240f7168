from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler

import modelwatch as mw
import modelwatch_fastapi
from modelwatch.collector.alerting.options import AlertingOptions
from modelwatch.collector.receiving.options import ReceivingOptions
from modelwatch.collector.trace_links import TraceLinks
from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.wire import Event, encode_events
from tests import plain_http
from tests.collector.alerting.listening import listening
from tests.collector.conftest import Running, Start, eventually

MODEL = "traced"
Row = dict[str, Any]


@pytest.fixture(scope="module")
def training() -> mw.Baseline:
    """A baseline of two numbers and a category."""
    random = np.random.default_rng(1)
    columns = {
        "age": random.normal(40, 10, 4_000),
        "income": random.normal(0, 1, 4_000),
        "country": random.choice(["DE", "FR", "IT"], 4_000),
    }
    return mw.Baseline.fit(columns, model=MODEL, version="1")


class Service:
    """A model that is watched and traced; each request has a span of its own."""

    def __init__(
        self,
        running: Running,
        baseline: mw.Baseline,
        *,
        sampler: Sampler = ALWAYS_ON,
        redact: Sequence[str] = (),
    ) -> None:
        self.running = running
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.watch = mw.Watch(
            MODEL,
            version="1",
            baseline=baseline,
            endpoint=running.otlp,
            tracer_provider=self.provider,
            redact=redact,
        )
        self._predict = self.watch(self._model)

    @staticmethod
    def _model(features: Row) -> float:
        if features["country"] == "raise":
            raise LookupError("no such country")
        return 0.5

    def request(self, row: Row) -> str:
        """Ask for a prediction within a span; return its trace id."""
        with self.provider.get_tracer("web").start_as_current_span("request") as span:
            with suppress(LookupError):
                self._predict(row)
            return f"{span.get_span_context().trace_id:032x}"

    def spans(self) -> tuple[ReadableSpan, ...]:
        """Return all spans that ended."""
        return self.exporter.get_finished_spans()

    def drift(self) -> Any:
        """Send all, and return what the collector says of the last ten minutes."""
        assert self.watch.flush(timeout_seconds=30)
        address = self.running.version("/drift?window=10m", model=MODEL, version="1")
        answer = plain_http.get(address)
        assert answer.status_code == 200
        return answer.json()


@pytest.fixture
def service(start: Start, training: mw.Baseline) -> Iterator[Service]:
    """A service beside a collector that has its baseline."""
    yield from _services(start(clock=time.time_ns), training)


def _services(running: Running, training: mw.Baseline, **options: Any) -> Iterator[Service]:
    put = running.version("/baseline", model=MODEL, version="1")
    assert plain_http.put(put, content=training.to_json()).status_code == 201
    found = Service(running, training, **options)
    yield found
    found.watch.shutdown(timeout_seconds=30)
    found.provider.shutdown()


def usual(seed: int, **other: Any) -> Row:
    """Return a row as in training."""
    random = np.random.default_rng(seed)
    age = float(np.clip(random.normal(40, 10), 20, 60))
    row = {"age": age, "income": 0.0, "country": "DE"}
    row["income"] = float(np.clip(random.normal(0, 1), -2, 2))
    row["country"] = str(random.choice(["DE", "FR", "IT"]))
    return {**row, **other}


def test_a_finding_names_the_traces_of_its_outliers(service: Service) -> None:
    """Of rows out of range, exactly their traces are shown, at that feature alone."""
    for seed in range(200):
        service.request(usual(seed))
    odd = {service.request(usual(seed, age=1e6)) for seed in (301, 302)}
    for seed in range(400, 500):
        service.request(usual(seed))
    features = service.drift()["features"]
    assert set(features["age"]["trace_ids"]) == odd
    assert features["income"]["trace_ids"] == features["country"]["trace_ids"] == []
    own = {f"{span.context.trace_id:032x}" for span in service.spans() if span.context}
    assert odd <= own


def test_a_route_of_fastapi_is_traced_to_its_request(start: Start, training: mw.Baseline) -> None:
    """Where an app is instrumented, the trace is that of the request with the odd body."""
    for service in _services(start(clock=time.time_ns), training):
        app, seen = FastAPI(), []

        @app.post("/predict")
        def predict(features: Row) -> dict[str, float]:
            return {"score": 0.5}

        modelwatch_fastapi.instrument(app, service.watch, routes=["/predict"])
        with TestClient(app) as client:
            for seed in range(60):
                row = usual(seed) if seed != 30 else usual(seed, income=1e9)
                assert client.post("/predict", json=row).status_code == 200
                seen.append(row)
            trace_ids = service.drift()["features"]["income"]["trace_ids"]
        odd = [
            f"{span.context.trace_id:032x}"
            for span in service.spans()
            if span.context and span.attributes and "modelwatch.outlier.rules" in span.attributes
        ]
        assert trace_ids == odd
        assert len(odd) == 1


def test_without_outliers_the_rows_where_values_gathered_are_named(service: Service) -> None:
    """Of a shift within the range, traces are of rows in what has grown; unmoved features none."""
    rows: dict[str, Row] = {}
    for seed in range(400):
        moved = {"age": 58.5, "country": "IT"} if seed % 2 else {}
        row = usual(seed, **moved)
        rows[service.request(row)] = row
    features = service.drift()["features"]
    for name in ("age", "country"):
        assert features[name]["severity"] == "drift"
        assert 1 <= len(features[name]["trace_ids"]) <= 2
    last_decile = 40 + 1.2 * 10  # of the normal distribution, less a margin
    assert all(rows[trace]["age"] > last_decile for trace in features["age"]["trace_ids"])
    assert {rows[trace]["country"] for trace in features["country"]["trace_ids"]} == {"IT"}
    assert features["income"]["trace_ids"] == []


def test_what_is_missing_now_is_named(service: Service) -> None:
    """Where values are absent that were there in training, traces of such rows are shown."""
    for seed in range(100):
        service.request(usual(seed))
    absent = {service.request(usual(seed, income=None)) for seed in range(200, 260)}
    traces = service.drift()["features"]["income"]["trace_ids"]
    assert traces
    assert set(traces) <= absent


def test_failed_calls_are_named_by_the_type_of_their_error(service: Service) -> None:
    """The traces of calls that raised are told, two of an interval."""
    failed = {service.request(usual(seed, country="raise")) for seed in range(5)}
    service.request(usual(9))
    told = service.drift()["error_trace_ids"]
    assert list(told) == ["LookupError"]
    assert len(told["LookupError"]) == 2
    assert set(told["LookupError"]) <= failed


def test_traces_that_are_not_sampled_are_not_named(start: Start, training: mw.Baseline) -> None:
    """Nobody could look at them."""
    for service in _services(start(clock=time.time_ns), training, sampler=ALWAYS_OFF):
        service.request(usual(1, age=1e6))
        for seed in range(100):
            service.request(usual(seed, country="raise"))
        found = service.drift()
        assert all(not feature["trace_ids"] for feature in found["features"].values())
        assert found["error_trace_ids"] == {}


def test_a_redacted_feature_has_no_traces(start: Start, training: mw.Baseline) -> None:
    """Of a feature that is held back it is not even told in which trace it was odd."""
    for service in _services(start(clock=time.time_ns), training, redact=["age"]):
        service.request(usual(1, age=1e6))
        service.request(usual(2, age=1e6, income=1e9))
        features = service.drift()["features"]
        assert features["age"]["trace_ids"] == []
        assert len(features["income"]["trace_ids"]) == 1


def test_a_flood_leaves_room_for_what_is_rare(service: Service) -> None:
    """Of thousands of outliers five are shown, and one of another feature among them is too."""
    odd = {service.request(usual(seed, age=1e6)) for seed in range(1_500)}
    rare = service.request(usual(1, income=1e9))
    odd |= {service.request(usual(seed, age=1e6)) for seed in range(1_500)}
    features = service.drift()["features"]
    assert len(features["age"]["trace_ids"]) == 5
    assert set(features["age"]["trace_ids"]) <= odd
    assert features["income"]["trace_ids"] == [rare]


def test_exemplars_of_other_clients_are_taken(start: Start, training: mw.Baseline) -> None:
    """Of a histogram of OpenTelemetry's own SDK, the exemplars farthest from the mean are shown."""
    running = start(clock=time.time_ns)
    put = running.version("/baseline", model=MODEL, version="1")
    assert plain_http.put(put, content=training.to_json()).status_code == 201
    delta: dict[type, AggregationTemporality] = dict.fromkeys(
        (Counter, Histogram), AggregationTemporality.DELTA
    )
    exporter = OTLPMetricExporter(f"{running.otlp}/v1/metrics", preferred_temporality=delta)
    edges = training.features["age"].bin_edges
    assert edges is not None
    view = View(
        instrument_name="modelwatch.feature.value",
        aggregation=ExplicitBucketHistogramAggregation(boundaries=edges.tolist()),
    )
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    meters = MeterProvider([reader], Resource({"service.instance.id": "a"}), views=[view])
    meter = meters.get_meter("test")
    owner = {"modelwatch.model.name": MODEL, "modelwatch.model.version": "1"}
    values = meter.create_histogram("modelwatch.feature.value")
    calls = meter.create_counter("modelwatch.predictions")
    age = {**owner, "modelwatch.feature.name": "age", "modelwatch.feature.role": "input"}
    tracer = TracerProvider().get_tracer("test")
    traces: dict[float, str] = {}
    for value in (35.0, 38.0, 41.0, 44.0, 900.0, 0.5):
        with tracer.start_as_current_span("request") as span:
            values.record(value, age)
            traces[value] = f"{span.get_span_context().trace_id:032x}"
    with tracer.start_as_current_span("request") as span:
        calls.add(1, {**owner, "error.type": "Timeout"})
        failed = f"{span.get_span_context().trace_id:032x}"
    meters.shutdown()
    address = running.version("/drift?window=10m", model=MODEL, version="1")
    found = plain_http.get(address).json()
    assert set(found["features"]["age"]["trace_ids"]) == {traces[900.0], traces[0.5]}
    assert found["error_trace_ids"] == {"Timeout": [failed]}
    assert running.received()["examples"] == 3


def test_names_beyond_the_limits_are_left_out_and_counted(
    start: Start, training: mw.Baseline
) -> None:
    """An event that names more features than a model may have is no way around the limit."""
    running = start(clock=time.time_ns, receiving=ReceivingOptions(limits={"features": 3}))
    for service in _services(running, training):
        service.request(usual(1))
        assert service.watch.flush(timeout_seconds=30)
        told = {"modelwatch.model.name": MODEL, "modelwatch.model.version": "1"}
        names = ["age", "x", "y", "z"]
        told_of = {**told, "modelwatch.example.features": names}
        events = [
            Event("modelwatch.example", now, told_of, trace_id=5, trace_flags=1)
            for now in (time.time_ns(), time.time_ns() + 10**15)
        ]
        body = encode_events(events, resource={})
        headers = {"Content-Type": "application/x-protobuf"}
        answer = plain_http.post(f"{running.otlp}/v1/logs", content=body, headers=headers)
        assert answer.status_code == 200
        counts = running.received()
        assert (counts["examples"], counts["examples_left_out"]) == (1, 7)


HOOK = """
[[rules]]
name = "drift"
on = "drift"
k = 1
m = 1

[[rules]]
name = "outliers"
on = "outliers"
outlier_rate = 0.01
k = 1
m = 1

[[notify]]
name = "hook"
kind = "webhook"
url = "{url}"
"""


def test_notices_and_pages_link_to_traces(
    start: Start, training: mw.Baseline, tmp_path: Path
) -> None:
    """What is posted, and what is shown, has the addresses of the traces."""
    config = tmp_path / "modelwatch.toml"
    with listening() as server:
        config.write_text(HOOK.format(url=server.url))
        running = start(
            clock=time.time_ns,
            window_seconds=1,
            alerting=AlertingOptions(config_path=config, environment={}),
            trace_links=TraceLinks("https://tempo.example/t/{trace_id}?a=1&b=2"),
        )
        for service in _services(running, training):
            odd = set()
            for seed in range(100):
                odd.add(service.request(usual(seed, age=1e6)))
            assert service.watch.flush(timeout_seconds=30)
            assert eventually(lambda: len(server.heard) >= 2)
            alerts = {one.document["alert"]["on"]: one.document["alert"] for one in server.heard}
            for kind in ("drift", "outliers"):
                (feature,) = alerts[kind]["features"][:1]
                assert feature["trace_ids"]
                assert set(feature["trace_ids"]) <= odd
                assert feature["trace_urls"] == [
                    f"https://tempo.example/t/{one}?a=1&b=2" for one in feature["trace_ids"]
                ]
            page = plain_http.get(f"{running.api}/models/{MODEL}/versions/1?window=10m").text
            shown = [f'href="https://tempo.example/t/{one}?a=1&amp;b=2"' for one in odd]
            assert 1 <= sum(link in page for link in shown) <= 5
            front = plain_http.get(running.api).text
            assert any(link in front for link in shown)


def test_pages_name_traces_where_there_are_no_links(service: Service) -> None:
    """The id is there to be copied, and leads nowhere."""
    odd = service.request(usual(1, age=1e6))
    failed = service.request(usual(2, country="raise"))
    service.drift()
    page = plain_http.get(f"{service.running.api}/models/{MODEL}/versions/1?window=10m").text
    for trace in (odd, failed):
        assert f'title="trace {trace}"' in page
    assert "LookupError" in page


@pytest.mark.parametrize(
    "template",
    [
        "javascript:alert('{trace_id}')",
        "data:text/html,{trace_id}",
        "https://tempo.example/trace/",
        "https://{trace_id}.example/",
        "https://tempo.example{trace_id}",
        "https://tempo.example/{trace_id}/{span}",
        "https://tempo.example/{trace_id}\n",
        "https://tempo.example/\"onmouseover='x'/{trace_id}",
        "https://user:password@tempo.example/{trace_id}",
        "//tempo.example/{trace_id}",
        " https://tempo.example/{trace_id}",
        "https://tempo.example/{trace_id}" + "x" * 2_000,
    ],
)
def test_templates_that_are_no_address_of_a_trace_are_refused(template: str) -> None:
    """What is no plain http or https address with the place of the id is refused."""
    with pytest.raises(ConfigurationError, match="--trace-url"):
        TraceLinks(template)


@pytest.mark.parametrize(
    "template",
    [
        "http://localhost:16686/trace/{trace_id}",
        "https://g.example/explore?left=%5B%22{trace_id}%22%5D",
        "https://t.example/#/{trace_id}/{trace_id}",
    ],
)
def test_templates_of_the_usual_backends_are_taken(template: str) -> None:
    """The id is put in each of its places."""
    assert TraceLinks(template).of("ab") == template.replace("{trace_id}", "ab")
