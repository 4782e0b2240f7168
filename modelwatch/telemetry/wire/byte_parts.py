"""Fields of serialised messages, and what they are for in a point.

All numbers of a point take eight bytes each, so that the points of one series have one length and
differ in these alone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

__all__ = [
    "HISTOGRAM",
    "NUMBER",
    "Field",
    "Part",
    "PointLayout",
    "Unfamiliar",
    "fields_of",
    "joined",
    "parts_of",
    "times_of",
]

Field = tuple[int, int, int]
PartName = Literal["attributes", "constant", "counts", "float", "times", "unused"]

_VARINT, _FIXED64, _DELIMITED = 0, 1, 2
_KIND: Final = 0x87  # of a tag of one byte
_CONTINUED: Final = 0x80
_MOST_LENGTH_BITS: Final = 35

_EIGHT: Final = 8
_START, _TIME = 0x11, 0x19
_BOTH_TIMES: Final = struct.Struct("<BQBQ")
_ONE_TIME: Final = struct.Struct("<BQ")


class Unfamiliar(Exception):
    """Bytes are laid out as no protobuf library does it, or are no message at all."""


class PointLayout(NamedTuple):
    """What the tags of a sort of point mean, as OTLP's metrics.proto has them.

    Attributes:
        names: what a field is for, by its tag: the field's number, and how it is written.
        floats: the tags of sum, minimum and maximum.
    """

    names: dict[int, PartName]
    floats: tuple[int, ...]


NUMBER: Final = PointLayout(
    {0x11: "times", 0x19: "times", 0x31: "counts", 0x3A: "attributes", 0x40: "constant"}, ()
)
HISTOGRAM: Final = PointLayout(
    {
        0x11: "times",
        0x19: "times",
        0x21: "unused",  # how many values there are in all bins
        0x29: "float",
        0x32: "counts",
        0x3A: "constant",  # bounds
        0x4A: "attributes",
        0x50: "constant",  # flags
        0x59: "float",
        0x61: "float",
    },
    (0x29, 0x59, 0x61),
)


class Part(NamedTuple):
    """Some bytes of a point.

    Attributes:
        name: what they are for.
        size: how many they are.
        tag: of the field whose number they are; 0 where they are no number.
    """

    name: PartName
    size: int
    tag: int = 0


def fields_of(content: bytes, start: int, end: int) -> list[Field]:
    """Return the fields of a message that has only messages, texts and small integers.

    Args:
        content: bytes that the message is a part of.
        start: where it begins.
        end: where it ends.

    Returns:
        Of each its tag, and where what it holds begins and ends; of an integer its value and 0.

    Raises:
        Unfamiliar: where it is no such message.
        IndexError: where it goes beyond the content.
    """
    found: list[Field] = []
    at = start
    while at < end:
        tag = content[at]
        value = content[at + 1]
        at += 2
        if value >= _CONTINUED:
            value, at = _long_varint(content, at, value)
        kind = tag & _KIND
        if kind == _DELIMITED:
            found.append((tag, at, at + value))
            at += value
        elif kind == _VARINT:
            found.append((tag, value, 0))
        else:
            raise Unfamiliar
    if at != end:
        raise Unfamiliar
    return found


def parts_of(point: bytes, layout: PointLayout) -> Iterator[Part]:
    """Yield what a point consists of, from its first to its last byte.

    Raises:
        Unfamiliar: where a field is not of the layout, such as an exemplar.
        IndexError: where the point is cut off.
    """
    at = 0
    while at < len(point):
        tag = point[at]
        name = layout.names.get(tag)
        if name is None:
            raise Unfamiliar
        start, kind, value_at = at, tag & _KIND, at + 1
        if kind == _FIXED64:
            at = value_at + _EIGHT
        else:
            value, value_at = _varint(point, value_at)
            at = value_at + value if kind == _DELIMITED else value_at
        if name in ("constant", "attributes", "times"):
            yield Part(name, at - start)
        else:
            yield Part("constant", value_at - start)
            yield Part(name, at - value_at, tag)
    if at != len(point):
        raise Unfamiliar


def joined(parts: Iterable[Part]) -> list[Part]:
    """Return parts, those of one name that follow one another as one, but for numbers."""
    found: list[Part] = []
    for part in parts:
        if found and not part.tag and part.name == found[-1].name:
            found[-1] = Part(part.name, found[-1].size + part.size)
        else:
            found.append(part)
    return found


def times_of(part: bytes) -> tuple[int, int] | None:
    """Return start and end, in a point's part with the times; None where it has others.

    >>> times_of(bytes.fromhex("11 0100000000000000 19 0200000000000000"))
    (1, 2)
    """
    if len(part) == _BOTH_TIMES.size:
        first, start_ns, second, end_ns = _BOTH_TIMES.unpack(part)
        return (start_ns, end_ns) if (first, second) == (_START, _TIME) else None
    if len(part) == _ONE_TIME.size:
        tag, end_ns = _ONE_TIME.unpack(part)
        return (0, end_ns) if tag == _TIME else None
    return None


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Return the integer that begins at an offset, and where it ends."""
    first = content[at]
    return (first, at + 1) if first < _CONTINUED else _long_varint(content, at + 1, first)


def _long_varint(content: bytes, at: int, first: int) -> tuple[int, int]:
    """Return an integer of several bytes from the second on, and where it ends."""
    value, shift = first & ~_CONTINUED, 7
    while shift < _MOST_LENGTH_BITS:
        byte = content[at]
        at += 1
        value |= (byte & ~_CONTINUED) << shift
        shift += 7
        if byte < _CONTINUED:
            return value, at
    raise Unfamiliar
