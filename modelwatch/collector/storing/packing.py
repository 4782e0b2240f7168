"""Documents as they lie in the file: compressed."""

from __future__ import annotations

import zlib
from typing import Final

from modelwatch.errors import StoreError

__all__ = ["pack", "unpack"]

_COMPRESSION_LEVEL: Final = 1


def pack(text: str) -> bytes:
    """Return the text compressed."""
    return zlib.compress(text.encode(), _COMPRESSION_LEVEL)


def unpack(content: bytes) -> str:
    """Return the text that was compressed.

    Raises:
        StoreError: the bytes are damaged.
    """
    try:
        return zlib.decompress(content).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise StoreError(f"a row of the store is damaged: {error}.") from error
