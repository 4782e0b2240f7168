"""Where in points of one length, and in rows of such points, the numbers lie.

What is the same in every window is compared with what protobuf has read before; what is told anew
is taken from its places.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from itertools import count
from operator import itemgetter
from typing import Any, Final, NamedTuple

from modelwatch.telemetry.wire.byte_parts import (
    Part,
    PointLayout,
    Unfamiliar,
    joined,
    parts_of,
)

__all__ = ["PointShape", "RowShape", "row_shape_of", "shape_of"]

Values = tuple[Any, ...]
Unpack = Callable[[bytes, int], Values]

_NUMBERS: Final = count()
_ONCE: Final = ("attributes", "times", "counts")


class PointShape(NamedTuple):
    """Where in a point of one length what lies.

    Attributes:
        number: of this shape alone.
        form: what the bytes are for, the same of shapes that are the same.
        unpack: returns what is in the point that begins at an offset of some bytes.
        attributes_at: which of that is the attributes, with their tags.
        times_at: the times, with their tags.
        counts_at: the counts.
        constants: returns the rest that is the same in every window.
        floats: returns the sum, the minimum and the maximum, NaN where absent; nothing of a sum.
    """

    number: int
    form: tuple[Part, ...]
    unpack: Unpack
    attributes_at: int
    times_at: int
    counts_at: int
    constants: Callable[[Values], Any]
    floats: Callable[[Values], Values]


class RowShape(NamedTuple):
    """Where in the data of a metric, points and all, what lies.

    Attributes:
        number: of this shape alone.
        form: what the bytes are for, the same of shapes that are the same.
        unpack: returns what is in the data that begin at an offset of some bytes.
        attributes_at: which of that is the attributes of the first point, with their tags.
        constants: returns the rest that is the same in every window.
        times: returns the times of each point, with their tags.
        counts: returns the counts of each.
        floats: returns the sum, the minimum and the maximum of each, NaN where absent; nothing of
            sums.
    """

    number: int
    form: tuple[Part, ...]
    unpack: Unpack
    attributes_at: int
    constants: Callable[[Values], Any]
    times: Callable[[Values], Values]
    counts: Callable[[Values], Values]
    floats: Callable[[Values], Values]


def shape_of(
    point: bytes, layout: PointLayout, kept: Sequence[PointShape] = ()
) -> PointShape | None:
    """Return the shape of a point; None where it has none.

    A point with exemplars, for instance, has none: they are no numbers of eight bytes.

    Args:
        point: serialised, read by protobuf before.
        layout: of such points.
        kept: shapes of which one is returned, where it is the same.
    """
    parts = _point_parts(point, layout)
    if parts is None:
        return None
    form = tuple(parts)
    for shape in kept:
        if shape.form == form:
            return shape
    values = _Values(parts)
    return PointShape(
        next(_NUMBERS),
        form,
        values.unpack,
        values.named("attributes")[0],
        values.named("times")[0],
        values.named("counts")[0],
        itemgetter(*values.named("constant")),
        _float_getter([next(iter(values.tagged(tag)), None) for tag in layout.floats], values.size),
    )


def row_shape_of(
    data: bytes,
    points: Sequence[tuple[int, int]],
    layout: PointLayout,
    kept: Sequence[RowShape] = (),
) -> RowShape | None:
    """Return the shape of a metric's data; None where a point has no shape.

    Args:
        data: serialised, read by protobuf before.
        points: where in them each point begins and ends, one point or more.
        layout: of the points.
        kept: shapes of which one is returned, where it is the same.
    """
    row: list[Part] = []
    tags: list[set[int]] = []
    done = 0
    for start, end in points:
        parts = _point_parts(data[start:end], layout)
        if parts is None:
            return None
        tags.append({part.tag for part in parts})
        row.append(Part("constant", start - done))
        row += [_constant(part) for part in parts] if done else parts
        done = end
    row.append(Part("constant", len(data) - done))
    form = tuple(joined(row))
    for shape in kept:
        if shape.form == form:
            return shape
    values = _Values(form)
    places = {tag: iter(values.tagged(tag)) for tag in layout.floats}
    floats = [next(places[tag]) if tag in own else None for own in tags for tag in layout.floats]
    return RowShape(
        next(_NUMBERS),
        form,
        values.unpack,
        values.named("attributes")[0],
        itemgetter(*values.named("constant")),
        _getter(values.named("times")),
        _getter(values.named("counts")),
        _float_getter(floats, values.size),
    )


class _Values:
    """What is unpacked: all parts but those that are not used."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = [part for part in parts if part.name != "unused"]
        self.unpack: Unpack = struct.Struct("<" + "".join(map(_format, parts))).unpack_from

    @property
    def size(self) -> int:
        """How many values are unpacked."""
        return len(self._parts)

    def named(self, name: str) -> list[int]:
        """Return the places of the values of a name."""
        return [at for at, part in enumerate(self._parts) if part.name == name]

    def tagged(self, tag: int) -> list[int]:
        """Return the places of the numbers of a field."""
        return [at for at, part in enumerate(self._parts) if part.tag == tag]


def _point_parts(point: bytes, layout: PointLayout) -> list[Part] | None:
    try:
        parts = joined(parts_of(point, layout))
    except (IndexError, Unfamiliar):
        return None
    if any(part.tag and not part.size for part in parts):  # its count is that of all values
        return None
    names = [part.name for part in parts]
    tags = [part.tag for part in parts if part.tag]
    is_plain = len(set(tags)) == len(tags) and all(names.count(name) == 1 for name in _ONCE)
    return parts if is_plain else None


def _constant(part: Part) -> Part:
    return Part("constant", part.size) if part.name == "attributes" else part


def _format(part: Part) -> str:
    if part.name == "float":
        return "d"
    return f"{part.size}x" if part.name == "unused" else f"{part.size}s"


def _getter(places: Sequence[int]) -> Callable[[Values], Values]:
    """Return what gets the values at places as a tuple, however many they are."""
    if len(places) > 1:
        return itemgetter(*places)
    only = places[0]
    return lambda values: (values[only],)


def _float_getter(places: Sequence[int | None], size: int) -> Callable[[Values], Values]:
    """Return what gets the numbers at places, NaN where there is no place.

    Args:
        places: where the numbers are.
        size: how many values there are.
    """
    if not places:
        return lambda values: ()
    get = itemgetter(*(size if place is None else place for place in places))
    return get if None not in places else lambda values: get((*values, math.nan))
