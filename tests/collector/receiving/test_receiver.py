from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace

import httpx
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from modelwatch.collector.receiving.exports import Exports, ReceiverLimits
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.receiving.receiver import Receiver
from modelwatch.collector.storing.store import NO_MEMORIES, Recalled, SenderMemory, Written
from modelwatch.errors import StoreBusy, StoreError
from modelwatch.telemetry.wire import Arrival
from tests.collector.conftest import PROTOBUF, Traffic
from tests.collector.receiving.test_json_messages import otlp_json

JSON = {"Content-Type": "application/json"}
LIMITS = ReceiverLimits(max_body_bytes=200_000, max_decompressed_bytes=400_000, max_requests=4)


class Sink:
    """A sink that remembers, or fails as it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.arrivals: list[Arrival] = []
        self.error = error

    def recall(self, keys: Collection[int]) -> Recalled:
        """Know nothing of any sender, as a new store does."""
        return Recalled(since_ns=0, memories={})

    async def write(
        self, arrivals: Sequence[Arrival], memories: Mapping[int, SenderMemory] = NO_MEMORIES
    ) -> Written:
        """Take what came, or fail."""
        if self.error is not None:
            raise self.error
        self.arrivals += arrivals
        stored = sum(arrival.points for arrival in arrivals)
        return Written(stored=stored, duplicates=0, rejected=0)


def client(sink: Sink, limits: ReceiverLimits = LIMITS) -> httpx.AsyncClient:
    """Return a client of a receiver over the sink."""
    counts = ReceiverCounts()
    app = Receiver(Exports(sink, limits, counts), limits, counts)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://collector")


def status_of(response: httpx.Response) -> Status:
    """Return the Status in a protobuf answer."""
    assert response.headers["content-type"] == PROTOBUF["Content-Type"]
    return Status.FromString(response.content)


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
async def test_takes_every_encoding(traffic: Traffic, encoding: str) -> None:
    """Points arrive whatever the body's encoding, and the answer is an empty success."""
    packs: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
    pack = packs.get(encoding, bytes)
    sink = Sink()
    headers = {**PROTOBUF, "Content-Encoding": encoding}
    answer = await client(sink).post("/v1/metrics", content=pack(traffic.body()), headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == PROTOBUF["Content-Type"]
    assert not ExportMetricsServiceResponse.FromString(answer.content).HasField("partial_success")
    assert sum(arrival.points for arrival in sink.arrivals) == traffic.points()


async def test_says_what_was_rejected(traffic: Traffic) -> None:
    """Points of ours that cannot be used are counted in partial_success, with the reason."""
    request = ExportMetricsServiceRequest.FromString(traffic.body())
    for metric in request.resource_metrics[0].scope_metrics[0].metrics:
        if metric.name == "modelwatch.rows.captured":
            metric.sum.data_points[0].as_int = -5
    answer = await client(Sink()).post(
        "/v1/metrics", content=request.SerializeToString(), headers=PROTOBUF
    )
    partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    assert answer.status_code == 200
    assert partial.rejected_data_points == 1
    assert partial.error_message


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs"])
async def test_undecodable_is_refused(path: str) -> None:
    """Bytes that are no OTLP are a 400, which clients do not send again."""
    answer = await client(Sink()).post(path, content=b"\xff\xfe no protobuf", headers=PROTOBUF)
    assert answer.status_code == 400
    assert status_of(answer).code == 3
    assert status_of(answer).message


async def test_large_bodies_are_refused() -> None:
    """A body beyond the limit is a 413, whether it says so or is sent in chunks."""
    body = b"x" * (LIMITS.max_body_bytes + 1)
    whole = await client(Sink()).post("/v1/metrics", content=body, headers=PROTOBUF)

    async def chunks() -> AsyncIterator[bytes]:
        yield body[:1_000]
        yield body[1_000:]

    chunked = await client(Sink()).post("/v1/metrics", content=chunks(), headers=PROTOBUF)
    assert {whole.status_code, chunked.status_code} == {413}
    assert "max_body_bytes" in status_of(whole).message


async def test_gzip_bomb_is_refused() -> None:
    """A body that would inflate beyond the limit is a 413."""
    bomb = gzip.compress(bytes(50 * 2**20))
    assert len(bomb) < LIMITS.max_body_bytes
    answer = await client(Sink()).post(
        "/v1/metrics", content=bomb, headers={**PROTOBUF, "Content-Encoding": "gzip"}
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs", "/v1/traces"])
async def test_json_is_answered_in_json(path: str) -> None:
    """JSON is taken, and answered in the encoding that it came in, errors too."""
    fine = await client(Sink()).post(path, json={})
    assert (fine.status_code, fine.json()) == (200, {})
    wrong = await client(Sink()).post(path, content=b"[]", headers=JSON)
    assert (wrong.status_code, wrong.json()["code"]) == (400, 3)
    assert fine.headers["content-type"] == wrong.headers["content-type"] == "application/json"


async def test_json_says_what_was_rejected(traffic: Traffic) -> None:
    """A partial success is told in JSON where the request was."""
    request = ExportMetricsServiceRequest.FromString(traffic.body())
    for metric in request.resource_metrics[0].scope_metrics[0].metrics:
        if metric.name == "modelwatch.rows.captured":
            metric.sum.data_points[0].as_int = -5
    answer = await client(Sink()).post("/v1/metrics", content=otlp_json(request), headers=JSON)
    assert answer.json()["partialSuccess"]["rejectedDataPoints"] == "1"


async def test_other_types_are_refused() -> None:
    """Another content type is a 415 that names those that are taken."""
    answer = await client(Sink()).post("/v1/metrics", content=b"", headers={"Content-Type": "a/b"})
    assert answer.status_code == 415
    assert "json" in answer.headers["accept"]


async def test_unknown_encodings_are_refused() -> None:
    """Another content encoding is a 415 that names those that are taken."""
    headers = {**PROTOBUF, "Content-Encoding": "br"}
    answer = await client(Sink()).post("/v1/metrics", content=b"x", headers=headers)
    assert answer.status_code == 415
    assert "gzip" in status_of(answer).message


@pytest.mark.parametrize("error", [StoreBusy("queue full"), StoreError("disk full")])
async def test_failing_store_asks_to_send_again(traffic: Traffic, error: Exception) -> None:
    """Where the store is busy or fails, nothing is acknowledged: 503 with Retry-After."""
    answer = await client(Sink(error)).post("/v1/metrics", content=traffic.body(), headers=PROTOBUF)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert status_of(answer).code == 14


async def test_too_many_requests_ask_to_send_again(traffic: Traffic) -> None:
    """Beyond the requests that are handled at a time, one more is a 503."""
    limits = ReceiverLimits(max_body_bytes=10**6, max_decompressed_bytes=10**6, max_requests=0)
    busy = client(Sink(), limits)
    answer = await busy.post("/v1/metrics", content=traffic.body(), headers=PROTOBUF)
    assert answer.status_code == 503


async def stalled() -> AsyncIterator[bytes]:
    """Send the begin of a body and never its end."""
    yield b"abc"
    await asyncio.Event().wait()


async def test_stalled_bodies_lock_nobody_out(traffic: Traffic) -> None:
    """Clients that never finish their bodies hold no place of those that do."""
    limits = replace(LIMITS, max_requests=1, body_timeout_seconds=60)
    sender = client(Sink(), limits)
    waiting = [
        asyncio.create_task(sender.post("/v1/metrics", content=stalled(), headers=PROTOBUF))
        for _ in range(20)
    ]
    await asyncio.sleep(0)
    answer = await sender.post("/v1/metrics", content=traffic.body(), headers=PROTOBUF)
    assert answer.status_code == 200
    for task in waiting:
        task.cancel()


async def test_a_stalled_body_times_out() -> None:
    """A body that does not arrive in time is a 408 that closes the connection."""
    limits = replace(LIMITS, body_timeout_seconds=0.01)
    answer = await client(Sink(), limits).post("/v1/metrics", content=stalled(), headers=PROTOBUF)
    assert answer.status_code == 408
    assert answer.headers["connection"] == "close"
    assert "body_timeout_seconds" in status_of(answer).message


async def test_too_many_bodies_ask_to_send_again(traffic: Traffic) -> None:
    """Beyond the bodies that are read at a time, one more is a 503."""
    busy = client(Sink(), replace(LIMITS, max_reading=0))
    answer = await busy.post("/v1/metrics", content=traffic.body(), headers=PROTOBUF)
    assert answer.status_code == 503


async def test_a_slash_too_many_is_not_found(traffic: Traffic) -> None:
    """No path is answered with a redirect, which OTLP clients do not follow."""
    answer = await client(Sink()).post("/v1/metrics/", content=traffic.body(), headers=PROTOBUF)
    assert answer.status_code == 404
    assert "/v1/metrics" in status_of(answer).message


async def test_traces_are_taken_and_counted() -> None:
    """Traces are answered with success, so that a client with one endpoint is content."""
    counts = ReceiverCounts()
    receiver = Receiver(Exports(Sink(), LIMITS, counts), LIMITS, counts)
    transport = httpx.ASGITransport(receiver)
    async with httpx.AsyncClient(transport=transport, base_url="http://collector") as sender:
        answer = await sender.post("/v1/traces", content=b"", headers=PROTOBUF)
    assert (answer.status_code, answer.content) == (200, b"")
    assert counts.traces == 1


async def test_other_paths_have_a_status_body() -> None:
    """A wrong path or method is answered with a Status that names the right ones."""
    assert (
        "/v1/metrics"
        in status_of(await client(Sink()).get("/v1/metrics", headers=PROTOBUF)).message
    )
    assert status_of(await client(Sink()).post("/", headers=PROTOBUF)).code == 5
