"""The OTLP/HTTP receiver: metrics, logs and traces in protobuf or JSON, plain, gzip or deflate.

What is answered with 200 has been committed. What cannot be taken now is answered with 503 and
Retry-After, which OTLP clients send again; what can never be taken with 400, 408, 413 or 415,
which they do not. Traces are taken, counted and, where that is configured, sent on with the rest.

A plain ASGI application: what every export passes through is all that it does.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from modelwatch.collector.receiving.bodies import ENCODINGS, read_stream
from modelwatch.collector.receiving.exports import Exports, ReceiverLimits
from modelwatch.collector.receiving.json_messages import to_json
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.receiving.request_head import RequestHead, UnsupportedMedia
from modelwatch.collector.receiving.rpc_status import JSON, PROTOBUF, error_response
from modelwatch.collector.receiving.signals import SIGNALS_BY_PATH, Signal
from modelwatch.errors import BodyTooLarge, ModelwatchError, StoreError, UndecodableTelemetry

__all__ = ["Receiver"]

RETRY_AFTER_SECONDS = 2


class Receiver:
    """The ASGI application of the OTLP routes.

    A client that stalls holds none of the ``max_requests`` places: a request takes one when its
    body is there.

    Memory: at most ``max_reading`` and ``max_requests`` bodies, of which a handful are decompressed
    at a time (the threads of asyncio's default executor).

    Args:
        exports: takes what requests tell.
        limits: what bounds memory.
        counts: is told of all.
    """

    def __init__(
        self,
        exports: Exports,
        limits: ReceiverLimits,
        counts: ReceiverCounts,
    ) -> None:
        self._counts = counts
        self._exports = exports
        self._limits = limits
        self._reading = 0
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as ASGI has it."""
        if scope["type"] != "http":
            raise NotImplementedError(f"the receiver serves no {scope['type']}.")
        head = RequestHead.of(scope)
        signal = SIGNALS_BY_PATH.get(scope["path"])
        if signal is None or scope["method"] != "POST":
            await _no_route(scope, head, found=signal is not None)(scope, receive, send)
            return
        self._counts.requests += 1
        try:
            content = await self._answer(head, receive, signal)
        except ModelwatchError as error:
            self._counts.refused += 1
            await _refusal(error, head.media_type)(scope, receive, send)
            return
        await send(
            {"type": "http.response.start", "status": 200, "headers": _headers(head, content)}
        )
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, head: RequestHead, receive: Receive, signal: Signal) -> bytes:
        head.require_taken()
        body = await self._read(head, receive)
        if self._running >= self._limits.max_requests:
            raise StoreError("too many requests at the same time: send again later.")
        self._running += 1
        try:
            refused = await self._exports.take(signal, head, body)
        finally:
            self._running -= 1
        if head.media_type == JSON:
            return to_json(signal.answer(*refused))
        if not (refused.points or refused.message):
            return b""  # as an empty response is
        return signal.answer(*refused).SerializeToString()

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
        headers = {"Accept": f"{PROTOBUF}, {JSON}", "Accept-Encoding": ", ".join(ENCODINGS)}
        return error_response(415, message, media_type=media_type, headers=headers)
    return error_response(400, message, media_type=media_type)


def _no_route(scope: Scope, head: RequestHead, *, found: bool) -> Response:
    status = HTTPStatus.METHOD_NOT_ALLOWED if found else HTTPStatus.NOT_FOUND
    known = "/v1/metrics, /v1/logs and /v1/traces take POST"
    message = f"{scope['method']} {scope['path']}: {status.phrase}; {known}."
    headers = {"Allow": "POST"} if found else {}
    return error_response(status, message, media_type=head.media_type, headers=headers)


def _headers(head: RequestHead, content: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", head.media_type.encode()),
        (b"content-length", str(len(content)).encode()),
    ]
