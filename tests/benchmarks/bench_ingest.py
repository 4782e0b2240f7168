"""How many exports a second a collector commits, and how long a client waits for it.

Run as ``python tests/benchmarks/bench_ingest.py``. A collector runs as a process of its own on one
core, and is sent exports of 40 numeric features on 120 bins, 1,000 rows each and gzipped, of
instances and times that differ, over connections that are kept alive; merging and all else that
goes on in the background is included. First every connection sends as soon as it is answered; then
exports come at half the rate that this gave, whether or not the ones before were answered. Then
each export is followed by one with the exact moments of its window, as our own SDK sends them. The
floors are what uvicorn takes for the same requests where the application answers without looking,
and where it has protobuf parse each body, looks at nothing and keeps nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import perf_counter

from isal import igzip

import modelwatch as mw
from modelwatch.telemetry.wire import encode_logs, encode_metrics
from tests.benchmarks.bench_export import RESOURCE, table, window

EXPORTS = 24_000
CONNECTIONS = 64
SECONDS = 10.0
TARGET = 2_000

COLLECTOR = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[2])})
from modelwatch.collector.app import CollectorOptions, run
from modelwatch.collector.storing.retention import Retention
ever = 36_500 * 86_400
retention = Retention(minutes_seconds=ever, hours_seconds=ever, days_seconds=ever)
run(CollectorOptions(store_path=sys.argv[1], otlp_http_port=0, api_port=0, retention=retention))
"""
FLOOR = """
import os, socket, sys
os.sched_setaffinity(0, {int(sys.argv[2])})
import uvicorn
from isal import igzip
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
is_parsed = sys.argv[1] == "parsed"
async def app(scope, receive, send):
    body, more = b"", True
    while more:
        part = await receive()
        body, more = body + part.get("body", b""), part.get("more_body", False)
    if is_parsed:
        ExportMetricsServiceRequest.FromString(igzip.decompress(body))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
listening = socket.create_server(("127.0.0.1", 0), backlog=512)
print(f"floor: OTLP http://127.0.0.1:{listening.getsockname()[1]}, none", flush=True)
config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
uvicorn.Server(config).run([listening])
"""


@dataclass
class Outcome:
    """What a load was answered.

    Attributes:
        seconds: of each answer, from the moment that the export was due.
        refused: answers other than 200.
        took_seconds: from the first export to the last answer.
        cpu_seconds: what the server's process took in that time.
    """

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    took_seconds: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Acknowledged exports a second."""
        return len(self.seconds) / self.took_seconds

    @property
    def rate_of_a_core(self) -> float:
        """Acknowledged exports a second of CPU."""
        return len(self.seconds) / max(self.cpu_seconds, 1e-9)

    def percentile_ms(self, percent: int) -> float:
        """Return how long so many percent of the answers took at most."""
        return statistics.quantiles(self.seconds, n=100)[percent - 1] * 1e3


def requests(number: int) -> tuple[list[bytes], list[bytes]]:
    """Return whole HTTP requests, each of another instance and time: metrics, and their moments."""
    baseline = mw.Baseline.fit(table(1, 20_000), model="churn", version="3")
    profile = window(baseline, 1_000)
    metrics = encode_metrics(profile, resource=RESOURCE)
    moments = encode_logs(profile, resource=RESOURCE)
    times = (profile.start_ns, profile.end_ns)
    return (
        [request("metrics", _of_sender(metrics, times, one)) for one in range(number)],
        [request("logs", _of_sender(moments, times, one)) for one in range(number)],
    )


def _of_sender(body: bytes, times: tuple[int, int], number: int) -> bytes:
    """Return a body as another instance sends it at another time."""
    found = body.replace(RESOURCE["service.instance.id"].encode(), b"%036d" % number)
    for time_ns in times:
        later = varint(time_ns + number * 2_000_000)
        found = found.replace(varint(time_ns), later)
        found = found.replace(
            time_ns.to_bytes(8, "little"), (time_ns + number * 2_000_000).to_bytes(8, "little")
        )
    return found


def varint(number: int) -> bytes:
    """Return how protobuf writes an integer; those of times of one decade are of one length."""
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def request(signal: str, body: bytes) -> bytes:
    """Return a whole HTTP request with a body, gzipped."""
    packed = igzip.compress(body, 3)
    head = (
        f"POST /v1/{signal} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Encoding: gzip\r\n"
        f"Content-Type: application/x-protobuf\r\nContent-Length: {len(packed)}\r\n\r\n"
    )
    return head.encode() + packed


@contextmanager
def serving(program: str, core: int, how: str = "") -> Iterator[tuple[int, int]]:
    """Run a server on one core; yield its process and port."""
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
        subprocess.Popen(
            [sys.executable, "-c", program, how or f"{folder}/store.sqlite", str(core)],
            stdout=subprocess.PIPE,
            text=True,
        ) as running,
    ):
        assert running.stdout is not None
        found = re.search(r"OTLP http://127.0.0.1:(\d+)", running.stdout.readline())
        assert found is not None
        try:
            yield running.pid, int(found[1])
        finally:
            running.terminate()
            running.wait(60)


def cpu_seconds(process: int) -> float:
    """Return the time that a process took of all cores so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def exchange(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes
) -> bool:
    """Send one request and return whether it was answered with 200."""
    reader, writer = streams
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    if length is not None:
        await reader.readexactly(int(length[1]))
    elif b"chunked" in head:
        await reader.readuntil(b"0\r\n\r\n")
    return head.startswith(b"HTTP/1.1 200")


async def load(process: int, port: int, made: list[bytes], *, rate: float | None) -> Outcome:
    """Send exports for some time: as fast as they are answered, or at a rate of their own."""
    outcome = Outcome()
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    numbers = count()
    started, cpu = perf_counter(), cpu_seconds(process)

    async def send(own: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        while perf_counter() - started < SECONDS:
            number = next(numbers)
            if number >= len(made):
                return
            due = perf_counter()
            if rate is not None:
                due = started + number / rate
                await asyncio.sleep(max(0.0, due - perf_counter()))
            if await exchange(own, made[number]):
                outcome.seconds.append(perf_counter() - due)
            else:
                outcome.refused += 1

    await asyncio.gather(*map(send, streams))
    outcome.took_seconds = perf_counter() - started
    outcome.cpu_seconds = cpu_seconds(process) - cpu
    for _, writer in streams:
        writer.close()
    return outcome


def figures() -> list[tuple[str, str, str]]:
    """Return what was measured beside what it must reach."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    made, moments = requests(EXPORTS)
    windows = [one for pair in zip(made, moments, strict=True) for one in pair]
    with serving(FLOOR, cores[0], "unread") as (process, port):
        floor = asyncio.run(load(process, port, made, rate=None))
    with serving(FLOOR, cores[0], "parsed") as (process, port):
        parsed = asyncio.run(load(process, port, made, rate=None))
    with serving(COLLECTOR, cores[0]) as (process, port):
        closed = asyncio.run(load(process, port, made[: EXPORTS // 2], rate=None))
        half = asyncio.run(load(process, port, made[EXPORTS // 2 :], rate=closed.rate / 2))
    with serving(COLLECTOR, cores[0]) as (process, port):
        whole = asyncio.run(load(process, port, windows, rate=None))
    return [
        ("answered without looking", "", f"{floor.rate:.0f}/s, {floor.rate_of_a_core:.0f} a core"),
        ("parsed by protobuf, kept nowhere", "", f"{parsed.rate:.0f}/s"),
        ("acknowledged exports of 40 features", f">= {TARGET}/s", f"{closed.rate:.0f}/s"),
        ("the same, of those only parsed", "", f"{closed.rate / parsed.rate:.2f} x"),
        ("the same for each second of CPU", "", f"{closed.rate_of_a_core:.0f}/s"),
        ("windows: such an export and its moments", "", f"{whole.rate / 2:.0f}/s"),
        ("exports that were refused", "0", f"{closed.refused + half.refused + whole.refused}"),
        ("p50 at half that load", "", f"{half.percentile_ms(50):.1f} ms"),
        ("p99 at half that load", "<= 250 ms", f"{half.percentile_ms(99):.1f} ms"),
        ("replicas at an interval of 10 s", "", f"{closed.rate * 10:,.0f}"),
        ("replicas at an interval of 60 s", "", f"{closed.rate * 60:,.0f}"),
    ]


if __name__ == "__main__":
    for what, target, measured in figures():
        print(f"{what:42} {target:10} {measured}")
