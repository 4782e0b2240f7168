"""The OTLP/HTTP receiver: metrics and logs in protobuf, plain, gzip or deflate.

What is answered with 200 has been committed. What cannot be taken now is answered with 503 and
Retry-After, which OTLP clients send again; what can never be taken with 400, 408, 413 or 415,
which they do not. Traces are taken, counted and let go: they are for a tracing backend.

A plain ASGI application: what every export passes through is all that it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from modelwatch.collector.receiving.bodies import ENCODINGS, decompress, read_stream
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.receiving.request_head import RequestHead, UnsupportedMedia
from modelwatch.collector.receiving.rpc_status import PROTOBUF, error_response
from modelwatch.collector.storing.store import ArrivalSink, Written
from modelwatch.errors import BodyTooLarge, ModelwatchError, StoreError, UndecodableTelemetry
from modelwatch.telemetry.wire import Decoded, decode_logs, decode_metrics

__all__ = ["Receiver", "ReceiverLimits"]

Export = Callable[[bytes, str], Awaitable[bytes]]

RETRY_AFTER_SECONDS = 2

SMALL_BODY_BYTES = 65_536
"""A body up to this, and what comes of it up to 16 times as much, is read in the event loop, in a
millisecond or so; to hand it to a thread would take as long. Larger ones are read in threads."""

SMALL_CONTENT_BYTES = 16 * SMALL_BODY_BYTES


@dataclass(frozen=True, kw_only=True)
class ReceiverLimits:
    """What bounds the memory that requests can take.

    Attributes:
        max_body_bytes: most bytes of a body as sent.
        max_decompressed_bytes: most bytes of a body decompressed.
        max_requests: requests handled at the same time; one more is answered with 503.
        max_reading: bodies read at the same time; one more is answered with 503.
        body_timeout_seconds: how long a body may take to arrive; after that, 408.
    """

    max_body_bytes: int
    max_decompressed_bytes: int
    max_requests: int
    max_reading: int = 1_024
    body_timeout_seconds: float = 10.0


class Receiver:
    """Handlers of the OTLP routes, over one sink.

    A client that stalls holds none of the ``max_requests`` places: a request takes one when its
    body is there.

    Memory: at most ``max_reading`` and ``max_requests`` bodies, of which a handful are decompressed
    at a time (the threads of asyncio's default executor).
    """

    def __init__(self, sink: ArrivalSink, limits: ReceiverLimits, counts: ReceiverCounts) -> None:
        self._counts = counts
        self._sink = sink
        self._limits = limits
        self._reading = 0
        self._running = 0
        self._routes: dict[str, Export] = {
            "/v1/metrics": self._metrics,
            "/v1/logs": self._logs,
            "/v1/traces": self._traces,
        }

    def app(self) -> ASGIApp:
        """Return the ASGI application with the three routes: the receiver itself."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as ASGI has it."""
        if scope["type"] != "http":
            raise NotImplementedError(f"the receiver serves no {scope['type']}.")
        head = RequestHead.of(scope)
        export = self._routes.get(scope["path"])
        if export is None or scope["method"] != "POST":
            await _no_route(scope, head, found=export is not None)(scope, receive, send)
            return
        self._counts.requests += 1
        try:
            content = await self._answer(head, receive, export)
        except ModelwatchError as error:
            self._counts.refused += 1
            await _refusal(error, head.media_type)(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": _headers(content)})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, head: RequestHead, receive: Receive, export: Export) -> bytes:
        head.require_taken()
        body = await self._read(head, receive)
        if self._running >= self._limits.max_requests:
            raise StoreError("too many requests at the same time: send again later.")
        self._running += 1
        try:
            return await export(body, head.encoding)
        finally:
            self._running -= 1

    async def _metrics(self, body: bytes, encoding: str) -> bytes:
        rejected, message = await self._take(decode_metrics, body, encoding)
        if not (rejected or message):
            return b""  # as an empty ExportMetricsServiceResponse is
        answer = ExportMetricsServiceResponse()
        answer.partial_success.rejected_data_points = rejected
        answer.partial_success.error_message = message
        return answer.SerializeToString()

    async def _logs(self, body: bytes, encoding: str) -> bytes:
        rejected, message = await self._take(decode_logs, body, encoding)
        if not (rejected or message):
            return b""
        answer = ExportLogsServiceResponse()
        answer.partial_success.rejected_log_records = rejected
        answer.partial_success.error_message = message
        return answer.SerializeToString()

    async def _traces(self, _body: bytes, _encoding: str) -> bytes:
        self._counts.traces += 1
        return b""

    async def _take(
        self, decode: Callable[[bytes], Decoded], body: bytes, encoding: str
    ) -> tuple[int, str]:
        decoded = await self._decode(decode, body, encoding)
        self._counts.foreign += decoded.foreign
        written = Written(stored=0, duplicates=0, rejected=0)
        if decoded.arrivals:
            written = await self._sink.write(decoded.arrivals)
        self._counts.points += written.stored
        self._counts.duplicates += written.duplicates + decoded.duplicates
        self._counts.rejected += decoded.rejected + written.rejected
        message = decoded.message
        if written.rejected:
            message = f"{message} Points with impossible times were rejected.".strip()
        return decoded.rejected + written.rejected, message

    async def _decode(
        self, decode: Callable[[bytes], Decoded], body: bytes, encoding: str
    ) -> Decoded:
        limit = self._limits.max_decompressed_bytes
        if len(body) <= SMALL_BODY_BYTES:
            try:
                return decode(decompress(body, encoding, limit=min(limit, SMALL_CONTENT_BYTES)))
            except BodyTooLarge:
                if limit <= SMALL_CONTENT_BYTES:
                    raise
        return await asyncio.to_thread(lambda: decode(decompress(body, encoding, limit=limit)))

    async def _read(self, head: RequestHead, receive: Receive) -> bytes:
        limits = self._limits
        if self._reading >= limits.max_reading:
            raise StoreError("too many bodies are being read: send again later.")
        self._reading += 1
        try:
            return await read_stream(
                receive,
                head.length,
                limit=limits.max_body_bytes,
                timeout_seconds=limits.body_timeout_seconds,
            )
        except ClientDisconnect:
            raise UndecodableTelemetry("the body was not sent to its end.") from None
        except TimeoutError as error:
            raise _BodyTooSlow(str(error)) from error
        finally:
            self._reading -= 1


class _BodyTooSlow(UndecodableTelemetry):
    """The body did not arrive in time."""


def _refusal(error: ModelwatchError, media_type: str) -> Response:
    message = str(error)
    if isinstance(error, StoreError):
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return error_response(503, message, media_type=media_type, headers=headers)
    if isinstance(error, _BodyTooSlow):
        headers = {"Connection": "close"}  # what is left of the body is not waited for
        return error_response(408, message, media_type=media_type, headers=headers)
    if isinstance(error, BodyTooLarge):
        return error_response(413, message, media_type=media_type)
    if isinstance(error, UnsupportedMedia):
        headers = {"Accept": PROTOBUF, "Accept-Encoding": ", ".join(ENCODINGS)}
        return error_response(415, message, media_type=media_type, headers=headers)
    return error_response(400, message, media_type=media_type)


def _no_route(scope: Scope, head: RequestHead, *, found: bool) -> Response:
    status = HTTPStatus.METHOD_NOT_ALLOWED if found else HTTPStatus.NOT_FOUND
    known = "/v1/metrics, /v1/logs and /v1/traces take POST"
    message = f"{scope['method']} {scope['path']}: {status.phrase}; {known}."
    headers = {"Allow": "POST"} if found else {}
    return error_response(status, message, media_type=head.media_type, headers=headers)


def _headers(content: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", PROTOBUF.encode()),
        (b"content-length", str(len(content)).encode()),
    ]
