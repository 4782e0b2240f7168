"""Headers by which a browser is told to do less with an answer than it would."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SafeHeaders"]

_ALWAYS: Final = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}
"""What an answer has that says nothing else. No header lets another site read one (CORS)."""

_PAIRS: Final = tuple(_ALWAYS.items())
_VARY: Final = (b"vary", b"Authorization, Cookie")


class SafeHeaders:
    """ASGI layer that adds to every answer the headers that it lacks.

    Args:
        app: what answers.
        varies: whether answers depend on who asks, which shared caches must know.
    """

    def __init__(self, app: ASGIApp, *, varies: bool) -> None:
        self._app = app
        self._varies = varies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name for name, _ in headers}  # in lower case, as ASGI has them
                headers += [pair for pair in _PAIRS if pair[0] not in present]
                headers += [_VARY] if self._varies else []
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_safely)
