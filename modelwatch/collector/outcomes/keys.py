"""Under which key a prediction's id lies in the store, and what time the id tells.

The first half of a key orders ids that begin with their time (UUIDs of version 7, ULIDs, ascending
numbers) by it, so that what was predicted together lies together; the second half is a hash.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

__all__ = ["KEY_BYTES", "Key", "key_of", "time_of"]

Key = tuple[int, int]
"""The two halves, signed 64 bit."""

KEY_BYTES: Final = 8
"""Of each half."""

_UUID_LENGTH: Final = 36
_HEXADECIMAL: Final = 16
_WRAP: Final = 1 << 64
_MIDDLE: Final = 1 << 63
_NANOSECONDS: Final = 1_000_000
_TIMED_UUID: Final = re.compile(
    "([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE
)
"""A UUID of version 7, which begins with its time in milliseconds (RFC 9562)."""


def key_of(prediction_id: str) -> Key:
    """Return the key of an id.

    Ids whose keys are equal are taken for the same: of ten million random ones, some two have
    equal keys with a probability of 3e-6.

    Raises:
        UnicodeEncodeError: the id is no text that UTF-8 can hold.

    >>> key_of("a")[0] == ord("a") << 56
    True
    >>> early = key_of("0190a1b2-c3d4-7000-8000-000000000000")
    >>> early[0] == 0x0190a1b2c3d47000
    True
    """
    data = prediction_id.encode()
    digest = blake2b(data, digest_size=KEY_BYTES).digest()
    return _prefix_of(prediction_id, data), int.from_bytes(digest, "little", signed=True)


def _prefix_of(text: str, data: bytes) -> int:
    if len(text) == _UUID_LENGTH and text[8] == text[13] == "-":
        try:
            number = int(text[:8] + text[9:13] + text[14:18], _HEXADECIMAL)
        except ValueError:
            pass
        else:
            return number - _WRAP if number >= _MIDDLE else number
    return int.from_bytes(data[:KEY_BYTES].ljust(KEY_BYTES, b"\0"), "big", signed=True)


def time_of(prediction_id: str) -> int | None:
    """Return when an id was made, Unix nanoseconds, where it tells that: UUIDs of version 7 do.

    >>> time_of("0190a1b2-c3d4-7000-8000-000000000000")
    1720699765716000000
    >>> time_of("order-17") is None
    True
    """
    found = _TIMED_UUID.fullmatch(prediction_id)
    return int(found[1] + found[2], _HEXADECIMAL) * _NANOSECONDS if found else None
