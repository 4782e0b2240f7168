from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import numpy as np
import pytest

import modelwatch as mw
from modelwatch.capture.baseline_source import BaselineSource
from modelwatch.capture.guard import Guard
from modelwatch.capture.polled import CollectorPoll, version_url
from modelwatch.errors import CollectorError
from modelwatch.telemetry.steering import FeatureLimits, Steering
from tests.watched import FakeTransport, MakeWatch


@dataclass
class Answers:
    """What a collector on the loopback answers, and what it was asked."""

    url: str = ""
    status: int = 404
    body: bytes = b""
    etag: str = ""
    steering: bytes = b""
    asked: list[str] = field(default_factory=list)
    shown: list[str | None] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def collector() -> Iterator[Answers]:
    """A real HTTP server on a free port."""
    state = Answers()
    state.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.shown.append(self.headers["authorization"])
            state.asked.append(self.path)
            state.gate.wait(30)
            status, body = state.status, state.body
            if self.path.endswith("/capture"):
                status, body = (200, state.steering) if state.steering else (404, b"")
            elif state.etag and self.headers["if-none-match"] == state.etag:
                status, body = 304, b""
            self.send_response(status)
            if state.etag:
                self.send_header("etag", state.etag)
            self.end_headers()
            self.wfile.write(body)

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
    found = version_url("http://c:4319/", model="a/b", version="1 b")
    assert found == "http://c:4319/api/v1/models/a%2Fb/versions/1%20b"
    own = "https://c/api/v1/models/m/versions/1"
    assert version_url(f"{own}/baseline", model="m", version="1") == own


def test_the_baseline_comes_from_the_collector(
    make_watch: MakeWatch, collector: Answers, baseline: mw.Baseline
) -> None:
    """A collector that answers gives the baseline without waiting for a prediction."""
    collector.status, collector.body = 200, baseline.to_json().encode()
    watch = make_watch(baseline=collector.url).watch
    wait_for_baseline(watch)  # on a busy machine the half of a second may not do
    assert watch.baseline is not None
    assert watch.baseline.id == baseline.id
    assert collector.asked[0] == "/api/v1/models/m/versions/1/baseline"


def test_the_collector_is_shown_the_token(
    make_watch: MakeWatch,
    collector: Answers,
    baseline: mw.Baseline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Baseline and steering are asked for with the token of the environment, none without."""
    collector.status, collector.body = 200, baseline.to_json().encode()
    wait_for_baseline(make_watch(baseline=collector.url).watch)
    wait_until(lambda: len(collector.asked) >= 2)
    assert set(collector.shown) == {None}
    monkeypatch.setenv("MODELWATCH_TOKEN", "mwt_a_b")
    collector.shown.clear()
    wait_for_baseline(make_watch(baseline=collector.url).watch)
    wait_until(lambda: len(collector.shown) >= 2)
    assert set(collector.shown) == {"Bearer mwt_a_b"}


@pytest.mark.parametrize(
    ("token", "status"), [("mwt_a_b", 401), ("mwt_a_b", 403), ("geheim\n\u00e9", 200)]
)
def test_a_refused_token_is_said_and_not_shown(
    make_watch: MakeWatch,
    collector: Answers,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    token: str,
    status: int,
) -> None:
    """Where the collector refuses, or the token is none, the log names the variable alone."""
    monkeypatch.setenv("MODELWATCH_TOKEN", token)
    collector.status = status
    make_watch(baseline=collector.url)
    wait_until(lambda: "MODELWATCH_TOKEN" in caplog.text)
    assert "MODELWATCH_TOKEN" in caplog.text
    assert token not in caplog.text
    assert "geheim" not in caplog.text


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
    assert len(collector.asked) <= 2  # the steering is asked for after the baseline


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
    wait_until(lambda: bool(found))
    assert found[0].id == baseline.id
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


class Polling:
    """A source whose rounds are asked for one by one."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.baselines: list[mw.Baseline] = []
        self.steerings: list[Steering] = []
        self._source = BaselineSource(
            answers.url,
            model="m",
            version="1",
            adopt=self.baselines.append,
            guard=Guard(),
            steer=self.steerings.append,
        )

    def round(self) -> None:
        """Ask for all documents, and wait for the answers."""
        asked = len(self._answers.asked)
        wait_until(lambda: self._asks(asked))

    def _asks(self, before: int) -> bool:
        self._source.seek(wait_seconds=30)
        return len(self._answers.asked) > before


def test_an_unchanged_baseline_is_adopted_once(collector: Answers, baseline: mw.Baseline) -> None:
    """It is asked for at each round, by its entity tag, and read only where that is another."""
    collector.status, collector.body = 200, baseline.to_json().encode()
    collector.etag = '"first"'
    polling = Polling(collector)
    polling.round()
    collector.body = b"not sent"
    polling.round()
    collector.etag, collector.body = '"second"', other_baseline().to_json().encode()
    polling.round()
    assert [found.id for found in polling.baselines] == [baseline.id, other_baseline().id]


@pytest.mark.parametrize("answer", [(404, b""), (409, b""), (500, b""), (200, b"{}"), (200, b"")])
def test_the_baseline_in_use_stays(
    collector: Answers,
    baseline: mw.Baseline,
    caplog: pytest.LogCaptureFixture,
    answer: tuple[int, bytes],
) -> None:
    """A collector that has it no more, fails or answers rubbish takes it from nobody."""
    collector.status, collector.body = 200, baseline.to_json().encode()
    polling = Polling(collector)
    polling.round()
    collector.status, collector.body = answer
    polling.round()
    assert [found.id for found in polling.baselines] == [baseline.id]
    assert "with the baseline it has" in caplog.text
    collector.status, collector.body = 200, other_baseline().to_json().encode()
    polling.round()
    assert polling.baselines[-1].id == other_baseline().id


def test_steering_comes_from_the_same_collector(
    collector: Answers, baseline: mw.Baseline, caplog: pytest.LogCaptureFixture
) -> None:
    """It is handed over where it is another; a wrong one changes nothing; without one all is as
    the service's code says.
    """
    polling = Polling(collector)
    polling.round()
    assert polling.steerings == []
    collector.steering = b'{"enabled": false, "outlier_limits": {"amount": {"upper": 5}}}'
    polling.round()
    polling.round()
    limits = {"amount": FeatureLimits(upper=5.0)}
    assert polling.steerings == [Steering(enabled=False, outlier_limits=limits)]
    collector.steering = b'{"enabled": 1}'
    polling.round()
    assert "captures as before" in caplog.text
    assert len(polling.steerings) == 1
    collector.steering = b""
    polling.round()
    assert polling.steerings[1:] == [Steering()]


def test_a_watch_with_a_file_can_be_steered(
    make_watch: MakeWatch, collector: Answers, baseline: mw.Baseline
) -> None:
    """The collector that steers need not be the one that keeps the baseline."""
    collector.steering = b'{"sample_rate": 0.25}'
    watch = make_watch(collector=collector.url).watch
    wait_until(lambda: watch.recorder.steering != Steering())
    assert watch.recorder.steering == Steering(sample_rate=0.25)
    assert watch.baseline is not None
    assert collector.asked == ["/api/v1/models/m/versions/1/capture"]


def test_a_collector_that_is_down_is_asked_less_and_less() -> None:
    """Pauses double up to five minutes, and are drawn at random; an answer ends them."""
    now, asked = [0.0], [0]

    class Down:
        def poll(self, client: httpx.Client) -> None:
            asked[0] += 1
            raise CollectorError("down")

        def reset(self) -> None:
            """Do nothing."""

    poll = CollectorPoll([Down()], guard=Guard(), clock=lambda: now[0])
    times = []
    while now[0] < 3_000:
        before = asked[0]
        poll.start_round(wait_seconds=30)
        if asked[0] > before:
            times.append(now[0])
        now[0] += 0.25
    pauses = np.diff(times)
    longest = np.minimum(2.0 ** np.arange(pauses.size), 300.0)
    assert (pauses >= longest / 2).all()
    assert (pauses <= longest + 0.25).all()
    assert pauses[-1] > 100.0


def other_baseline() -> mw.Baseline:
    """The same model fitted on later data."""
    random = np.random.default_rng(12)
    data = {"amount": random.normal(50.0, 5.0, size=500), "city": ["Rome", "Oslo"] * 250}
    return mw.Baseline.fit(data, model="m", version="1")


def test_a_baseline_is_swapped_under_load(
    make_watch: MakeWatch, collector: Answers, baseline: mw.Baseline
) -> None:
    """While eight threads predict, each row goes out once, under the one or the other baseline."""
    collector.status, collector.body = 200, baseline.to_json().encode()
    watched = make_watch(baseline=collector.url, export_interval_seconds=0.05)
    wait_for_baseline(watched.watch)
    predict = watched.watch(half)
    row = {"amount": 100.0, "count": 4, "city": "Lisbon"}
    swapped, calls = threading.Event(), [0] * 8

    def work(number: int) -> None:
        late = 0
        while late < 500:
            predict(row)
            calls[number] += 1
            late += swapped.is_set()
            if calls[number] % 500 == 0:
                watched.watch.flush(timeout_seconds=30)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    later = other_baseline()
    collector.body = later.to_json().encode()
    wait_until(lambda: watched.watch.baseline is not None and watched.watch.baseline.id == later.id)
    swapped.set()
    for thread in threads:
        thread.join()
    assert watched.watch.flush(timeout_seconds=30)
    profiles = watched.transport.profiles()
    rows = {baseline.id: 0, later.id: 0}
    for profile in profiles:
        rows[profile.baseline_id or ""] += profile.rows
    dropped = sum(profile.dropped.total() for profile in profiles)
    assert sum(rows.values()) + dropped == sum(calls)
    assert sum(profile.predictions.total() for profile in profiles) == sum(calls)
    assert min(rows.values()) > 0
    assert rows[later.id] + dropped >= 4_000


def half(features: dict[str, Any]) -> float:
    """Return a score."""
    return 0.5
