from __future__ import annotations

import gzip
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

import modelwatch as mw
from modelwatch.collector.receiving.options import ReceivingOptions
from modelwatch.collector.receiving.signals import SIGNALS, SignalName
from modelwatch.errors import ConfigurationError
from tests import plain_http
from tests.collector.conftest import Running, Start, Traffic, eventually
from tests.collector.storing.test_faults import locked

GRPC = ReceivingOptions(otlp_grpc_port=0)


def call(running: Running, signal: SignalName, body: bytes, *, compressed: bool = False) -> bytes:
    """Send one message and return the answer."""
    packed = grpc.Compression.Gzip if compressed else grpc.Compression.NoCompression
    options = (("grpc.max_send_message_length", -1),)
    with grpc.insecure_channel(urlsplit(running.grpc).netloc, options, packed) as channel:
        method = f"/{SIGNALS[signal].service}/Export"
        answer: bytes = channel.unary_unary(method, bytes, bytes)(body, timeout=30)
        return answer


def refusal(running: Running, body: bytes, *, compressed: bool = False) -> Any:
    """Send metrics that must be refused, and return how they were."""
    with pytest.raises(grpc.RpcError) as found:
        call(running, "metrics", body, compressed=compressed)
    return found.value


@pytest.fixture
def running(start: Start) -> Running:
    """A collector that takes gRPC."""
    return start(receiving=GRPC)


@pytest.mark.parametrize("compressed", [False, True])
def test_takes_metrics(running: Running, traffic: Traffic, compressed: bool) -> None:
    """Points sent over gRPC are committed and counted, compressed or not."""
    assert call(running, "metrics", traffic.body(), compressed=compressed) == b""
    told = running.received()
    assert (told["points"], told["refused"]) == (traffic.points(), 0)


def test_is_one_receiver_with_http(running: Running, traffic: Traffic) -> None:
    """What came over HTTP and is sent again over gRPC counts once."""
    running.post(traffic.body())
    call(running, "metrics", traffic.body())
    told = running.received()
    assert told["points"] == told["duplicates"] == traffic.points()


def test_takes_all_signals(running: Running) -> None:
    """Logs and traces have services too."""
    assert call(running, "logs", b"") == b""
    assert call(running, "traces", b"") == b""
    assert running.received()["traces"] == 1


def test_says_what_was_rejected(running: Running, traffic: Traffic) -> None:
    """Points that cannot be used are told in partial_success."""
    request = ExportMetricsServiceRequest.FromString(traffic.body())
    for metric in request.resource_metrics[0].scope_metrics[0].metrics:
        if metric.name == "modelwatch.rows.captured":
            metric.sum.data_points[0].as_int = -5
    answer = call(running, "metrics", request.SerializeToString())
    partial = ExportMetricsServiceResponse.FromString(answer).partial_success
    assert partial.rejected_data_points == 1
    assert partial.error_message


def test_bad_data_is_an_invalid_argument(running: Running) -> None:
    """Bytes that are no OTLP are refused for good."""
    refused = refusal(running, b"\xff\xfe no protobuf")
    assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "ExportMetricsServiceRequest" in str(refused.details())


def test_too_large_is_resource_exhausted(start: Start) -> None:
    """A message beyond the limits is refused, as sent or decompressed, without when to retry."""
    running = start(receiving=GRPC, max_body_bytes=100_000, max_decompressed_bytes=200_000)
    assert refusal(running, b"\n" * 100_001).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    bomb = refusal(running, bytes(50 * 2**20), compressed=True)
    assert bomb.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "max_decompressed_bytes" in str(bomb.details())


def test_back_pressure_says_when_to_retry(start: Start, traffic: Traffic) -> None:
    """What cannot be taken now is UNAVAILABLE, with a RetryInfo."""
    running = start(receiving=GRPC, lock_seconds=0.1)
    with locked(running.store):
        refused = refusal(running, traffic.body())
    assert refused.code() is grpc.StatusCode.UNAVAILABLE
    details = dict(refused.trailing_metadata())["grpc-status-details-bin"]
    retry = RetryInfo()
    assert Status.FromString(details).details[0].Unpack(retry)
    assert retry.retry_delay.seconds > 0


def test_a_taken_port_is_told(start: Start, running: Running, tmp_path: Path) -> None:
    """A port that another program has is a configuration error that names the option."""
    taken = replace(GRPC, otlp_grpc_port=urlsplit(running.grpc).port)
    with pytest.raises(ConfigurationError, match="otlp_grpc_port"):
        start(receiving=taken, store_path=tmp_path / "other.sqlite")


def test_a_watch_sends_over_grpc(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watched function delivers its rows over gRPC, and they are counted."""
    running = start(receiving=GRPC, clock=time.time_ns)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.grpc)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    watch = mw.Watch("m", version="1")
    for number in range(7):
        watch.log({"a": float(number)}, 0.5)
    watch.shutdown(timeout_seconds=20)
    asked = f"{running.api}/api/v1/models"
    assert eventually(lambda: "m" in plain_http.get(asked).text)
    (model,) = plain_http.get(asked).json()["models"]
    assert model["versions"][0]["rows"] == 7


def test_a_gzip_body_is_told_by_its_first_byte(traffic: Traffic) -> None:
    """No message of OTLP begins as gzip does: field 3 of wire type 7 is none."""
    assert gzip.compress(b"")[0] & 7 == 7
    assert traffic.body()[0] & 7 == 2
