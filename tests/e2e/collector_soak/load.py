"""Sends exports until each is acknowledged, as clients do: again after a 503 or a broken link."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from time import perf_counter

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

from tests.e2e.collector_soak.fleet import Export

__all__ = ["Load"]

CONNECTIONS = 32
REFUSALS = 20
PAUSE_SECONDS = 0.05
_LENGTH = re.compile(rb"content-length: (\d+)")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Load:
    """The senders' side, and what it knows to be stored.

    Args:
        port: where the collector takes OTLP/HTTP.

    Attributes:
        answers: how many of each status there were; 0 counts links that broke.
        stored: rows that were acknowledged, by model and window; of an export that was sent more
            than once, once.
        refused: exports that were refused as they end in the future.
        seconds: how long acknowledged tries took.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.answers: Counter[int] = Counter()
        self.stored: dict[str, Counter[int]] = defaultdict(Counter)
        self.refused = 0
        self.exports = 0
        self.seconds: list[float] = []
        self._known: set[int] = set()
        self._missing = 0
        self._refused_some = asyncio.Event()

    async def send(self, exports: Iterable[Export]) -> None:
        """Send all, and return once all are acknowledged."""
        waiting = iter(exports)
        await asyncio.gather(*(self._send_some(waiting) for _ in range(CONNECTIONS)))

    async def refused_some(self) -> None:
        """Wait until some exports more were answered with 503."""
        self._missing = REFUSALS
        self._refused_some.clear()
        await self._refused_some.wait()

    def rows(self, model: str) -> int:
        """Return how many rows of a model must be stored."""
        return self.stored[model].total()

    async def _send_some(self, waiting: Iterable[Export]) -> None:
        streams: Streams | None = None
        for export in waiting:
            status, answer = 0, b""
            while status != 200:
                began = perf_counter()
                try:
                    streams = streams or await asyncio.open_connection("127.0.0.1", self._port)
                    status, answer = await _exchange(streams, export.request)
                except (OSError, EOFError):
                    if streams is not None:
                        streams[1].close()
                    streams, status = None, 0
                self._count(status)
                if status != 200:
                    await asyncio.sleep(PAUSE_SECONDS)
            self.seconds.append(perf_counter() - began)
            self._note(export, answer)
        if streams is not None:
            streams[1].close()

    def _count(self, status: int) -> None:
        self.answers[status] += 1
        self._missing -= status == 503
        if self._missing <= 0:
            self._refused_some.set()

    def _note(self, export: Export, answer: bytes) -> None:
        told = ExportMetricsServiceResponse.FromString(answer).partial_success
        if told.rejected_data_points:
            self.refused += 1
            return
        name = hash(export.request)
        if name not in self._known:
            self._known.add(name)
            self.exports += 1
            self.stored[export.model][export.window] += export.rows


async def _exchange(streams: Streams, request: bytes) -> tuple[int, bytes]:
    reader, writer = streams
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head.lower())
    body = await reader.readexactly(int(length[1])) if length else b""
    if b"connection: close" in head.lower():
        writer.close()
    return int(head.split(b" ", 2)[1]), body
