"""The dimensions of an image from the first bytes of its file."""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["dimensions_of"]

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels by colour type; 3 is a palette."""

_JPEG: Final = b"\xff\xd8"
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xDA)})
"""JPEG markers that no length follows."""

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers that begin a frame, whose header tells its size (ITU-T T.81, table B.1)."""


def dimensions_of(content: bytes) -> dict[str, int]:
    """Return width, height and channels; nothing where the file is neither PNG nor JPEG.

    Args:
        content: the first bytes.

    >>> dimensions_of(b"GIF89a")
    {}
    """
    if content.startswith(_PNG):
        return _of_png(content)
    return _of_jpeg(content) if content.startswith(_JPEG) else {}


def _of_png(content: bytes) -> dict[str, int]:
    """Read the header chunk, which comes first (W3C PNG, section 11.2.1)."""
    if len(content) < 26 or content[12:16] != b"IHDR":
        return {}
    width, height, _, colours = struct.unpack(">IIBB", content[16:26])
    found = {"width": width, "height": height}
    return found | ({"channels": _PNG_CHANNELS[colours]} if colours in _PNG_CHANNELS else {})


def _of_jpeg(content: bytes) -> dict[str, int]:
    """Pass over the segments before the frame's header."""
    at = len(_JPEG)
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF or marker in _STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _FRAMES:
            if at + 10 > len(content):
                return {}
            height, width, channels = struct.unpack(">HHB", content[at + 5 : at + 10])
            return {"width": width, "height": height, "channels": channels}
        at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    return {}
