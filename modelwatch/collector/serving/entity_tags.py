"""Answers that a client has already are not sent again (ETag, If-None-Match)."""

from __future__ import annotations

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["EntityTags", "names_tag"]


def names_tag(if_none_match: str, tag: str) -> bool:
    """Tell whether an If-None-Match header names an entity tag, by weak comparison (RFC 9110).

    >>> names_tag('"a", W/"b"', '"b"'), names_tag("*", '"b"'), names_tag('"bb"', '"b"')
    (True, True, False)
    """
    named = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return "*" in named or tag.removeprefix("W/") in named


class EntityTags:
    """ASGI layer that gives JSON answers of the API a tag, and 304 to who names it.

    Answers that have a tag of their own, or are not to be stored, go as they are. One answer lies
    in memory whole, as it does where it is made.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        known = Headers(scope=scope).get("if-none-match", "")
        await self._app(scope, receive, _Tagging(send, known))


class _Tagging:
    """Holds the start of an answer back until its content is known."""

    def __init__(self, send: Send, known: str) -> None:
        self._send = send
        self._known = known
        self._start: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _can_be_tagged(message):
            self._start = message
        elif message["type"] != "http.response.body" or self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = bytes(self._body)
        tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["ETag"] = tag
        headers["Cache-Control"] = "private, no-cache"
        if names_tag(self._known, tag):
            del headers["Content-Length"]
            start, body = {**start, "status": 304}, b""
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _can_be_tagged(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    is_json = headers.get("content-type", "").startswith("application/json")
    is_free = "etag" not in headers and "cache-control" not in headers
    return bool(start["status"] == 200 and is_json and is_free)
