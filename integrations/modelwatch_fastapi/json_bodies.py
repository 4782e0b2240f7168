"""The JSON body of a request or response, of which chunks are copied as they pass by."""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

from modelwatch_fastapi.headers import RawHeaders

__all__ = ["JsonBodies", "JsonBody"]

_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS

_logger = logging.getLogger("modelwatch")


def _parser() -> Callable[[bytes], object]:
    """Return pydantic's, which comes with FastAPI and reads a row in a fifth of the time."""
    if find_spec("pydantic_core") is None:
        return json.loads
    from pydantic_core import from_json

    return from_json


_parse: Final = _parser()


class JsonBody:
    """Collects the chunks of one body, unless its headers or its size speak against it.

    Memory: the option's bytes, and as many again where it is compressed. For one thread at a time.

    Args:
        headers: those of the request or response.
        most_bytes: a larger body is given up as soon as that shows, and its chunks are let go.

    Attributes:
        refusal: why there is nothing to read, in a few words; empty while there is none.

    >>> body = JsonBody([(b"content-type", b"application/json")], 100)
    >>> for chunk in (b'{"age"', b": 4", b"0}"):
    ...     body.add(chunk)
    >>> body.read()
    {'age': 40}
    """

    __slots__ = ("_chunks", "_encoding", "_free_bytes", "_most_bytes", "refusal")

    def __init__(self, headers: RawHeaders, most_bytes: int) -> None:
        self.refusal = ""
        self._chunks: list[bytes | bytearray | memoryview] = []
        self._encoding = b""
        self._most_bytes = self._free_bytes = most_bytes
        for name, value in headers:
            if name == b"content-type":
                if b"json" not in value.partition(b";")[0].lower():
                    self.refusal = "not JSON"
            elif name == b"content-length":
                if value.isdigit() and int(value[:20]) > most_bytes:
                    self.refusal = "too large"
            elif name == b"content-encoding":
                self._encoding = value.strip().lower()

    def add(self, chunk: bytes | bytearray | memoryview) -> None:
        """Keep a chunk."""
        if self.refusal:
            return
        self._free_bytes -= len(chunk)
        if self._free_bytes < 0:
            self._give_up("too large")
        else:
            self._chunks.append(chunk)

    def read(self) -> object:
        """Return the value and let the chunks go; None, and a `refusal`, where it is no JSON."""
        if self.refusal:
            return None
        text = b"".join(self._chunks)
        self._chunks = []
        try:
            value = _parse(self._plain(text) if self._encoding else text)
        except (ValueError, RecursionError, zlib.error):
            self.refusal = self.refusal or "not JSON"
            return None
        return value

    def _plain(self, text: bytes) -> bytes:
        if self._encoding == b"identity":
            return text
        if self._encoding != b"gzip":
            raise ValueError(f"the encoding {self._encoding!r} is not known")
        unpacking = zlib.decompressobj(_GZIP_WINDOW)
        plain = unpacking.decompress(text, self._most_bytes)
        if unpacking.unconsumed_tail:
            self._give_up("too large")
        return plain

    def _give_up(self, refusal: str) -> None:
        self.refusal = refusal
        self._chunks = []


class JsonBodies:
    """Makes what bodies are collected in, and logs which kinds of them could not be read.

    Args:
        most_bytes: of each.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._told: set[str] = set()

    def collect(self, headers: RawHeaders) -> JsonBody:
        """Return what one body is collected in."""
        return JsonBody(headers, self._most_bytes)

    def tell(self, what: str, body: JsonBody) -> None:
        """Log, once of each kind, that a body was not captured and why."""
        kind = f"the {what} is {body.refusal}"
        if kind not in self._told:
            self._told.add(kind)
            _logger.warning(
                "modelwatch: a body is not captured: %s (logged once; the most is %d bytes)",
                kind,
                self._most_bytes,
            )
