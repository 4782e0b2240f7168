from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

import pytest

import modelwatch as mw
from modelwatch.collector.showing import results_sender
from modelwatch.collector.showing.options import ShowingOptions
from modelwatch.collector.showing.results_sender import MOST_ATTEMPTS, ResultsSender
from modelwatch.telemetry.transport import HttpTransport, SignalOptions, TransportOptions
from tests import plain_http
from tests.collector.conftest import Start, Traffic, eventually
from tests.collector.showing.test_showing import judged
from tests.otlp_receiver import OtlpReceiver, Trouble
from tests.server_process import free_port

NO_ANSWER = Trouble(0)
A_MOMENT_SECONDS = 0.2


class Waits:
    """In place of the waits between attempts: notes what receivers ask for, and is over at once."""

    def __init__(self) -> None:
        self.asked: list[float | None] = []

    def next_seconds(self, retry_after_seconds: float | None = None) -> float:
        """Note how long a receiver asks to wait."""
        self.asked.append(retry_after_seconds)
        return 0.0


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    """The waits of all senders of a test."""
    made = Waits()
    monkeypatch.setattr(results_sender, "Backoff", lambda _: made)
    return made


@contextlib.asynccontextmanager
async def sending(
    endpoint: str, *, timeout_seconds: float = 20.0
) -> AsyncIterator[tuple[ResultsSender, asyncio.Event]]:
    """Run a sender on a real transport until the block ends; yields what stops it before."""
    options = TransportOptions(
        metrics=SignalOptions(address=f"{endpoint}/v1/metrics", timeout_seconds=timeout_seconds),
        logs=SignalOptions(address=f"{endpoint}/v1/logs", timeout_seconds=timeout_seconds),
    )
    sender, stop = ResultsSender(HttpTransport(options)), asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    try:
        yield sender, stop
    finally:
        stop.set()
        await running


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    assert await asyncio.to_thread(eventually, condition, seconds=20.0)


@pytest.mark.parametrize("status", [429, 503])
async def test_message_of_a_busy_receiver_is_sent_again(waits: Waits, status: int) -> None:
    """What may be repeated is, no sooner than the receiver asks for, and arrives once."""
    with OtlpReceiver([Trouble(status, "7"), Trouble(status)]) as receiver:
        async with sending(receiver.endpoint) as (sender, _):
            sender.put("metrics", b"gauges")
            await until(lambda: sender.outcomes["delivered"] == 1)
        assert receiver.bodies("metrics") == [b"gauges"]
        assert receiver.requests == 3
    assert waits.asked == [7.0, None]
    assert sender.outcomes == {"delivered": 1, "unreachable": 2, "refused": 0, "dropped": 0}


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500])
async def test_message_that_is_refused_is_let_go(
    waits: Waits, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """What another attempt would not mend is counted and logged, and holds nothing up."""
    with OtlpReceiver([Trouble(status)]) as receiver, caplog.at_level(logging.WARNING):
        async with sending(receiver.endpoint) as (sender, _):
            sender.put("metrics", b"first")
            sender.put("logs", b"second")
            await until(lambda: sender.outcomes["delivered"] == 1)
        assert (receiver.bodies("metrics"), receiver.bodies("logs")) == ([], [b"second"])
    assert sender.outcomes == {"delivered": 1, "unreachable": 0, "refused": 1, "dropped": 0}
    assert waits.asked == []
    assert str(status) in caplog.text


async def test_message_that_nobody_takes_is_dropped(
    waits: Waits, caplog: pytest.LogCaptureFixture
) -> None:
    """Where nobody listens, a message is tried a few times, told of once, and makes room."""
    with caplog.at_level(logging.WARNING):
        async with sending(f"http://127.0.0.1:{free_port()}") as (sender, _):
            sender.put("metrics", b"first")
            sender.put("metrics", b"second")
            await until(lambda: sender.outcomes["dropped"] == 2)
    assert sender.outcomes["unreachable"] == 2 * MOST_ATTEMPTS
    assert waits.asked == [None] * 2 * MOST_ATTEMPTS
    assert caplog.text.count("cannot be delivered") == 2


async def test_receiver_that_does_not_answer_is_given_up_in_time(waits: Waits) -> None:
    """A request without an answer ends by its time limit, and is made again."""
    with OtlpReceiver([NO_ANSWER]) as receiver:
        async with sending(receiver.endpoint, timeout_seconds=A_MOMENT_SECONDS) as (sender, _):
            sender.put("metrics", b"gauges")
            await until(lambda: sender.outcomes["delivered"] == 1)
        assert receiver.bodies("metrics") == [b"gauges"]
    assert sender.outcomes["unreachable"] == 1


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more messages than may wait the oldest are dropped and counted."""
    monkeypatch.setattr(results_sender, "MOST_WAITING", 2)
    with OtlpReceiver() as receiver:
        async with sending(receiver.endpoint) as (sender, _):
            for number in range(5):
                sender.put("metrics", b"%d" % number)
            await until(lambda: sender.outcomes["delivered"] == 2)
        assert receiver.bodies("metrics") == [b"3", b"4"]
    assert sender.outcomes["dropped"] == 3


async def test_what_waits_is_sent_at_the_end() -> None:
    """A collector that is told to stop while it waits for its next attempt makes one at once."""
    with OtlpReceiver([Trouble(503, "3600")]) as receiver:
        async with sending(receiver.endpoint) as (sender, stop):
            sender.put("metrics", b"first")
            sender.put("metrics", b"second")
            await until(lambda: sender.outcomes["unreachable"] == 1)
            stop.set()
            await until(lambda: sender.outcomes["delivered"] == 2)
        assert receiver.bodies("metrics") == [b"first", b"second"]
    assert sender.outcomes["dropped"] == 0


@pytest.mark.parametrize("trouble", [NO_ANSWER, Trouble(503)], ids=["hangs", "is busy"])
async def test_what_cannot_be_sent_at_the_end_is_counted(
    monkeypatch: pytest.MonkeyPatch, trouble: Trouble
) -> None:
    """A collector ends in time whatever the receiver does; each message it takes along is told."""
    monkeypatch.setattr(results_sender, "LAST_SECONDS", A_MOMENT_SECONDS)
    with OtlpReceiver([Trouble(503, "3600"), *[trouble] * 3]) as receiver:
        async with sending(receiver.endpoint) as (sender, _):
            for body in (b"first", b"second", b"third"):
                sender.put("metrics", body)
            await until(lambda: sender.outcomes["unreachable"] == 1)
        assert receiver.bodies("metrics") == []
    assert sender.outcomes["dropped"] == 3


def test_collector_tells_that_results_do_not_arrive(
    start: Start, traffic: Traffic, baseline: mw.Baseline
) -> None:
    """While nobody takes its results a collector goes on, and its metrics say so."""
    nobody = f"http://127.0.0.1:{free_port()}"
    running = start(showing=ShowingOptions(results_endpoint=nobody))
    judged(running, traffic, baseline)

    def attempts() -> list[str]:
        lines = plain_http.get(f"{running.api}/metrics").text.splitlines()
        name = 'modelwatch_collector_results_total{outcome="unreachable"}'
        return [line for line in lines if line.startswith(name) and not line.endswith(" 0.0")]

    assert eventually(lambda: bool(attempts()))
