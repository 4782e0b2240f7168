"""Fields of protobuf messages as bytes, for what is written too often to build objects for.

A message is its fields joined, in any order; a repeated field is written once for each value.
"""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["delimited", "double_field", "fixed64_field", "varint_field"]

_VARINT, _FIXED64, _DELIMITED = 0, 1, 2

_LAST_BYTE: Final = 0x80
_BYTES: Final = tuple(bytes((value,)) for value in range(256))

_pack_fixed64: Final = struct.Struct("<BQ").pack
_pack_double: Final = struct.Struct("<Bd").pack


def delimited(field: int, payload: bytes) -> bytes:
    """Return a field that holds a message, a text, bytes, or packed numbers.

    Args:
        field: its number, below 16.
        payload: its content.
    """
    return _BYTES[field << 3 | _DELIMITED] + _varint(len(payload)) + payload


def varint_field(field: int, value: int) -> bytes:
    """Return a field that holds an enum, a truth value or an integer of zero or more."""
    return _BYTES[field << 3 | _VARINT] + _varint(value)


def fixed64_field(field: int, value: int) -> bytes:
    """Return a field that holds an integer of zero or more in eight bytes."""
    return _pack_fixed64(field << 3 | _FIXED64, value)


def double_field(field: int, value: float) -> bytes:
    """Return a field that holds a number of double precision."""
    return _pack_double(field << 3 | _FIXED64, value)


def _varint(value: int) -> bytes:
    if value < _LAST_BYTE:
        return _BYTES[value]
    if value < _LAST_BYTE << 7:
        return bytes((value & 0x7F | _LAST_BYTE, value >> 7))
    return bytes((value & 0x7F | _LAST_BYTE,)) + _varint(value >> 7)
