"""Model names in URLs: each path segment is decoded by itself, so a name may hold a slash."""

from __future__ import annotations

from urllib.parse import quote, unquote

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["EncodedPaths", "path_of"]


class SegmentConvertor(StringConvertor):
    """A path parameter ``{name:segment}``: one segment, percent-encoded in the path."""

    def convert(self, value: str) -> str:
        """Decode the segment."""
        return unquote(value)

    def to_string(self, value: str) -> str:
        """Encode the segment, slashes too."""
        return quote(value, safe="")


register_url_convertor("segment", SegmentConvertor())


class EncodedPaths:
    """ASGI middleware that routes on the path as it was sent, percent signs and all.

    A server decodes the path before routing, after which ``/models/a%2Fb`` and ``/models/a/b``
    are the same. With this, they are not, and parameters of type ``segment`` do the decoding.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope.get("raw_path"):
            scope = {**scope, "path": scope["raw_path"].decode("ascii", "replace")}
        await self._app(scope, receive, send)


def path_of(*parts: str) -> str:
    """Return the path of these segments, encoded.

    >>> path_of("models", "a/b <c>")
    '/models/a%2Fb%20%3Cc%3E'
    """
    return "".join(f"/{quote(part, safe='')}" for part in parts)
