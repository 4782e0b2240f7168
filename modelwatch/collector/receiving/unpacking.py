"""Bodies that are decompressed while they come, in parts of bounded length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from isal import isal_zlib

from modelwatch.errors import BodyTooLarge, UndecodableTelemetry

__all__ = ["PART_BYTES", "Unpacker"]

PART_BYTES: Final = 262_144
"""Most bytes of a part."""

_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}
"""zlib's code for a gzip header, and for a zlib header (what HTTP calls deflate)."""

_MOST_MEMBERS: Final = 65_536
"""Gzip members of one body; each costs some microseconds."""

_DAMAGED = cast("type[Exception]", isal_zlib.error)


class Unpacker:
    """Decompresses one body. Not thread-safe. Memory: two parts.

    Args:
        encoding: identity, gzip or deflate.
        limit: most bytes decompressed.

    >>> import gzip
    >>> body = gzip.compress(b"abc")
    >>> unpacker = Unpacker("gzip", limit=3)
    >>> [*unpacker.feed(body[:9]), *unpacker.feed(body[9:])]
    [b'abc']
    >>> unpacker.finish()
    """

    def __init__(self, encoding: str, *, limit: int) -> None:
        self._is_packed = encoding in _WINDOW_BITS
        self._encoding = encoding
        self._limit = limit
        self._room = limit
        self._members = 0
        self._inflater: Any = None

    def feed(self, content: bytes) -> Iterator[bytes]:
        """Yield what is in the next bytes.

        Raises:
            BodyTooLarge: more than ``limit`` bytes came of the body.
            UndecodableTelemetry: the bytes are damaged.
        """
        if not self._is_packed:
            for start in range(0, len(content), PART_BYTES):
                yield self._counted(content[start : start + PART_BYTES])
            return
        while content:
            if self._inflater is None:
                self._begin()
            part = self._inflate(content)
            while part:
                yield self._counted(part)
                # A part that is full may be so before all is out of it that was read.
                is_full = len(part) == PART_BYTES and not self._inflater.eof
                part = self._inflate(self._inflater.unconsumed_tail) if is_full else b""
            is_over = self._inflater.eof
            content = self._inflater.unused_data if is_over else b""
            if is_over:
                self._inflater = None

    def finish(self) -> None:
        """Do nothing where the body came to its end.

        Raises:
            UndecodableTelemetry: it is cut short.
        """
        if self._inflater is not None:
            raise UndecodableTelemetry(f"the {self._encoding} body is cut short: send it again.")

    def _begin(self) -> None:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise UndecodableTelemetry(
                f"the body has more than {_MOST_MEMBERS} {self._encoding} members: send it as one."
            )
        self._inflater = isal_zlib.decompressobj(_WINDOW_BITS[self._encoding])

    def _inflate(self, content: bytes) -> bytes:
        try:
            return bytes(self._inflater.decompress(content, PART_BYTES))
        except _DAMAGED as error:
            raise UndecodableTelemetry(
                f"the body is not valid {self._encoding}: {error}. Send it again, or uncompressed."
            ) from error

    def _counted(self, part: bytes) -> bytes:
        self._room -= len(part)
        if self._room < 0:
            raise BodyTooLarge(
                f"the decompressed body is larger than {self._limit} bytes: send fewer at a time."
            )
        return part
