"""What goes through another maker's collector arrives as it was sent; see ``make test-rotel``."""

from __future__ import annotations

import os
import sys
import time
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

import modelwatch as mw
from modelwatch.collector.receiving.forwarding import ForwardOptions
from modelwatch.collector.receiving.options import ReceivingOptions
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import LATEST_NS, TimeWindow
from modelwatch.profile import Profile
from modelwatch.sketches import Categories, Histogram
from tests import plain_http
from tests.collector.conftest import (
    FEATURE,
    MODEL,
    PROTOBUF,
    VERSION,
    Running,
    Start,
    Traffic,
    eventually,
    frame,
)
from tests.collector.receiving.rotel.agent import PROTOCOLS, Protocol, Rotel, rotel
from tests.collector.receiving.test_sdk_exporters import OWNER, exporter_of
from tests.collector.security.conftest import StoreTokens
from tests.server_process import Output, free_port, served

ROWS = 400
NO_FAULT = {"rejected": 0, "refused": 0, "duplicates": 0, "foreign": 0, "begun": 0}


@pytest.fixture
def running(start: Start) -> Running:
    """A collector that takes both protocols."""
    return start(receiving=ReceivingOptions(otlp_grpc_port=0), clock=time.time_ns)


@pytest.fixture
def tokens(tmp_path: Path) -> StoreTokens:
    """The tokens of the store that the collectors of a test use."""
    return StoreTokens(tmp_path / "store.sqlite")


def address(running: Running, protocol: Protocol) -> str:
    """Return where a collector takes a protocol."""
    return running.grpc if protocol == "grpc" else running.otlp


def stored(path: Path, model: str = MODEL, version: str = VERSION) -> Profile | None:
    """Return all that a store holds of a model, which was all counted on the same bins."""
    store = SqliteStore.open(path)
    try:
        found = store.window(model, version, TimeWindow(0, LATEST_NS))
    finally:
        store.close()
    assert found.unmergeable == 0
    assert len(found.profiles) <= 1
    return next(iter(found.profiles.values()), None)


def has_rows(path: Path, rows: int, model: str = MODEL, version: str = VERSION) -> bool:
    """Tell whether a store holds so many rows of a model."""
    profile = stored(path, model, version)
    return profile is not None and profile.rows == rows


class Sender:
    """A watch that sends to rotel, and the rows that it watches.

    Args:
        baseline: of the model.
        agent: what it sends to.
        protocol: by which.
        monkeypatch: sets its environment.
    """

    def __init__(
        self,
        baseline: mw.Baseline,
        agent: Rotel,
        protocol: Protocol,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        name = "grpc" if protocol == "grpc" else "http/protobuf"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", name)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", agent.endpoint(protocol))
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=pod-7,team=risk")
        self.rows = pd.DataFrame(frame(5, ROWS))
        self.watch = mw.Watch(MODEL, version=VERSION, baseline=baseline)

    def send(self, part: int, *, of: int = 4) -> None:
        """Watch a part of the rows, and have rotel acknowledge them."""
        rows = self.rows[part::of]
        self.watch.log(rows[[FEATURE, "country"]], rows["score"].to_numpy())
        assert self.watch.flush(timeout_seconds=20)

    def has_arrived(self, path: Path) -> bool:
        """Tell whether a store holds all rows, and the moments, which come in another request."""
        profile = stored(path)
        if profile is None or profile.rows != ROWS:
            return False
        moments = profile.features[FEATURE].moments
        return moments is not None and moments.n == ROWS

    def require_counted(self, profile: Profile | None, baseline: mw.Baseline) -> None:
        """Check what arrived against the rows themselves."""
        assert profile is not None
        assert (profile.rows, profile.baseline_id) == (ROWS, baseline.id)
        ages = profile.features[FEATURE].values
        assert isinstance(ages, Histogram)
        edges = [-np.inf, *ages.bin_edges, np.inf]
        expected, _ = np.histogram(self.rows[FEATURE], edges)
        assert ages.counts.tolist() == expected.tolist()
        moments = profile.features[FEATURE].moments
        assert moments is not None
        assert (moments.minimum, moments.maximum) == (
            self.rows[FEATURE].min(),
            self.rows[FEATURE].max(),
        )
        assert moments.mean == pytest.approx(self.rows[FEATURE].mean(), rel=1e-12)
        countries = profile.features["country"].values
        assert isinstance(countries, Categories)
        assert countries.counts == self.rows["country"].value_counts().to_dict()


@pytest.mark.parametrize("onward", PROTOCOLS)
@pytest.mark.parametrize("inward", PROTOCOLS)
def test_a_watch_is_counted_exactly(
    running: Running,
    baseline: mw.Baseline,
    monkeypatch: pytest.MonkeyPatch,
    inward: Protocol,
    onward: Protocol,
) -> None:
    """Rows, bins, moments, categories, baseline and instance are as sent, over either protocol."""
    with rotel(address(running, onward), onward) as agent:
        sender = Sender(baseline, agent, inward, monkeypatch)
        for part in range(4):
            sender.send(part)
        assert sender.watch.shutdown(timeout_seconds=20)
        assert eventually(partial(sender.has_arrived, running.store))
    profile = stored(running.store)
    sender.require_counted(profile, baseline)
    told = running.received()
    assert {name: told[name] for name in NO_FAULT} == NO_FAULT
    (instance,) = told["clocks"]["instances"]
    assert instance["instance"].startswith("pod-7-")


def test_what_came_already_is_known_in_another_request(running: Running, traffic: Traffic) -> None:
    """Exports that came straight, and come again joined into one, are told by their points."""
    bodies = [traffic.body(traffic.profile(end_ns=time.time_ns(), instance=one)) for one in "abc"]
    with rotel(running.grpc, "grpc", batch_timeout="2s") as agent:
        for body in bodies:
            assert running.post(body).status_code == 200
            url = f"{agent.otlp}/v1/metrics"
            assert plain_http.post(url, content=body, headers=PROTOBUF).status_code == 200
        points = running.received()["points"]
        assert eventually(lambda: running.received()["duplicates"] == points)
    told = running.received()
    assert (told["requests"], told["points"]) == (len(bodies) + 1, points)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("temporality", list(AggregationTemporality)[1:])
def test_an_sdk_is_counted_exactly(
    running: Running, protocol: Protocol, temporality: AggregationTemporality
) -> None:
    """Deltas and cumulated counts of the SDK arrive whole, whatever else their points carry."""
    with rotel(address(running, protocol), protocol) as agent:
        exporter = exporter_of(protocol, agent, temporality)
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
        provider = MeterProvider(
            [reader],
            Resource({"service.instance.id": "a", "team": "risk"}),
            exemplar_filter=AlwaysOnExemplarFilter(),
            views=[VALUES],
        )
        for count in (3, 4):
            record(provider.get_meter("test"), count)
            assert provider.force_flush()
        provider.shutdown()
        assert eventually(lambda: has_rows(running.store, 7, "other", "1"))
    profile = stored(running.store, "other", "1")
    assert profile is not None
    values = profile.features["x"].values
    assert isinstance(values, Histogram)
    assert values.counts.tolist() == [0, 7, 0, 0]
    told = running.received()
    assert {name: told[name] for name in NO_FAULT} == NO_FAULT
    assert told["points"] == 4
    assert [one["instance"] for one in told["clocks"]["instances"]] == ["a"]


def test_an_outage_loses_nothing(
    tmp_path: Path, baseline: mw.Baseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What rotel acknowledged while the collector was stopped is counted once it runs again."""
    store, otlp, api = tmp_path / "store.sqlite", free_port(), free_port()
    command = [
        *[sys.executable, "-c", "from modelwatch.cli import main; main()", "collector"],
        *["--store", str(store), "--otlp-http-port", str(otlp), "--api-port", str(api)],
        *["--otlp-grpc-port", "0"],
    ]

    def collector() -> AbstractContextManager[Output]:
        ready = f"http://127.0.0.1:{api}/readyz"
        return served(command, ready, folder=tmp_path, environment=os.environ)

    with rotel(f"http://127.0.0.1:{otlp}", "http") as agent:
        sender = Sender(baseline, agent, "http", monkeypatch)
        with collector():
            sender.send(0)
            assert eventually(lambda: has_rows(store, ROWS // 4))
        for part in (1, 2):
            sender.send(part)
        with collector():
            sender.send(3)
            assert sender.watch.shutdown(timeout_seconds=20)
            assert eventually(partial(sender.has_arrived, store))
    sender.require_counted(stored(store), baseline)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_rotel_carries_a_token(
    start: Start,
    tokens: StoreTokens,
    baseline: mw.Baseline,
    monkeypatch: pytest.MonkeyPatch,
    protocol: Protocol,
) -> None:
    """With the header that its option names, what rotel sends is let in; without, it is not."""
    token = tokens.make("agent", "ingest")
    running = start(receiving=ReceivingOptions(otlp_grpc_port=0), clock=time.time_ns)
    header = f"--otlp-exporter-custom-headers=Authorization=Bearer {token}"
    for options, rows in ((["--otlp-exporter-retry-max-elapsed-time=50ms"], 0), ([header], ROWS)):
        with rotel(address(running, protocol), protocol, *options) as agent:
            sender = Sender(baseline, agent, "http", monkeypatch)
            sender.send(0, of=1)
            assert sender.watch.shutdown(timeout_seconds=20)
            assert not rows or eventually(partial(sender.has_arrived, running.store))
        profile = stored(running.store)
        assert (profile.rows if profile else 0) == rows


def test_what_is_sent_on_is_counted_there_too(
    start: Start,
    running: Running,
    tmp_path: Path,
    baseline: mw.Baseline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A collector before rotel sends on what comes in, and one behind rotel counts the same."""
    with rotel(running.otlp, "http") as agent:
        first = start(
            receiving=ReceivingOptions(
                otlp_grpc_port=0, forward=ForwardOptions(endpoint=agent.otlp)
            ),
            store_path=tmp_path / "first.sqlite",
            clock=time.time_ns,
        )
        sender = Sender(baseline, Rotel(otlp=first.otlp, grpc=first.grpc), "http", monkeypatch)
        sender.send(0, of=1)
        assert sender.watch.shutdown(timeout_seconds=20)
        for collector in (first, running):
            assert eventually(partial(sender.has_arrived, collector.store))
            sender.require_counted(stored(collector.store), baseline)


VALUES = View(
    instrument_name="modelwatch.feature.value",
    aggregation=ExplicitBucketHistogramAggregation(boundaries=[0.0, 1.0, 2.0]),
)


def record(meter: Meter, count: int) -> None:
    """Count rows and values, with attributes that nobody knows of."""
    of_model: dict[str, str | int] = {**OWNER, "deployment": "canary", "shard": 3}
    feature = {**of_model, "modelwatch.feature.name": "x", "modelwatch.feature.role": "input"}
    meter.create_counter("modelwatch.rows.captured").add(count, of_model)
    values = meter.create_histogram("modelwatch.feature.value")
    for _ in range(count):
        values.record(0.5, feature)
