"""An exporter and a receiver on a real socket that does all that receivers do."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

import pytest

import modelwatch as mw
from modelwatch.capture.guard import Guard
from modelwatch.telemetry.exporter import Exporter
from modelwatch.telemetry.transport import HttpTransport, SignalOptions, TransportOptions
from modelwatch.telemetry.wire import decode_metrics
from tests.received_points import Point, assemble, points_in
from tests.telemetry.windows import Windows

ROWS = 3


@dataclass
class Receiver:
    """Takes points, each once, and answers by a list of what to do, then with 200."""

    url: str = ""
    answers: list[str] = field(default_factory=list)
    points: dict[int, Point] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)
    most_bytes: int = 1_000_000

    def answer_to(self, path: str, body: bytes) -> str:
        """Take a message or not, and say what to answer; what was taken once is not refused."""
        points: dict[int, Point] = {}
        if path == "/v1/metrics":
            points = {point.key: point for point in points_in(decode_metrics(body))}
        answer = self.answers.pop(0) if self.answers else "200"
        if len(body) > self.most_bytes:
            answer = "413"
        if answer in ("400", "413", "500") and points and points.keys() <= self.points.keys():
            answer = "200"
        if answer in ("200", "hang", "reset"):
            self.points.update(points)
        return answer

    def profiles(self) -> list[mw.Profile]:
        """Return what was taken."""
        return assemble(self.points.values())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server on a free port."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
            answer = state.answer_to(self.path, body)
            if answer == "hang":
                state.released.wait(20)
            if answer in ("hang", "reset"):
                self.close_connection = True
                return
            self.send_response(int(answer))
            self.send_header("content-length", "0")
            if answer in ("429", "503"):
                self.send_header("retry-after", "7")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: Any) -> None:
            """Say nothing of clients that went away."""

    server = Server(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield state
    state.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


class Sender:
    """An exporter without a thread, whose clock is at hand, on a real transport."""

    def __init__(self, url: str, seed: int) -> None:
        self.now = 0.0
        self.windows = Windows()
        self.ended: list[mw.Profile] = []
        self.sent = 0
        self.transport = HttpTransport(
            TransportOptions(
                metrics=SignalOptions(address=f"{url}/v1/metrics", timeout_seconds=0.5),
                logs=SignalOptions(address=f"{url}/v1/logs", timeout_seconds=0.5),
            )
        )
        self.exporter = Exporter(
            collect=self._collect,
            before_interval=lambda: None,
            transport=self.transport,
            resource=lambda: {"service.instance.id": "one"},
            interval_seconds=60.0,
            guard=Guard(),
            clock=lambda: self.now,
            random=Random(seed).random,
        )

    def _collect(self) -> list[mw.Profile]:
        self.sent += ROWS
        return [self.windows.next(ROWS)]

    def interval(self) -> None:
        """Let a window end and be exported."""
        self.now += 60.0
        self.exporter.export()


@pytest.fixture
def sender(receiver: Receiver) -> Iterator[Sender]:
    """Sends to the receiver."""
    made = Sender(receiver.url, seed=1)
    yield made
    made.transport.close()


def counted(receiver: Receiver) -> tuple[int, int]:
    """Return the rows that arrived, and those that were told to be lost."""
    profiles = receiver.profiles()
    return (
        sum(profile.rows for profile in profiles),
        sum(profile.dropped.total() for profile in profiles),
    )


@pytest.mark.parametrize("answer", ["429", "502", "503", "504", "hang", "reset"])
def test_what_may_be_repeated_arrives_once(receiver: Receiver, sender: Sender, answer: str) -> None:
    """Whether or not the receiver took what it did not answer, each row is counted once."""
    for _ in range(3):
        receiver.answers = [answer]
        sender.interval()
    sender.interval()
    assert sender.exporter.is_idle
    assert counted(receiver) == (sender.sent, 0)
    assert sender.exporter.failures == 3


@pytest.mark.parametrize("answer", ["400", "401", "404", "500"])
def test_what_is_refused_is_counted(receiver: Receiver, sender: Sender, answer: str) -> None:
    """Rows that the receiver would not take are told with the next."""
    receiver.answers = [answer]
    sender.interval()
    sender.interval()
    assert sender.exporter.is_idle
    assert counted(receiver) == (ROWS, ROWS)


def test_a_smaller_limit_is_met(receiver: Receiver, sender: Sender) -> None:
    """413 is answered with the same in parts."""
    receiver.most_bytes = 400
    sender.interval()
    assert sender.exporter.failures > 1
    receiver.most_bytes = 1_000_000
    sender.interval()
    assert counted(receiver) == (2 * ROWS, 0)


def test_retry_after_is_kept_on_the_wire(receiver: Receiver, sender: Sender) -> None:
    """Nothing comes in before the seconds that a 503 asked for are over."""
    receiver.answers = ["503"]
    sender.interval()
    sender.now += 6.999
    sender.exporter.export()
    assert receiver.points == {}
    sender.now += 1.001
    sender.exporter.export()
    assert counted(receiver) == (sender.sent, 0)


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_troubles_loses_nothing_in_silence(
    receiver: Receiver, sender: Sender, seed: int
) -> None:
    """After an hour of every trouble there is, rows and lost rows add up to what was captured."""
    receiver.released.set()
    kinds = ["200", "400", "413", "429", "500", "502", "503", "504", "hang", "reset"]
    receiver.answers = Random(seed).choices(kinds, k=1_000)
    for _ in range(60):
        sender.interval()
    receiver.answers = []
    sender.interval()
    sender.interval()
    assert sender.exporter.is_idle
    assert sum(counted(receiver)) == sender.sent
