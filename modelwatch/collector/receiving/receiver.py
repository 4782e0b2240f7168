"""The OTLP/HTTP receiver: metrics and logs in protobuf, plain, gzip or deflate.

What is answered with 200 has been committed. What cannot be taken now is answered with 503 and
Retry-After, which OTLP clients send again; what can never be taken with 400, 408, 413 or 415,
which they do not. Traces are taken, counted and let go: they are for a tracing backend.

On one core, some 150 exports a second of 30 features on 120 bins, from socket to commit; reading
the points takes most of it. A resend, which is only looked up, takes half as long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from modelwatch.collector.receiving.bodies import ENCODINGS, decompress, read_body
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.receiving.rpc_status import PROTOBUF, error_response
from modelwatch.collector.storing.store import PointSink, Written
from modelwatch.errors import BodyTooLarge, ModelwatchError, StoreError, UndecodableTelemetry
from modelwatch.telemetry.wire import Decoded, decode_logs, decode_metrics

__all__ = ["Receiver", "ReceiverLimits"]

RETRY_AFTER_SECONDS = 2


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

    def __init__(self, sink: PointSink, limits: ReceiverLimits, counts: ReceiverCounts) -> None:
        self._counts = counts
        self._sink = sink
        self._limits = limits
        self._reading = 0
        self._running = 0

    def app(self) -> Starlette:
        """Return the ASGI application with the three routes."""
        app = Starlette(
            routes=[
                Route("/v1/metrics", self._metrics, methods=["POST"]),
                Route("/v1/logs", self._logs, methods=["POST"]),
                Route("/v1/traces", self._traces, methods=["POST"]),
            ],
            exception_handlers={HTTPException: _http_error},
        )
        app.router.redirect_slashes = False  # OTLP clients follow no redirect
        return app

    async def _metrics(self, request: Request) -> Response:
        async def export(body: bytes, encoding: str) -> bytes:
            rejected, message = await self._take(decode_metrics, body, encoding)
            answer = ExportMetricsServiceResponse()
            if rejected or message:
                answer.partial_success.rejected_data_points = rejected
                answer.partial_success.error_message = message
            return answer.SerializeToString()

        return await self._answer(request, export)

    async def _logs(self, request: Request) -> Response:
        async def export(body: bytes, encoding: str) -> bytes:
            rejected, message = await self._take(decode_logs, body, encoding)
            answer = ExportLogsServiceResponse()
            if rejected or message:
                answer.partial_success.rejected_log_records = rejected
                answer.partial_success.error_message = message
            return answer.SerializeToString()

        return await self._answer(request, export)

    async def _traces(self, request: Request) -> Response:
        async def export(_body: bytes, _encoding: str) -> bytes:
            self._counts.traces += 1
            return ExportTraceServiceResponse().SerializeToString()

        return await self._answer(request, export)

    async def _take(
        self, decode: Callable[[bytes], Decoded], body: bytes, encoding: str
    ) -> tuple[int, str]:
        def unpack() -> Decoded:
            limit = self._limits.max_decompressed_bytes
            return decode(decompress(body, encoding, limit=limit))

        decoded = await asyncio.to_thread(unpack)
        self._counts.foreign += decoded.foreign
        if decoded.points:
            written = await self._sink.write(decoded.points)
        else:
            written = Written(stored=0, duplicates=0, rejected=0)
        self._counts.points += written.stored
        self._counts.duplicates += written.duplicates
        self._counts.rejected += decoded.rejected + written.rejected
        message = decoded.message
        if written.rejected:
            message = f"{message} Points with impossible times were rejected.".strip()
        return decoded.rejected + written.rejected, message

    async def _answer(
        self, request: Request, export: Callable[[bytes, str], Awaitable[bytes]]
    ) -> Response:
        self._counts.requests += 1
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            encoding = _encoding(request, media_type)
            body = await self._read(request)
            if self._running >= self._limits.max_requests:
                raise StoreError("too many requests at the same time: send again later.")
            self._running += 1
            try:
                return Response(await export(body, encoding), media_type=PROTOBUF)
            finally:
                self._running -= 1
        except ModelwatchError as error:
            self._counts.refused += 1
            return _refusal(error, media_type)

    async def _read(self, request: Request) -> bytes:
        limits = self._limits
        if self._reading >= limits.max_reading:
            raise StoreError("too many bodies are being read: send again later.")
        self._reading += 1
        try:
            return await read_body(
                request, limit=limits.max_body_bytes, timeout_seconds=limits.body_timeout_seconds
            )
        except ClientDisconnect:
            raise UndecodableTelemetry("the body was not sent to its end.") from None
        except TimeoutError as error:
            raise _BodyTooSlow(str(error)) from error
        finally:
            self._reading -= 1


class _BodyTooSlow(UndecodableTelemetry):
    """The body did not arrive in time."""


class _UnsupportedMedia(UndecodableTelemetry):
    """The content type or encoding is not taken."""


def _encoding(request: Request, media_type: str) -> str:
    if media_type != PROTOBUF:
        raise _UnsupportedMedia(
            f"content type {media_type!r} is not taken: send {PROTOBUF} "
            "(OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)."
        )
    encoding = request.headers.get("content-encoding", "identity").strip().lower() or "identity"
    if encoding not in ENCODINGS:
        raise _UnsupportedMedia(
            f"content encoding {encoding!r} is not taken: send one of {', '.join(ENCODINGS)}."
        )
    return encoding


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
    if isinstance(error, _UnsupportedMedia):
        headers = {"Accept": PROTOBUF, "Accept-Encoding": ", ".join(ENCODINGS)}
        return error_response(415, message, media_type=media_type, headers=headers)
    return error_response(400, message, media_type=media_type)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # registered for this type alone
    known = "/v1/metrics, /v1/logs and /v1/traces take POST"
    message = f"{request.method} {request.url.path}: {error.detail}; {known}."
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    headers = dict(error.headers or {})
    return error_response(error.status_code, message, media_type=media_type, headers=headers)
