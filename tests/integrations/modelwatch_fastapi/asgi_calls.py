"""Requests that are put to an ASGI app without a server, and what was said in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Request", "answering"]


class Request:
    """One request, in chunks, and its response.

    Args:
        chunks: of its body; made when they are asked for.
        path: where it goes.
        headers: of the request.
        scope: what else is in the connection's scope.

    Attributes:
        events: what was said, in order: ``asked`` for each chunk that the app received, ``sent``
            with each that it answered; others may note events of their own.
    """

    def __init__(
        self,
        chunks: Iterable[bytes],
        *,
        path: str = "/predict",
        headers: Mapping[str, str] | None = None,
        **scope: Any,
    ) -> None:
        self.events: list[Any] = []
        self.start: Message = {}
        self.body = b""
        raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        self.scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": raw,
            **scope,
        }
        self._chunks: Iterator[bytes] = iter(chunks)
        self._next: bytes | None = next(self._chunks, b"")

    @property
    def headers(self) -> dict[str, str]:
        """Of the response."""
        return {name.decode(): value.decode() for name, value in self.start["headers"]}

    async def put(self, app: ASGIApp) -> Request:
        """Put the request to an app."""
        await app(self.scope, self._receive, self._send)
        return self

    async def _receive(self) -> Message:
        if self._next is None:
            await asyncio.Event().wait()  # the client stays
        body, self._next = self._next, next(self._chunks, None)
        self.events.append("asked")
        return {"type": "http.request", "body": body, "more_body": self._next is not None}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            return
        self.events.append(("sent", message["body"]))
        self.body += message["body"]


def answering(
    *chunks: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> ASGIApp:
    """Return an app that reads its request and answers always the same, in chunks."""
    named = {"content-type": "application/json"} if headers is None else headers
    raw = [(name.encode(), value.encode()) for name, value in named.items()]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body", False):
            pass
        await send({"type": "http.response.start", "status": status, "headers": raw})
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return app
