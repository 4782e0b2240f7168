from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.transport import HttpTransport, SignalOptions, TransportOptions


def options(url: str, **others: Any) -> TransportOptions:
    """Send both kinds of messages to one server."""
    return TransportOptions(
        metrics=SignalOptions(address=f"{url}/v1/metrics", **others),
        logs=SignalOptions(address=f"{url}/v1/logs", **others),
    )


@dataclass
class Collector:
    """What a server on the loopback answers, and what it was sent."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    held: threading.Event = field(default_factory=threading.Event)
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A real HTTP server on a free port."""
    state = Collector()
    state.held.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.received.append((self.path, headers, body))
            state.held.wait(20)
            self.send_response(state.status)
            for name, value in {"content-length": str(len(state.body)), **state.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: Any) -> None:
            """Say nothing of clients that went away."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield state
    state.held.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def transport(collector: Collector) -> Iterator[HttpTransport]:
    """Sends to the server."""
    made = HttpTransport(options(collector.url, headers=(("x-key", "secret"),)))
    yield made
    made.close()


def test_messages_arrive(collector: Collector, transport: HttpTransport) -> None:
    """Protobuf, gzip, the signal's path, and the headers that were set."""
    assert transport.send("metrics", b"one").status == "accepted"
    assert transport.send("logs", b"two").status == "accepted"
    (path, headers, body), (other_path, _, other_body) = collector.received
    assert (path, gzip.decompress(body)) == ("/v1/metrics", b"one")
    assert (other_path, gzip.decompress(other_body)) == ("/v1/logs", b"two")
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["content-encoding"] == "gzip"
    assert headers["x-key"] == "secret"


def test_the_same_message_is_the_same_bytes(collector: Collector, transport: HttpTransport) -> None:
    """A repetition is the same on the wire too, whenever it is sent."""
    for _ in range(2):
        transport.send("metrics", b"one" * 100)
    assert collector.received[0][2] == collector.received[1][2]


def test_compression_can_be_switched_off(collector: Collector) -> None:
    """OTEL_EXPORTER_OTLP_COMPRESSION=none sends the message as it is."""
    plain = HttpTransport(options(collector.url, compression="none"))
    plain.send("metrics", b"one")
    plain.close()
    ((path, headers, body),) = collector.received
    assert (path, body) == ("/v1/metrics", b"one")
    assert "content-encoding" not in headers


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *((code, "unreachable") for code in (429, 502, 503, 504)),
        *((code, "refused") for code in (400, 401, 404, 500)),
        (413, "too_large"),
    ],
)
def test_answers_are_told_apart(
    collector: Collector, transport: HttpTransport, code: int, status: str
) -> None:
    """Only what OTLP says may be retried is; the answer is named for the log."""
    collector.status = code
    collector.headers = {"content-type": "text/plain"}
    collector.body = b"the reason"
    outcome = transport.send("metrics", b"one")
    assert outcome.status == status
    assert f"answered {code} the reason" in outcome.message


def test_retry_after_is_read(collector: Collector, transport: HttpTransport) -> None:
    """As seconds or as a date; nonsense is none."""
    collector.status = 503
    collector.headers = {"retry-after": "7"}
    assert transport.send("metrics", b"").retry_after_seconds == 7.0
    collector.headers = {"retry-after": formatdate(4_000_000_000, usegmt=True)}
    assert transport.send("metrics", b"").retry_after_seconds == 3_600.0
    collector.headers = {"retry-after": "soon"}
    assert transport.send("metrics", b"").retry_after_seconds is None


def test_a_partial_success_is_told(collector: Collector, transport: HttpTransport) -> None:
    """What the receiver refused of a message is not taken for delivered."""
    metrics = ExportMetricsServiceResponse()
    metrics.partial_success.rejected_data_points = 3
    metrics.partial_success.error_message = "too old"
    collector.body = metrics.SerializeToString()
    outcome = transport.send("metrics", b"one")
    assert (outcome.status, "3" in outcome.message, "too old" in outcome.message) == (
        "partial",
        True,
        True,
    )
    logs = ExportLogsServiceResponse()
    logs.partial_success.rejected_log_records = 1
    collector.body = logs.SerializeToString()
    assert transport.send("logs", b"one").status == "partial"
    collector.body = b"<html>"
    assert transport.send("logs", b"one").status == "accepted"


def test_a_collector_that_is_down_is_unreachable() -> None:
    """A refused connection is an outcome, not an exception."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    transport = HttpTransport(options(f"http://127.0.0.1:{port}"))
    outcome = transport.send("metrics", b"one")
    assert outcome.status == "unreachable"
    assert str(port) in outcome.message


def test_a_slow_collector_is_given_up(collector: Collector, transport: HttpTransport) -> None:
    """A request takes no longer than its timeout."""
    collector.held.clear()
    outcome = transport.send("metrics", b"one", timeout_seconds=0.1)
    assert outcome.status == "unreachable"


def test_an_endless_answer_is_given_up(collector: Collector, transport: HttpTransport) -> None:
    """Of an answer no more is kept than is needed, and a longer one does no harm."""
    collector.body = b"\xff" * 5_000_000
    assert transport.send("metrics", b"one").status == "accepted"
    collector.body = b""
    assert transport.send("metrics", b"two").status == "accepted"


def test_an_answer_that_trickles_is_given_up() -> None:
    """A receiver that sends a byte now and then cannot hold the exporter beyond its timeout."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def trickle() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
                with suppress(OSError):
                    while not ended.wait(0.01):
                        connection.sendall(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        transport = HttpTransport(options(f"http://127.0.0.1:{server.getsockname()[1]}"))
        outcome = transport.send("metrics", b"one", timeout_seconds=0.3)
        ended.set()
        thread.join(10)
    transport.close()
    assert outcome.status == "unreachable"
    assert "in time" in outcome.message


@pytest.mark.parametrize(
    ("others", "variable"),
    [
        ({"certificate": "absent.pem"}, "CERTIFICATE"),
        ({"client_certificate": "absent.pem"}, "CLIENT_CERTIFICATE"),
    ],
)
def test_a_certificate_that_cannot_be_read_is_named(others: Any, variable: str) -> None:
    """The variable and the file stand in the error, which comes before anything is sent."""
    with pytest.raises(ConfigurationError, match=f"OTLP_{variable} is 'absent.pem'"):
        HttpTransport(options("https://127.0.0.1:1", **others))
