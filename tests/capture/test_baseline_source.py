from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.capture.baseline_source import BaselineSource, BaselineUrl
from modelwatch.capture.guard import Guard
from tests.watched import FakeTransport, MakeWatch


@dataclass
class Answers:
    """What a collector on the loopback answers, and what it was asked."""

    url: str = ""
    status: int = 404
    body: bytes = b""
    asked: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def collector() -> Iterator[Answers]:
    """A real HTTP server on a free port."""
    state = Answers()
    state.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            state.gate.wait(30)
            self.send_response(state.status)
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield state
    state.gate.set()
    server.shutdown()
    server.server_close()
    thread.join()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait, for ten seconds at most, until something has happened in another thread."""
    for _ in range(1_000):
        if condition():
            return
        threading.Event().wait(0.01)


def wait_for_baseline(watch: mw.Watch) -> None:
    """Wait, for ten seconds at most, until the watch has its baseline."""
    wait_until(lambda: watch.baseline is not None)


def test_the_address_names_model_and_version() -> None:
    """A collector's URL is completed; a baseline's own address is kept."""
    found = BaselineUrl("http://c:4319/", model="a/b", version="1 b")
    assert found.address == "http://c:4319/api/v1/models/a%2Fb/versions/1%20b/baseline"
    own = "https://c/api/v1/models/m/versions/1/baseline"
    assert BaselineUrl(own, model="m", version="1").address == own


def test_the_baseline_comes_from_the_collector(
    make_watch: MakeWatch, collector: Answers, baseline: mw.Baseline
) -> None:
    """A collector that answers gives the baseline without waiting for a prediction."""
    collector.status, collector.body = 200, baseline.to_json().encode()
    watch = make_watch(baseline=collector.url).watch
    wait_for_baseline(watch)  # on a busy machine the quarter of a second may not do
    assert watch.baseline is not None
    assert watch.baseline.id == baseline.id
    assert collector.asked == ["/api/v1/models/m/versions/1/baseline"]


def test_a_collector_that_hangs_holds_up_nobody(
    make_watch: MakeWatch, collector: Answers, baseline: mw.Baseline
) -> None:
    """Neither construction nor a flush waits for the answer; it is used when it comes."""
    collector.status, collector.body = 200, baseline.to_json().encode()
    collector.gate.clear()
    started = time.monotonic()
    watched = make_watch(baseline=collector.url)
    watched.watch.log({"amount": 100.0}, 0.5)
    assert watched.watch.flush(timeout_seconds=10)
    assert time.monotonic() - started < 1.0
    assert watched.watch.feature_names == ()
    collector.gate.set()
    wait_for_baseline(watched.watch)
    assert watched.watch.baseline is not None
    assert len(collector.asked) == 1


def test_a_forked_child_asks_by_itself(collector: Answers, baseline: mw.Baseline) -> None:
    """The thread that asks is not inherited: after a fork the next look starts another one."""
    collector.status, collector.body = 200, baseline.to_json().encode()
    collector.gate.clear()
    found: list[mw.Baseline] = []
    source = BaselineSource(
        collector.url, model="m", version="1", adopt=found.append, guard=Guard()
    )
    source.seek()
    source.reset()
    collector.gate.set()
    source.seek(wait_seconds=30)
    assert found[0].id == baseline.id
    source.seek()
    assert len(collector.asked) <= 2


@pytest.mark.parametrize("answer", [(404, b""), (500, b"oops"), (200, b"<html>"), (200, b"{}")])
def test_a_collector_without_the_baseline_does_not_fail_the_service(
    make_watch: MakeWatch,
    collector: Answers,
    baseline: mw.Baseline,
    caplog: pytest.LogCaptureFixture,
    answer: tuple[int, bytes],
) -> None:
    """Rows are captured without a baseline until the collector has it, and with it afterwards."""
    collector.status, collector.body = answer
    watched = make_watch(baseline=collector.url, export_interval_seconds=0.02)
    wait_until(lambda: collector.url in caplog.text)
    assert collector.url in caplog.text

    @watched.watch
    def predict(features: dict[str, Any]) -> float:
        return 0.5

    row = {"amount": 100.0, "count": 4, "city": "Lisbon"}
    predict(row)
    assert watched.watch.baseline is None
    collector.status, collector.body = 200, baseline.to_json().encode()
    wait_for_baseline(watched.watch)
    predict(row | {"city": "Rome"})
    watched.watch.flush(timeout_seconds=10)
    before, after = sorted(watched.transport.profiles(), key=lambda found: found.start_ns)
    assert (before.baseline_id, before.rows) == (None, 1)
    assert (after.baseline_id, after.rows) == (baseline.id, 1)
    assert after.features["city"].outliers == {"unseen_category": 1}


def test_a_collector_that_is_down_does_not_fail_the_service(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody listens: the watch is made, says so, and captures."""
    transport = FakeTransport()
    watch = mw.Watch("m", version="1", baseline="http://127.0.0.1:9", transport=transport)
    wait_until(lambda: "captures without a baseline" in caplog.text)
    assert "captures without a baseline" in caplog.text
    watch.log({"amount": 1.0}, 0.5)
    assert watch.shutdown(10.0)
    assert sum(profile.rows for profile in transport.profiles()) == 1


def test_the_baseline_of_another_model_is_not_used(
    make_watch: MakeWatch, collector: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    """A collector that hands out the wrong baseline is not believed."""
    data = {"amount": np.arange(100.0)}
    other = mw.Baseline.fit(data, model="other", version="1")
    collector.status, collector.body = 200, other.to_json().encode()
    watch = make_watch(baseline=collector.url).watch
    wait_until(lambda: "'other'" in caplog.text)
    assert watch.baseline is None
    assert "'other'" in caplog.text
