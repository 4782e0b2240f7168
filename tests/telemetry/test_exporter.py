from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import modelwatch as mw
from modelwatch.capture.guard import Guard
from modelwatch.telemetry import names
from modelwatch.telemetry.export_options import ExportOptions
from modelwatch.telemetry.exporter import Exporter
from modelwatch.telemetry.transport import Outcome, Signal
from modelwatch.telemetry.wire import Event
from tests.telemetry.windows import DOWN, FINE, PARTIAL, REFUSED, Sent, Windows, received, records
from tests.watched import FakeTransport


class SlowTransport(FakeTransport):
    """Takes time on the clock of a bench for each message, and notes what time it was given."""

    def __init__(self, bench: Bench, seconds: float) -> None:
        super().__init__()
        self._bench = bench
        self._seconds = seconds
        self.timeouts: list[float | None] = []

    def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Outcome:
        """Let time pass."""
        self.timeouts.append(timeout_seconds)
        self._bench.now += self._seconds
        return super().send(signal, body, timeout_seconds=timeout_seconds)


class Bench:
    """An exporter without a thread, whose profiles and clock are at hand."""

    def __init__(self, **options: Any) -> None:
        self.now = 0.0
        self.chance = 0.0
        self.transport: Any = FakeTransport()
        self.windows = Windows()
        self.ended: list[mw.Profile] = []
        self.happened: list[Event] = []
        self.guard = Guard()
        self.options = ExportOptions(**options)
        self.renew()

    def renew(self) -> None:
        """Make the exporter anew."""
        self.exporter = Exporter(
            collect=lambda: self._take(self.ended),
            collect_events=lambda: (self._take(self.happened), {}),
            before_interval=lambda: None,
            transport=self.transport,
            resource=lambda: {"service.instance.id": "one"},
            interval_seconds=60.0,
            guard=self.guard,
            options=self.options,
            clock=lambda: self.now,
            random=lambda: self.chance,
        )

    def _take(self, source: list[Any]) -> list[Any]:
        taken = source[:]
        source.clear()
        return taken

    def end_window(self, rows: int = 1) -> None:
        """Let one more window of so many rows end."""
        self.ended.append(self.windows.next(rows))

    def round(self, outcome: Outcome) -> list[Sent]:
        """Export once, and return what was sent."""
        self.transport.outcome = outcome
        before = len(self.transport.sent)
        self.exporter.export()
        sent: list[Sent] = self.transport.sent[before:]
        return sent


@pytest.fixture
def bench() -> Bench:
    """An exporter to work with."""
    return Bench()


def test_what_ended_and_happened_is_sent(bench: Bench) -> None:
    """Each window goes out as metrics and logs, and events besides, once."""
    bench.end_window(rows=3)
    bench.happened.append(Event(names.OUTLIER, 1))
    assert [signal for signal, _ in bench.round(FINE)] == ["metrics", "logs", "logs"]
    assert bench.round(FINE) == []
    assert bench.exporter.is_idle


@pytest.mark.parametrize("chance", [0.0, 0.999_999])
def test_a_collector_that_is_down_is_not_hammered(bench: Bench, chance: float) -> None:
    """Between two attempts there is half of 1, 2, 4 ... 60 seconds at least, and all at most."""
    bench.chance = chance
    bench.end_window()
    waits = []
    for _ in range(9):
        assert len(bench.round(DOWN)) == 1
        started = bench.now
        while not bench.round(DOWN):
            bench.now += 0.125
        waits.append(bench.now - started)
        bench.now += 3_600.0
    longest = [1.0, 4.0, 16.0, 60.0]  # of every other, as each wait here takes two attempts
    assert waits[:4] == pytest.approx([wait * (1 + chance) / 2 for wait in longest], abs=0.13)
    assert max(waits) <= 60.125


@pytest.mark.parametrize("chance", [0.0, 0.999_999])
def test_retry_after_is_a_minimum(bench: Bench, chance: float) -> None:
    """Nothing is sent a moment before the receiver asked for, and all is soon after."""
    bench.chance = chance
    bench.end_window()
    bench.round(Outcome(status="unreachable", retry_after_seconds=120.0))
    bench.now = 119.999
    assert bench.round(FINE) == []
    bench.now = 121.0
    assert len(bench.round(FINE)) == 2


def test_success_ends_the_waiting(bench: Bench) -> None:
    """After a collector came back, a new failure is met with a short wait again."""
    bench.end_window()
    for _ in range(8):
        bench.round(DOWN)
        bench.now += 3_600.0
    assert len(bench.round(FINE)) == 2
    bench.end_window()
    assert len(bench.round(DOWN)) == 1
    bench.now += 1.0
    assert len(bench.round(FINE)) == 2


def test_a_round_takes_no_longer_than_it_may(bench: Bench) -> None:
    """A collector that is slow but well gets the rest at the next interval, not all at once."""
    bench.transport = SlowTransport(bench, seconds=8.0)
    bench.chance = 0.9
    bench.renew()
    for _ in range(5):
        bench.end_window()
    assert len(bench.round(FINE)) == 4
    assert bench.transport.timeouts == [30.0, 22.0, 14.0, 6.0]
    assert not bench.exporter.is_idle
    assert bench.round(FINE) == []
    bench.now = bench.exporter._schedule.due
    assert len(bench.round(FINE)) == 4


def test_a_flush_gives_each_request_what_is_left(bench: Bench) -> None:
    """The caller's time is what counts then, and no wait is observed."""
    bench.transport = SlowTransport(bench, seconds=1.0)
    bench.renew()
    bench.end_window()
    bench.round(DOWN)
    bench.transport.outcome = FINE
    bench.transport.timeouts.clear()
    bench.exporter.export(deadline=bench.now + 1.5)
    assert bench.transport.timeouts == [1.5, 0.5]
    assert bench.exporter.is_idle


def test_a_transport_that_raises_is_not_called_again_at_once(bench: Bench) -> None:
    """A fault of ours counts as a failed export: what waits is kept, and there is a wait."""

    class Broken(FakeTransport):
        def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Any:
            self.sent.append((signal, body))
            raise RuntimeError("broken")

    bench.transport = Broken()
    bench.renew()
    bench.end_window()
    with pytest.raises(RuntimeError):
        bench.exporter.export()
    bench.exporter.export()
    assert len(bench.transport.sent) == 1
    assert bench.exporter.failures == 1
    bench.now += 1.0
    with pytest.raises(RuntimeError):
        bench.exporter.export()
    assert bench.transport.sent[0] == bench.transport.sent[1]


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
            random=lambda: 0.999,
            **options,
        )
        started.append(exporter)
        exporter.start()
        return exporter, transport

    yield start
    for exporter in started:
        exporter.shutdown(1.0)


def one_window() -> Callable[[], list[mw.Profile]]:
    """Return what collects one window, and then none."""
    ended = [Windows().next()]
    return lambda: [ended.pop()] if ended else []


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


def test_a_hanging_transport_holds_no_caller(running: Any) -> None:
    """flush and shutdown return in their time, whatever a request does; then all goes on."""
    held, entered = threading.Event(), threading.Event()

    class Hanging(FakeTransport):
        def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Any:
            entered.set()
            held.wait(20)
            return super().send(signal, body, timeout_seconds=timeout_seconds)

    exporter, transport = running(one_window(), transport=Hanging())
    started = time.monotonic()
    assert exporter.flush(0.05) is False
    assert entered.wait(10)
    assert exporter.flush(0.05) is False
    assert time.monotonic() - started < 5.0
    held.set()
    assert exporter.flush(10.0)
    assert len(transport.sent) == 2


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


def test_several_shut_down_together(running: Any) -> None:
    """What was begun needs no second time: the thread delivers once, ends, and all are told."""
    exporter, transport = running(one_window())
    thread = exporter._thread
    exporter.begin_shutdown(10.0)
    exporter.begin_shutdown(10.0)
    assert exporter.shutdown(10.0)
    thread.join(10.0)
    assert not thread.is_alive()
    assert len(transport.sent) == 2
    exporter.start()
    assert exporter._thread is None


def test_chance_is_in_the_operating_systems_hands() -> None:
    """Replicas that all seed their generators alike have other phases all the same."""
    phases = set()
    for _ in range(3):
        random.seed(7)
        exporter = Exporter(
            collect=list,
            before_interval=lambda: None,
            transport=FakeTransport(),
            resource=dict,
            interval_seconds=60.0,
            guard=Guard(),
            clock=lambda: 0.0,
        )
        phases.add(exporter._schedule.due)
    assert len(phases) == 3
    assert all(0.0 <= phase <= 60.0 for phase in phases)


def test_nothing_of_an_outage_is_lost(bench: Bench) -> None:
    """An hour without a collector: all rows and events arrive when it is back."""
    for _ in range(60):
        bench.end_window(rows=7)
        bench.happened.append(Event(names.OUTLIER, 1))
        bench.round(DOWN)
        bench.now += 60.0
    bench.now += 60.0
    sent = bench.round(FINE)
    assert sum(profile.rows for profile in received(sent)) == 420
    assert sum(record.event_name == names.OUTLIER for record in records(sent)) == 60
