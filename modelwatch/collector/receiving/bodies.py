"""Read and decompress a request's body without ever holding more than a limit.

A gzip of 100 kB can hold 100 MB: the output is bounded while it is made, not looked at after.
"""

from __future__ import annotations

import asyncio
import zlib

from starlette.requests import Request

from modelwatch.errors import BodyTooLarge, UndecodableTelemetry

__all__ = ["ENCODINGS", "decompress", "read_body"]

ENCODINGS = ("deflate", "gzip", "identity")
"""Content encodings that are taken, for the Accept-Encoding of a refusal."""

_MOST_MEMBERS = 64
"""Gzip members in one body; a client writes one, and each costs a copy of what follows it."""

_WINDOW_BITS = {"gzip": 31, "deflate": 15}
"""zlib's code for a gzip header, and for a zlib header (what HTTP calls deflate)."""


async def read_body(request: Request, *, limit: int, timeout_seconds: float) -> bytes:
    """Return the body as sent.

    Args:
        request: not read yet.
        limit: most bytes that are taken; a declared length above it is not even begun.
        timeout_seconds: how long the whole body may take.

    Raises:
        BodyTooLarge: the body is larger than ``limit``.
        TimeoutError: the body was not there in time.
        ClientDisconnect: the client left before it had sent all.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _read(request, limit)
    except TimeoutError:
        raise TimeoutError(
            f"the body was not sent within {timeout_seconds:g} s: send it again, in smaller parts "
            "over a slow line, or raise the collector's body_timeout_seconds."
        ) from None


async def _read(request: Request, limit: int) -> bytes:
    parts: list[bytes] = []
    declared = request.headers.get("content-length", "0")
    size = int(declared) if declared.isdecimal() else 0
    if size <= limit:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > limit:
                break
            parts.append(part)
    if size > limit:
        raise BodyTooLarge(
            f"the body is larger than {limit} bytes: send less at a time, or raise the "
            "collector's max_body_bytes."
        )
    return b"".join(parts)


def decompress(body: bytes, encoding: str, *, limit: int) -> bytes:
    """Return the decompressed body.

    Args:
        body: the bytes of the request.
        encoding: one of `ENCODINGS`.
        limit: most bytes that the result may have; at most one byte more is ever made.

    Raises:
        BodyTooLarge: the result would be larger than ``limit``.
        UndecodableTelemetry: the bytes are damaged or cut short.

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
    inflater = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        part = inflater.decompress(body, room + 1)
    except zlib.error as error:
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
