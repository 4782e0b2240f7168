from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

import modelwatch as mw
from modelwatch.capture.guard import Guard
from modelwatch.telemetry.exporter import Exporter
from modelwatch.telemetry.transport import Outcome, Signal
from modelwatch.telemetry.wire import assemble, decode_metrics
from tests.watched import FakeTransport

DOWN = Outcome(status="unreachable", message="down")
FINE = Outcome(status="accepted")
REFUSED = Outcome(status="refused", message="bad")
PARTIAL = Outcome(status="partial", message="bad")


class Bench:
    """An exporter without a thread, whose profiles and clock are at hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.transport = FakeTransport()
        self.ended: list[mw.Profile] = []
        self.guard = Guard()
        self.windows = 0
        self.exporter = Exporter(
            collect=self._collect,
            before_interval=lambda: None,
            transport=self.transport,
            resource=lambda: {"service.instance.id": "one"},
            interval_seconds=60.0,
            guard=self.guard,
            clock=lambda: self.now,
        )

    def _collect(self) -> list[mw.Profile]:
        ended, self.ended = self.ended, []
        return ended

    def end_window(self, rows: int = 1) -> None:
        """Let one more window of so many rows end."""
        profile = mw.Profile.empty("m", "1", start_ns=self.windows + 1)
        profile.update({"a": [0.5] * rows})
        profile.record_calls([0.01] * rows)
        self.windows += 1
        profile.end_ns = self.windows + 1
        self.ended.append(profile)

    def round(self, outcome: Outcome) -> list[tuple[Signal, bytes]]:
        """Export once, and return what was sent."""
        self.transport.outcome = outcome
        before = len(self.transport.sent)
        self.exporter.export()
        return self.transport.sent[before:]


@pytest.fixture
def bench() -> Bench:
    """An exporter to work with."""
    return Bench()


def received(sent: list[tuple[Signal, bytes]]) -> list[mw.Profile]:
    """Return the profiles among messages."""
    bodies = [body for signal, body in sent if signal == "metrics"]
    return assemble(point for body in bodies for point in decode_metrics(body).points)


def test_what_ended_is_sent(bench: Bench) -> None:
    """Each window goes out as metrics and logs, once."""
    bench.end_window(rows=3)
    assert [signal for signal, _ in bench.round(FINE)] == ["metrics", "logs"]
    assert bench.round(FINE) == []
    assert bench.exporter.is_idle


def test_what_was_sent_is_sent_again_unchanged(bench: Bench) -> None:
    """After an outage the same bytes come again, so that the receiver can tell a repetition."""
    bench.end_window()
    (first,) = bench.round(DOWN)
    bench.end_window()
    bench.now += 3_600
    (second,) = bench.round(DOWN)
    assert second == first
    bench.now += 3_600
    again, *rest = bench.round(FINE)
    assert again == first
    assert sum(found.rows for found in received([again, *rest])) == 2


def test_a_collector_that_is_down_is_not_hammered(bench: Bench) -> None:
    """Attempts are spaced out, up to a minute apart, and at least as asked by Retry-After."""
    bench.end_window()
    waits = []
    for _ in range(9):
        assert len(bench.round(DOWN)) == 1
        started = bench.now
        while not bench.round(DOWN):
            bench.now += 0.5
        waits.append(bench.now - started)
        bench.now += 3_600
        bench.exporter._attempts = len(waits)
    assert waits == sorted(waits)
    assert waits[-1] <= 60.5
    patient = Bench()
    patient.end_window()
    patient.round(Outcome(status="unreachable", retry_after_seconds=120.0))
    patient.now = 119.0
    assert patient.round(FINE) == []
    patient.now = 121.0
    assert len(patient.round(FINE)) == 2


def test_an_outage_takes_bounded_memory_and_no_rows(bench: Bench) -> None:
    """Over a thousand windows of outage profiles are merged; all rows arrive afterwards."""
    for _ in range(1_000):
        bench.end_window()
        bench.round(DOWN)
        bench.now += 60.0
    assert len(bench.exporter._waiting) <= 32
    assert len(bench.exporter._messages) <= 2
    bench.now += 3_600
    found = received(bench.round(FINE))
    assert sum(profile.rows for profile in found) == 1_000
    assert sum(profile.predictions[""] for profile in found) == 1_000
    spans = sorted((profile.start_ns, profile.end_ns) for profile in found)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_profiles_that_cannot_be_merged_are_lost_oldest_first(bench: Bench) -> None:
    """Where nothing can be merged, the oldest goes, and its rows are counted as dropped."""
    for number in range(40):
        profile = mw.Profile("m", str(number), start_ns=number, end_ns=number + 1)
        profile.rows = 1
        bench.ended.append(profile)
    bench.round(DOWN)
    assert len(bench.exporter._waiting) + 1 == 32
    assert bench.guard.count == 0


def test_refused_messages_are_given_up(bench: Bench) -> None:
    """A message that the receiver will never take does not hold up the next."""
    bench.end_window()
    bench.round(REFUSED)
    assert bench.exporter.is_idle
    assert bench.exporter.failures == 2


def test_refused_rows_are_reported_as_dropped(bench: Bench) -> None:
    """What the receiver never took is counted by the next profile that it takes, and only once."""
    for rows in (3, 4):
        bench.end_window(rows)
        bench.ended[0].dropped["buffer_full"] = 1
        bench.round(REFUSED)
    bench.end_window()
    bench.round(DOWN)
    bench.now += 3_600
    bench.end_window()
    first, second = received(bench.round(FINE))
    assert first.dropped == {"export_refused": 7, "buffer_full": 2}
    assert second.dropped == {}


def test_only_the_refusal_of_rows_is_a_loss_of_rows(bench: Bench) -> None:
    """Rows are counted as lost once for metrics, not for logs, nor where a part was refused."""
    bench.end_window(rows=3)
    bench.round(PARTIAL)
    bench.end_window()
    (profile,) = received(bench.round(FINE))
    assert profile.dropped == {}
    assert bench.exporter.failures == 2


def test_failures_are_reported_with_the_next_export(bench: Bench) -> None:
    """The receiver learns how many exports failed, once."""
    bench.end_window()
    bench.round(REFUSED)
    reports = []
    for _ in range(2):
        bench.end_window()
        (body,) = [body for signal, body in bench.round(FINE) if signal == "metrics"]
        reports.append(b"modelwatch.export.failures" in body)
    assert reports == [True, False]
    assert bench.exporter._unreported_failures == 0


@pytest.fixture
def running() -> Iterator[Callable[..., tuple[Exporter, FakeTransport]]]:
    """Starts exporters with threads, and ends them."""
    started: list[Exporter] = []

    def start(collect: Callable[[], list[mw.Profile]], **options: Any) -> Any:
        transport = options.pop("transport", FakeTransport())
        exporter = Exporter(
            collect=collect,
            before_interval=options.pop("before_interval", lambda: None),
            transport=transport,
            resource=lambda: {"service.instance.id": "one"},
            interval_seconds=options.pop("interval_seconds", 3_600.0),
            guard=Guard(),
        )
        started.append(exporter)
        exporter.start()
        return exporter, transport

    yield start
    for exporter in started:
        exporter.shutdown(1.0)


def one_window() -> Callable[[], list[mw.Profile]]:
    """Return what collects one window, and then none."""
    bench = Bench()
    bench.end_window()
    return bench._collect


def test_a_flush_delivers(running: Any) -> None:
    """flush returns when all is delivered."""
    exporter, transport = running(one_window())
    assert exporter.flush(10.0)
    assert len(transport.sent) == 2
    assert exporter.shutdown(10.0)


@pytest.mark.parametrize("outcome", [REFUSED, PARTIAL])
@pytest.mark.parametrize("way", ["flush", "shutdown"])
def test_a_flush_that_is_refused_did_not_deliver(running: Any, way: str, outcome: Outcome) -> None:
    """flush and shutdown say so where the receiver refused something; a later flush is fine."""
    exporter, transport = running(one_window())
    transport.outcome = outcome
    assert getattr(exporter, way)(10.0) is False
    transport.outcome = FINE
    assert exporter.flush(10.0)


def test_an_interval_delivers(running: Any) -> None:
    """Without any flush, profiles go out at the interval, after what comes before it."""
    calls: list[str] = []
    collect = one_window()

    def collecting() -> list[mw.Profile]:
        calls.append("collect")
        return collect()

    def failing() -> None:
        calls.append("before")
        raise RuntimeError("a fault of ours")

    exporter, transport = running(collecting, before_interval=failing, interval_seconds=0.02)
    deadline = time.monotonic() + 20
    while len(transport.sent) < 2 and time.monotonic() < deadline:
        exporter._thread.join(0.01)
    assert len(transport.sent) == 2
    assert calls[:2] == ["before", "collect"]


def test_faults_do_not_end_the_thread(running: Any) -> None:
    """A transport or a collection that raises is survived."""

    class Broken(FakeTransport):
        def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Any:
            raise RuntimeError("broken")

    exporter, _ = running(one_window(), transport=Broken())
    assert exporter.flush(5.0) is False
    assert exporter._thread.is_alive()


def test_shutdown_ends_the_thread(running: Any) -> None:
    """After a shutdown no thread is left, and a second one does no harm."""
    exporter, transport = running(one_window())
    thread = exporter._thread
    assert exporter.shutdown(10.0)
    thread.join(10.0)
    assert not thread.is_alive()
    assert len(transport.sent) == 2
    started = time.monotonic()
    assert exporter.shutdown(10.0)
    assert exporter.flush(10.0)
    assert time.monotonic() - started < 5.0
