"""A column's values in one form, whatever table they come from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from modelwatch.tables.compact_columns import CodedColumn, MaskedColumn, RawColumn
from modelwatch.tables.value_kinds import ABSENT, BOOLEANS, NULL_NAMES

__all__ = ["Column", "ColumnKind", "Mask", "Rows", "on_one_list", "read_column"]

ColumnKind = Literal["number", "boolean", "text", "time", "duration", "other", "empty"]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Column:
    """One value a row. Immutable.

    Attributes:
        kind: what the values are; `empty` where none is there, `other` where they are mixed.
        data: shape (rows,): numbers as float64 or int64; booleans as int64 (0, 1); texts as places
            in `names`; times as microseconds since 1970 (UTC), durations as microseconds; others as
            they are. Any value where missing.
        missing: rows without a value: null, NaN, absent.
        names: the distinct texts.
    """

    kind: ColumnKind
    data: npt.NDArray[Any]
    missing: Mask
    names: Sequence[str] = ()

    def __len__(self) -> int:
        return int(self.data.size)

    def take(self, rows: npt.NDArray[Any]) -> Column:
        """Return the column at some rows."""
        return replace(self, data=self.data[rows], missing=self.missing[rows])

    def value(self, row: int) -> Any:
        """Return one value as a person writes it; None where it is missing."""
        if self.missing[row]:
            return None
        value = self.data[row]
        if self.kind == "text":
            return str(self.names[int(value)])  # of numpy's own texts too
        if self.kind == "boolean":
            return bool(value)
        if self.kind == "time":
            return (_EPOCH + dt.timedelta(microseconds=int(value))).replace(tzinfo=None)
        if self.kind == "duration":
            return dt.timedelta(microseconds=int(value))
        return value.item() if isinstance(value, np.generic) else value

    def values(self) -> list[Any]:
        """Return all values; None where one is missing."""
        return [self.value(row) for row in range(len(self))]

    @property
    def type_name(self) -> str:
        """The kind in words, whole numbers apart."""
        if self.kind == "number":
            return "whole number" if self.data.dtype.kind == "i" else "number"
        return self.kind


def read_column(raw: RawColumn) -> Column:
    """Read a raw column of a table.

    Args:
        raw: one value a row, as `modelwatch.tables` has it.
    """
    if isinstance(raw, CodedColumn):
        if set(map(type, raw.values)) == {str}:
            return _column("text", raw.codes, raw.codes < 0, raw.values)
        distinct = _of_objects([*raw.values, None])
        return distinct.take(raw.codes)
    array = raw.values if isinstance(raw, MaskedColumn) else raw
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biufMm":
        return _of_objects(list(array))
    column = _of_array(array)
    if isinstance(raw, MaskedColumn):
        missing = column.missing | raw.nulls
        return replace(column, missing=missing, kind="empty" if missing.all() else column.kind)
    return column


def on_one_list(one: Column, other: Column) -> tuple[Column, Column]:
    """Return two columns of texts whose codes mean the same texts."""
    if one.names == other.names:
        return one, replace(other, names=one.names)
    place = {name: code for code, name in enumerate(one.names)}
    table = [place.setdefault(name, len(place)) for name in other.names]
    data = np.array([*table, -1], dtype=np.int64)[other.data]
    names = list(place)
    return replace(one, names=names), replace(other, data=data, names=names)


def _of_array(array: npt.NDArray[Any]) -> Column:
    sort = array.dtype.kind
    if sort in "Mm":
        missing = np.isnat(array)
        micro = array.astype("M8[us]" if sort == "M" else "m8[us]").astype(np.int64)
        return _column("time" if sort == "M" else "duration", micro, missing)
    if sort == "f":
        numbers = array.astype(np.float64, copy=False)
        return _column("number", numbers, np.isnan(numbers))
    present = np.zeros(array.size, dtype=bool)
    if sort == "b":
        return _column("boolean", array.astype(np.int64), present)
    is_large = sort == "u" and array.size and array.max() > np.iinfo(np.int64).max
    return _column(
        "number", array.astype(np.float64 if is_large else np.int64, copy=False), present
    )


def _column(
    kind: ColumnKind, data: npt.NDArray[Any], missing: Mask, names: Sequence[str] = ()
) -> Column:
    return Column("empty" if missing.all() else kind, data, missing, names)


def _of_objects(values: list[Any]) -> Column:
    missing = np.fromiter(map(_is_missing, values), dtype=bool, count=len(values))
    types = {type(value) for value, gone in zip(values, missing, strict=True) if not gone}
    if not types:
        return Column("empty", np.zeros(len(values), dtype=np.int64), missing)
    if all(issubclass(kind, str) for kind in types):
        return _of_texts(values, missing)
    if all(issubclass(kind, BOOLEANS) for kind in types):
        return Column("boolean", _filled(values, missing, np.int64), missing)
    if all(issubclass(kind, (int, float, Decimal, np.number, *BOOLEANS)) for kind in types):
        return _of_numbers(values, missing, types)
    if all(issubclass(kind, (dt.date, np.datetime64)) for kind in types):
        return Column("time", _filled(map(_micro_of_time, values), missing, np.int64), missing)
    if all(issubclass(kind, (dt.timedelta, np.timedelta64)) for kind in types):
        micro = (np.timedelta64(v, "us").astype(np.int64) if v is not None else 0 for v in values)
        return Column("duration", _filled(micro, missing, np.int64), missing)
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    return Column("other", objects, missing)


def _is_missing(value: Any) -> bool:
    if value is None or value is ABSENT or type(value).__name__ in NULL_NAMES:
        return True
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    return isinstance(value, (float, np.floating, Decimal)) and value != value


def _filled(values: Iterable[Any], missing: Mask, dtype: type) -> npt.NDArray[Any]:
    found = [0 if gone else value for value, gone in zip(values, missing, strict=True)]
    return np.array(found, dtype=dtype)


def _of_texts(values: list[Any], missing: Mask) -> Column:
    place: dict[str, int] = {}
    codes = [
        -1 if gone else place.setdefault(value, len(place))
        for value, gone in zip(values, missing, strict=True)
    ]
    return Column("text", np.array(codes, dtype=np.int64), missing, list(place))


def _of_numbers(values: list[Any], missing: Mask, types: set[type]) -> Column:
    if all(issubclass(kind, (int, np.integer, *BOOLEANS)) for kind in types):
        try:
            return Column("number", _filled(values, missing, np.int64), missing)
        except OverflowError:
            pass
    try:
        return Column("number", _filled(values, missing, np.float64), missing)
    except OverflowError:  # a whole number of more than 308 digits
        objects = np.empty(len(values), dtype=object)
        objects[:] = values
        return Column("other", objects, missing)


def _micro_of_time(value: Any) -> int:
    """Return microseconds since 1970; times without a zone are taken as UTC."""
    if isinstance(value, np.datetime64):
        return int(value.astype("M8[us]").astype(np.int64))
    if not isinstance(value, dt.date):
        return 0
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    value = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    return int((value - _EPOCH) // dt.timedelta(microseconds=1))
