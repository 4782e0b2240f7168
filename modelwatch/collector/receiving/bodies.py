"""Read and decompress a request's body without ever holding more than a limit.

A gzip of 100 kB can hold 100 MB: the output is bounded while it is made, not looked at after.
"""

from __future__ import annotations

import asyncio
from typing import cast

from isal import isal_zlib
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from modelwatch.errors import BodyTooLarge, UndecodableTelemetry

__all__ = ["ENCODINGS", "decompress", "read_body", "read_stream"]

ENCODINGS = ("deflate", "gzip", "identity")
"""Content encodings that are taken, for the Accept-Encoding of a refusal."""

_DAMAGED = cast("type[Exception]", isal_zlib.error)
"""What is raised for damaged bytes; the stubs take it for such an error itself."""

_MOST_MEMBERS = 64
"""Gzip members in one body; a client writes one, and each costs a copy of what follows it."""

_WINDOW_BITS = {"gzip": 31, "deflate": 15}
"""zlib's code for a gzip header, and for a zlib header (what HTTP calls deflate)."""


async def read_body(request: Request, *, limit: int, timeout_seconds: float) -> bytes:
    """Return the body of a request that is not read yet, as sent; see `read_stream`."""
    declared = request.headers.get("content-length", "0")
    return await read_stream(
        request.receive, declared, limit=limit, timeout_seconds=timeout_seconds
    )


async def read_stream(
    receive: Receive, declared: str, *, limit: int, timeout_seconds: float
) -> bytes:
    """Return a body as sent.

    Args:
        receive: gives its parts.
        declared: the length that the client told.
        limit: most bytes that are taken; a declared length above it is not even begun.
        timeout_seconds: how long the whole body may take.

    Raises:
        BodyTooLarge: the body is larger than ``limit``.
        TimeoutError: the body was not there in time.
        ClientDisconnect: the client left before it had sent all.
    """
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large_as_sent(limit)
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _read(receive, limit)
    except TimeoutError:
        raise TimeoutError(
            f"the body was not sent within {timeout_seconds:g} s: send it again, in smaller parts "
            "over a slow line, or raise the collector's body_timeout_seconds."
        ) from None


async def _read(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large_as_sent(limit)
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large_as_sent(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the body is larger than {limit} bytes: send less at a time, or raise the "
        "collector's max_body_bytes."
    )


def decompress(body: bytes, encoding: str, *, limit: int) -> bytes:
    """Return the decompressed body.

    Args:
        body: the bytes of the request.
        encoding: one of `ENCODINGS`.
        limit: most bytes that the result may have; at most one byte more is ever made.

    Raises:
        BodyTooLarge: the result would be larger than ``limit``.
        UndecodableTelemetry: the bytes are damaged or cut short.

    >>> import zlib
    >>> decompress(zlib.compress(b"abc"), "deflate", limit=3)
    b'abc'
    """
    if encoding == "identity":
        if len(body) > limit:
            raise _too_large(limit)
        return body
    parts: list[bytes] = []
    room = limit
    rest = body
    for _ in range(_MOST_MEMBERS):  # a gzip file may consist of several members
        part, rest = _decompress_member(rest, encoding, room, limit)
        parts.append(part)
        room -= len(part)
        if not rest:
            return b"".join(parts)
    raise UndecodableTelemetry(
        f"the body has more than {_MOST_MEMBERS} {encoding} members: send it as one."
    )


def _decompress_member(body: bytes, encoding: str, room: int, limit: int) -> tuple[bytes, bytes]:
    inflater = isal_zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        part = inflater.decompress(body, room + 1)
    except _DAMAGED as error:
        raise UndecodableTelemetry(
            f"the body is not valid {encoding}: {error}. Send it again, or uncompressed."
        ) from error
    if len(part) > room:
        raise _too_large(limit)
    if not inflater.eof:
        raise UndecodableTelemetry(f"the {encoding} body is cut short: send it again.")
    return part, inflater.unused_data


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the decompressed body is larger than {limit} bytes: send fewer points at a time, or "
        "raise the collector's max_decompressed_bytes."
    )
