"""What was predicted as it lies in the store: a few bytes a prediction, of a layout that recurs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelwatch.tables.compact_columns import CodedColumn, RawColumn
from modelwatch.telemetry.wire.outcomes import OutcomeValue, PredictionRows

__all__ = [
    "PLAIN",
    "Columns",
    "Layout",
    "decode_plain",
    "decode_records",
    "encode_records",
    "write_out",
]

PLAIN: Final = 0
"""The number of the layout of records that are written out in JSON."""

_FORMATS: Final = {
    "f4": "<f4",
    "f8": "<f8",
    "i1": "i1",
    "i2": "<i2",
    "i4": "<i4",
    "i8": "<i8",
    "b1": "u1",
    "c1": "u1",
    "c2": "<u2",
}
_NO_BOOLEAN: Final = 2
_ABSENT: Final = {"c1": 0xFF, "c2": 0xFFFF}

Coder = Callable[[Sequence[Any]], list[int] | None]
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """Which fields records have, in order.

    Attributes:
        segment: the kind of the segment's field; empty where there are no segments.
        outputs: names and kinds of outputs.
        features: names and kinds of inputs.
    """

    segment: str
    outputs: tuple[tuple[str, str], ...]
    features: tuple[tuple[str, str], ...]

    @classmethod
    def from_json(cls, text: str) -> Layout:
        """Return the layout that `to_json` wrote."""
        segment, outputs, features = json.loads(text)
        return cls(
            segment,
            tuple((name, kind) for name, kind in outputs),
            tuple((name, kind) for name, kind in features),
        )

    def to_json(self) -> str:
        """Return it as text; equal layouts have equal texts."""
        return json.dumps([self.segment, self.outputs, self.features], separators=(",", ":"))

    @property
    def kinds(self) -> list[str]:
        """The kinds of all fields, the segment's first."""
        told = [kind for _, kind in (*self.outputs, *self.features)]
        return [self.segment, *told] if self.segment else told

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of one record."""
        fields = [(f"f{at}", _FORMATS[kind]) for at, kind in enumerate(self.kinds)]
        return np.dtype(fields)


@dataclass(frozen=True, slots=True)
class Columns:
    """Records, read.

    Attributes:
        segments: of each row; empty where it has none.
        outputs: by name.
        features: by name.
    """

    segments: CodedColumn
    outputs: Mapping[str, RawColumn]
    features: Mapping[str, RawColumn]


def encode_records(rows: PredictionRows, coder: Coder) -> tuple[Layout | None, list[bytes]]:
    """Return the records of predictions, and their layout; None where they are written out.

    Args:
        rows: predictions of one version.
        coder: gives numbers to distinct values; None where there are too many.
    """
    segment = "" if rows.segments is None else "segment"
    named = [*rows.outputs.items(), *rows.features.items()]
    columns = [*([rows.segments] if rows.segments is not None else []), *(c for _, c in named)]
    fields: list[tuple[str, Array]] = []
    for column in columns:
        field = _field(column, coder)
        if field is None:
            return None, write_out(rows)
        fields.append(field)
    kinds = [kind for kind, _ in fields]
    if segment:
        segment = kinds.pop(0)
    told = [(name, kind) for (name, _), kind in zip(named, kinds, strict=True)]
    outputs = len(rows.outputs)
    layout = Layout(segment, tuple(told[:outputs]), tuple(told[outputs:]))
    return layout, _rows_of(layout, [values for _, values in fields], len(rows.ids))


def _rows_of(layout: Layout, columns: Sequence[Array], size: int) -> list[bytes]:
    dtype = layout.dtype
    if not dtype.itemsize:
        return [b""] * size
    table = np.empty(size, dtype)
    for name, values in zip(dtype.names or (), columns, strict=True):
        table[name] = values
    data, width = table.tobytes(), dtype.itemsize
    return [data[at : at + width] for at in range(0, size * width, width)]


def _field(column: Sequence[OutcomeValue], coder: Coder) -> tuple[str, Array] | None:
    """Return the kind of a column and its values; None where they have no numbers."""
    types = set(map(type, column))
    if types <= {float, type(None)}:
        return _floats(np.array(column, dtype=np.float64))
    if types == {int}:
        return _integers(column)
    if types <= {bool, type(None)}:
        states = [_NO_BOOLEAN if value is None else int(value) for value in column]
        return "b1", np.array(states, np.uint8)
    distinct = {_identity(value): value for value in column if value is not None}
    codes = coder(list(distinct.values()))
    if codes is None:
        return None
    kind = "c1" if max(codes, default=0) < _ABSENT["c1"] else "c2"
    places: dict[object, int] = dict(zip(distinct, codes, strict=True))
    places[_identity(None)] = _ABSENT[kind]
    return kind, np.array([places[_identity(value)] for value in column], np.uint16)


def _identity(value: OutcomeValue) -> object:
    """Return what tells values apart: for a dictionary, 1, 1.0 and True are the same."""
    return value if isinstance(value, str) else (type(value), value)


def _floats(values: Array) -> tuple[str, Array]:
    with np.errstate(over="ignore"):
        short = values.astype(np.float32)
    same = np.array_equal(short.astype(np.float64), values, equal_nan=True)
    return ("f4", short) if same else ("f8", values)


def _integers(column: Sequence[Any]) -> tuple[str, Array] | None:
    lowest, highest = min(column), max(column)
    for bits, kind in ((7, "i1"), (15, "i2"), (31, "i4"), (63, "i8")):
        if -(1 << bits) <= lowest and highest < 1 << bits:
            return kind, np.array(column, np.int64)
    return None


def write_out(rows: PredictionRows) -> list[bytes]:
    """Return records of predictions in JSON, which need no layout."""
    segments = rows.segments if rows.segments is not None else [""] * len(rows.ids)
    outputs = _by_row(rows.outputs, len(rows.ids))
    features = _by_row(rows.features, len(rows.ids))
    return [
        json.dumps(told, separators=(",", ":")).encode()
        for told in zip(segments, outputs, features, strict=True)
    ]


def _by_row(columns: Mapping[str, Sequence[OutcomeValue]], size: int) -> list[dict[str, Any]]:
    names = list(columns)
    if not names:
        return [{}] * size
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def decode_records(layout: Layout, data: bytes, size: int, values: Sequence[Any]) -> Columns:
    """Return so many records' columns.

    Args:
        layout: theirs.
        data: the records, one after the other.
        size: how many there are.
        values: what numbers of values stand for.

    Raises:
        ValueError: the data is of another length.
    """
    dtype = layout.dtype
    if len(data) != size * dtype.itemsize:
        raise ValueError(f"{size} records of {dtype.itemsize} bytes are {len(data)} bytes long")
    table = np.frombuffer(data, dtype) if dtype.itemsize else np.empty(size, dtype)
    columns = [_column(kind, table[f"f{at}"], values) for at, kind in enumerate(layout.kinds)]
    segments = columns.pop(0) if layout.segment else _no_segments(size)
    assert isinstance(segments, CodedColumn)
    names = [name for name, _ in layout.outputs]
    return Columns(
        segments,
        dict(zip(names, columns, strict=False)),
        {
            name: column
            for (name, _), column in zip(layout.features, columns[len(names) :], strict=True)
        },
    )


def decode_plain(records: Sequence[bytes]) -> Columns:
    """Return the columns of records that are written out; what one lacks is None."""
    told = [json.loads(record) for record in records]
    segments = [str(segment) for segment, _, _ in told]
    distinct = list(dict.fromkeys(segments))
    places = {segment: at for at, segment in enumerate(distinct)}
    return Columns(
        CodedColumn(distinct, np.array([places[one] for one in segments], np.int64)),
        _by_name([outputs for _, outputs, _ in told]),
        _by_name([features for _, _, features in told]),
    )


def _by_name(rows: Sequence[Mapping[str, Any]]) -> dict[str, RawColumn]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _no_segments(size: int) -> CodedColumn:
    return CodedColumn([""], np.zeros(size, np.int64))


def _column(kind: str, raw: Array, values: Sequence[Any]) -> RawColumn:
    if kind[0] == "f":
        return raw.astype(np.float64)
    if kind[0] == "i":
        return raw.astype(np.int64)
    codes = raw.astype(np.int64)
    if kind == "b1":
        codes[codes == _NO_BOOLEAN] = -1
        return CodedColumn([False, True], codes)
    codes[codes == _ABSENT[kind]] = -1
    if codes.size and codes.max() >= len(values):
        raise ValueError(f"a record names value {codes.max()}, of which there are {len(values)}")
    return CodedColumn(values, codes)
