from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.transport import SignalOptions, TransportOptions, open_transport
from modelwatch.telemetry.transport.otlp_grpc import GrpcTransport
from tests.telemetry.transport.grpc_collector import LOGS, METRICS, Collector, serve


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A server that answers at once."""
    state = Collector()
    state.held.set()
    with serve(state):
        yield state


def options(address: str, **others: Any) -> TransportOptions:
    """Send both kinds of messages to one server."""
    one = SignalOptions(address=address, protocol="grpc", **others)
    return TransportOptions(metrics=one, logs=one)


@pytest.fixture
def transport(collector: Collector) -> Iterator[GrpcTransport]:
    """Sends to the server."""
    made = GrpcTransport(options(collector.url, headers=(("X-Key", "secret"),)))
    yield made
    made.close()


def test_messages_arrive(collector: Collector, transport: GrpcTransport) -> None:
    """Each kind at its own method, with the headers that were set."""
    assert transport.send("metrics", b"one").status == "accepted"
    assert transport.send("logs", b"two").status == "accepted"
    assert [(service, body) for service, _, body in collector.received] == [
        (METRICS, b"one"),
        (LOGS, b"two"),
    ]
    assert collector.received[0][1]["x-key"] == "secret"


@pytest.mark.parametrize(("compression", "is_small"), [("gzip", True), ("none", False)])
def test_compression_is_as_set(collector: Collector, compression: str, is_small: bool) -> None:
    """gzip makes a message smaller on the wire, and the receiver reads both."""
    transport = GrpcTransport(options(collector.url, compression=compression))
    assert transport.send("metrics", b"x" * 9_000).status == "accepted"
    transport.close()
    assert [body for _, _, body in collector.received] == [b"x" * 9_000]
    assert (_bytes_on_the_wire(compression) < 5_000) is is_small


def _bytes_on_the_wire(compression: str) -> int:
    """Return how many bytes come in when 9,000 are sent to a peer that only listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        received = bytearray()

        def listen() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(b"\0\0\0\4\0\0\0\0\0")  # the settings of HTTP/2, all default
                while part := connection.recv(65_536):
                    received.extend(part)

        thread = threading.Thread(target=listen)
        thread.start()
        port = server.getsockname()[1]
        transport = GrpcTransport(options(f"http://127.0.0.1:{port}", compression=compression))
        assert transport.send("metrics", b"x" * 9_000, timeout_seconds=2.0).status == "unreachable"
        transport.close()
        thread.join(10)
    return len(received)


RETRIED = ("ABORTED", "CANCELLED", "DATA_LOSS", "DEADLINE_EXCEEDED", "OUT_OF_RANGE", "UNAVAILABLE")


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code.name != "OK"])
def test_answers_are_told_apart(
    collector: Collector, transport: GrpcTransport, code: grpc.StatusCode
) -> None:
    """Only what OTLP says may be retried is; the answer is named for the log."""
    collector.code = code
    outcome = transport.send("metrics", b"one")
    assert outcome.status == ("unreachable" if code.name in RETRIED else "refused")
    assert f"{code.name} the reason" in outcome.message
    assert collector.url in outcome.message
    assert outcome.retry_after_seconds is None


@pytest.mark.parametrize("code", [grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE])
def test_retry_info_is_read(
    collector: Collector, transport: GrpcTransport, code: grpc.StatusCode
) -> None:
    """How long the receiver asks to wait; without it, RESOURCE_EXHAUSTED is final."""
    collector.code = code
    collector.trailing = (("grpc-status-details-bin", _status(code, seconds=7, nanos=500_000_000)),)
    outcome = transport.send("metrics", b"one")
    assert (outcome.status, outcome.retry_after_seconds) == ("unreachable", 7.5)


def test_retry_info_that_cannot_be_read_is_none(
    collector: Collector, transport: GrpcTransport
) -> None:
    """Damaged details spoil nothing."""
    collector.code = grpc.StatusCode.UNAVAILABLE
    collector.trailing = (("grpc-status-details-bin", b"\xff\xff"),)
    outcome = transport.send("metrics", b"one")
    assert (outcome.status, outcome.retry_after_seconds) == ("unreachable", None)


def _status(code: grpc.StatusCode, *, seconds: int, nanos: int) -> bytes:
    detail = AnyMessage()
    detail.Pack(RetryInfo(retry_delay=Duration(seconds=seconds, nanos=nanos)))
    return Status(code=code.value[0], details=[detail]).SerializeToString()


def test_a_message_beyond_the_receivers_limit_is_too_large(
    collector: Collector, transport: GrpcTransport
) -> None:
    """It is told from other refusals, as a smaller message may be taken."""
    assert transport.send("metrics", os.urandom(20_000)).status == "too_large"
    assert transport.send("metrics", os.urandom(5_000)).status == "accepted"


def test_a_partial_success_is_told(collector: Collector, transport: GrpcTransport) -> None:
    """What the receiver refused of a message is not taken for delivered."""
    metrics = ExportMetricsServiceResponse()
    metrics.partial_success.rejected_data_points = 3
    metrics.partial_success.error_message = "too old"
    collector.body = metrics.SerializeToString()
    outcome = transport.send("metrics", b"one")
    assert outcome.status == "partial"
    assert "3 items: too old" in outcome.message
    logs = ExportLogsServiceResponse()
    logs.partial_success.rejected_log_records = 1
    collector.body = logs.SerializeToString()
    assert transport.send("logs", b"one").status == "partial"


def test_a_collector_that_comes_back_is_found() -> None:
    """The first attempt after an outage succeeds: no wait of the channel's own is left over."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    transport = GrpcTransport(options(f"http://127.0.0.1:{port}"))
    for _ in range(3):
        outcome = transport.send("metrics", b"one")
        assert (outcome.status, str(port) in outcome.message) == ("unreachable", True)
    state = Collector()
    state.held.set()
    with serve(state, port):
        assert transport.send("metrics", b"one").status == "accepted"
        transport.close()


def test_a_slow_collector_is_given_up(collector: Collector, transport: GrpcTransport) -> None:
    """A request takes no longer than its timeout."""
    collector.held.clear()
    outcome = transport.send("metrics", b"one", timeout_seconds=0.2)
    assert outcome.status == "unreachable"
    assert "DEADLINE_EXCEEDED" in outcome.message


def test_a_closed_transport_opens_again(collector: Collector, transport: GrpcTransport) -> None:
    """close releases the channel; sending once more is no error."""
    for _ in range(2):
        assert transport.send("metrics", b"one").status == "accepted"
        transport.close()
    transport.close()


def test_metrics_and_logs_may_go_by_different_protocols(collector: Collector) -> None:
    """Each kind of message takes its own way."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{reserved.getsockname()[1]}/v1/logs"
    mixed = open_transport(
        TransportOptions(
            metrics=SignalOptions(address=collector.url, protocol="grpc"),
            logs=SignalOptions(address=closed),
        )
    )
    assert mixed.send("metrics", b"one").status == "accepted"
    outcome = mixed.send("logs", b"two")
    assert (outcome.status, closed in outcome.message) == ("unreachable", True)
    mixed.close()
    assert len(collector.received) == 1


def test_a_forked_child_has_a_channel_of_its_own(collector: Collector) -> None:
    """Parent and children send on, whichever sent before the fork, and no child hangs."""
    code = """
import os, sys
from modelwatch.telemetry.transport import SignalOptions, TransportOptions, open_transport
one = SignalOptions(address=sys.argv[1], protocol="grpc")
transport = open_transport(TransportOptions(metrics=one, logs=one))
assert transport.send("metrics", b"parent").status == "accepted"
children = []
for number in range(4):
    child = os.fork()
    if not child:
        outcome = transport.send("metrics", f"child {number}".encode(), timeout_seconds=20)
        transport.close()
        sys.exit(0 if outcome.status == "accepted" else 1)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
assert transport.send("metrics", b"parent again").status == "accepted"
"""
    subprocess.run([sys.executable, "-c", code, collector.url], check=True, timeout=120)
    assert sorted(body for _, _, body in collector.received) == [
        *(b"child %d" % number for number in range(4)),
        b"parent",
        b"parent again",
    ]


@pytest.mark.parametrize("name", ["certificate", "client_certificate"])
def test_a_certificate_that_cannot_be_read_is_named(name: str) -> None:
    """The variable and the file stand in the error, which comes before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"'absent\.pem', which cannot be read"):
        GrpcTransport(options("https://127.0.0.1:1", **{name: "absent.pem"}))
