"""Requests that are wrong in every way, sent through the receiver in one process.

``python -m tests.collector.receiving.fuzzing 1000000`` sends so many and fails where one of them
raises, is answered with a status that is not declared, or where memory grows without end.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import resource
import sys
import time
import zlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import modelwatch as mw
from modelwatch.collector.receiving.exports import Exports, ReceiverLimits
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.receiving.receiver import Receiver
from modelwatch.collector.receiving.signals import SIGNALS
from modelwatch.collector.storing.store import NO_MEMORIES, Recalled, SenderMemory, Written
from modelwatch.telemetry.wire import Arrival, encode_logs, encode_metrics

DECLARED: Final = frozenset({200, 400, 413})
"""What bytes may be answered with, whatever they are; 503 and 415 have other causes."""

GROWTH_BYTES: Final = 48 * 2**20
"""How much memory may grow once a tenth of the damaged requests was sent: what is damaged seldom
has names that are new, so that caches fill slowly. In a million they come to 20 MiB."""

LATE_GROWTH_BYTES: Final = 24 * 2**20
"""How much it may grow in the second half."""

NAMES_BYTES: Final = 208 * 2**20
"""How much may be taken by what was read before, where each request has other names: all caches of
the wire, by their own bounds 205 MiB, and the names and clocks that were heard."""

FULL_AFTER: Final = 16_000
"""Exports, each of another model, after which those caches are full."""

_INTERESTING: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x08, 0x0A, 0x12, 0x22, 0x2C, 0x5B, 0x7B)

Request = tuple[str, str, str, bytes]


class Sink:
    """Takes arrivals as a store does, and keeps none."""

    def recall(self, keys: Collection[int]) -> Recalled:
        """Know nothing of any sender, as a new store does."""
        return Recalled(since_ns=0, memories={})

    async def write(
        self, arrivals: Sequence[Arrival], memories: Mapping[int, SenderMemory] = NO_MEMORIES
    ) -> Written:
        """Look at all that a store would."""
        for arrival in arrivals:
            assert arrival.temporality == "delta"
            assert arrival.counts.size == arrival.series_set.size
            assert arrival.sums.size == arrival.series_set.histograms
            assert not arrival.counts.size or int(arrival.counts.min()) >= 0
        return Written(stored=sum(a.points for a in arrivals), duplicates=0, rejected=0)


def seeds() -> list[Request]:
    """Return valid requests: path, content type, content encoding and body."""
    table: dict[str, Any] = {
        "a": [float(n % 17) for n in range(200)],
        "c": ["x", "y", "z", "x"] * 50,
    }
    baseline = mw.Baseline.fit(table, model="m", version="1")
    found: list[Request] = []
    for known in (baseline, None):
        profile = mw.Profile.empty("m", "1", baseline=known, instance="i")
        profile.update({name: values[:50] for name, values in table.items()})
        profile.start_ns, profile.end_ns = 10**18, 10**18 + 10**9
        told = {"service.instance.id": "i"}
        found += _encodings("metrics", encode_metrics(profile, resource=told))
        found += _encodings(
            "metrics", encode_metrics(profile, resource=told).replace(b"\x10\x01", b"\x10\x02")
        )
        logs = encode_logs(profile, resource=told)
        if logs:
            found += _encodings("logs", logs)
    span = {"traceId": "0" * 32, "spanId": "1" * 16, "name": "n", "startTimeUnixNano": "1"}
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    found.append(("/v1/traces", "application/json", "identity", json.dumps(document).encode()))
    trace = ExportTraceServiceRequest()
    trace.resource_spans.add().scope_spans.add().spans.add(name="n", trace_id=bytes(16))
    found.append(("/v1/traces", "application/x-protobuf", "gzip", gzip.compress(_bytes(trace))))
    return found


def _bytes(message: Message) -> bytes:
    return message.SerializeToString()


def _encodings(signal: Any, body: bytes) -> list[Request]:
    kind = SIGNALS[signal]
    message = kind.request.FromString(body)
    document = json.dumps(MessageToDict(message, use_integers_for_enums=True)).encode()
    return [
        (kind.path, "application/x-protobuf", "identity", body),
        (kind.path, "application/x-protobuf", "gzip", gzip.compress(body, 1)),
        (kind.path, "application/x-protobuf", "deflate", zlib.compress(body, 1)),
        (kind.path, "application/json", "identity", document),
        (kind.path, "application/json", "gzip", gzip.compress(document, 1)),
    ]


def mutated(request: Request, chance: random.Random, others: Sequence[Request]) -> Request:
    """Return a request with some of its bytes changed, before it is compressed or after."""
    path, media, encoding, body = request
    packed = {"gzip": lambda b: gzip.compress(b, 1), "deflate": lambda b: zlib.compress(b, 1)}
    if chance.random() < 0.02:
        return path, media, encoding, chance.randbytes(chance.randrange(200))
    if encoding in packed and chance.random() < 0.7:
        plain = gzip.decompress(body) if encoding == "gzip" else zlib.decompress(body)
        return path, media, encoding, packed[encoding](_changed(plain, chance, others))
    return path, media, encoding, _changed(body, chance, others)


def _changed(body: bytes, chance: random.Random, others: Sequence[Request]) -> bytes:
    content = bytearray(body)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(content) + 1)
        many = 1 + chance.randrange(12)
        kind = chance.choice((0, 0, 1, 2, 3, 4, 5, 5, 5))
        if kind == 0:
            content[at : at + 1] = bytes([chance.choice(_INTERESTING)])
        elif kind == 1:
            content[at : at + many] = chance.randbytes(many)
        elif kind == 2:
            del content[at : at + many]
        elif kind == 3:
            content[at:at] = content[at : at + many * 8]
        elif kind == 4:
            other = chance.choice(others)[3]
            begin = chance.randrange(len(other))
            content[at:at] = other[begin : begin + many * 4]
        elif at < len(content):
            content[at] ^= 1 << chance.randrange(8)
    return bytes(
        content[: len(content) if chance.random() < 0.9 else chance.randrange(len(content) + 1)]
    )


class Target:
    """A receiver without sockets."""

    def __init__(self) -> None:
        limits = ReceiverLimits(max_body_bytes=2**20, max_decompressed_bytes=2**20, max_requests=4)
        self.counts = ReceiverCounts()
        self.app = Receiver(Exports(Sink(), limits, self.counts), limits, self.counts)

    async def status(self, request: Request) -> int:
        """Send a request and return the status of its answer."""
        path, media, encoding, body = request
        headers = [(b"content-type", media.encode()), (b"content-encoding", encoding.encode())]
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await self.app(scope, receive, send)
        await asyncio.sleep(0)  # as between two requests of a server: ended timers are let go
        (status,) = statuses
        return status


async def fuzz(inputs: int, seed: int) -> Counter[int]:
    """Send mutated requests; return how they were answered.

    Raises:
        AssertionError: one was answered as none may be, or memory grew.
    """
    chance = random.Random(seed)
    known = seeds()
    target = Target()
    answers: Counter[int] = Counter()
    sizes: list[int] = []
    for number in range(inputs):
        request = mutated(chance.choice(known), chance, known)
        try:
            status = await target.status(request)
        except Exception:
            print(f"input {number} of seed {seed}: {request!r}", file=sys.stderr)
            raise
        assert status in DECLARED, (status, request)
        answers[status] += 1
        if number % max(inputs // 20, 1) == 0:
            sizes.append(resident_bytes())
    sizes = [*sizes[:20], resident_bytes()]
    told = f"{[size // 2**20 for size in sizes[::5]]} MiB at the start and after each quarter"
    print(f"damaged requests: {told}", file=sys.stderr)
    assert sizes[-1] - sizes[2] < GROWTH_BYTES, told
    assert sizes[-1] - sizes[10] < LATE_GROWTH_BYTES, told
    return answers


async def send_new_names(exports: int) -> None:
    """Send exports of which each has other names, three times, so that all that can be is kept.

    Raises:
        AssertionError: one was not taken, or memory grew by more than the caches' bounds.
    """
    marks = (b"MMMMMMMM", b"FFFFFFFF", b"CCCCCCCC", b"IIIIIIII")
    model, feature, category, instance = (mark.decode() for mark in marks)
    table: dict[str, Any] = {
        **{f"{feature}{n}": [float(i * (n + 3) % 17) for i in range(200)] for n in range(6)},
        "c": [category, "y"] * 100,
    }
    known = mw.Baseline.fit(table, model=model, version="1")
    profile = mw.Profile.empty(model, "1", baseline=known, instance=instance)
    profile.update(table)
    profile.start_ns, profile.end_ns = 10**18, 10**18 + 10**9
    template = encode_metrics(profile, resource={"service.instance.id": instance})
    target = Target()
    before = resident_bytes()
    sizes: list[int] = []
    for number in range(exports):
        body = template
        for mark in marks:
            body = body.replace(mark, b"%08d" % number)
        for _ in range(3):
            status = await target.status(
                ("/v1/metrics", "application/x-protobuf", "identity", body)
            )
            assert status == 200, status
        if number % max(exports // 4, 1) == 0:
            sizes.append(resident_bytes())
    sizes.append(resident_bytes())
    told = f"{[size // 2**20 for size in sizes]} MiB at the start and after each quarter"
    print(f"{exports} times new names: {told}", file=sys.stderr)
    assert sizes[-1] - before < NAMES_BYTES, told


def resident_bytes() -> int:
    """Return how much memory the process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def main() -> None:
    """Send as many as the first argument says, of the seed that the second one is."""
    inputs = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
    started = time.perf_counter()
    answers = asyncio.run(fuzz(inputs, seed))
    asyncio.run(send_new_names(min(2 * FULL_AFTER, inputs)))
    seconds = time.perf_counter() - started
    print(
        f"{inputs} inputs of seed {seed} in {seconds:.0f} s: {dict(answers)}, "
        f"{resident_bytes() // 2**20} MiB at the end"
    )


if __name__ == "__main__":
    main()
