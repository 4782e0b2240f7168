"""Feature values out of a watched call's argument: one row, or a batch of them.

What is read is copied at once, because the watched function may change its argument.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import numbers
from collections.abc import Callable, Mapping, Sequence, Sized
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np

from modelwatch.errors import DataError
from modelwatch.tables.columns import ABSENT
from modelwatch.tables.compact_columns import RawColumn
from modelwatch.tables.raw_columns import raw_columns

__all__ = ["Batch", "Row", "RowReader", "attributes_of", "fields_of"]

_PLAIN: Final = frozenset({float, int, str, bool, type(None)})
_NUMBERS: Final = (int, float, np.number)
_SCALARS: Final = (str, numbers.Number, np.number, np.bool_, enum.Enum, datetime.date)


class Row(NamedTuple):
    """One row: the values of the known features in order, and features beyond them, if any."""

    values: tuple[Any, ...]
    extras: Mapping[str, Any] | None = None


class Batch(NamedTuple):
    """Several rows as raw columns by feature name."""

    columns: dict[str, RawColumn]
    rows: int


class RowReader:
    """Reads rows whose features are known by name.

    Immutable and thread-safe.

    Args:
        names: the features, in the order in which a row's values are kept.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.size = len(self.names)
        self.values_of: Callable[[Mapping[str, Any]], tuple[Any, ...]] = _getter(self.names)
        self._known = frozenset(self.names)

    def read(self, value: object) -> Row | Batch:
        """Read what a call was given.

        Args:
            value: a mapping, pydantic model, dataclass, named tuple, pandas Series or record of a
                structured array (one row); values in the order of the names (one row); a list of
                any of these, a mapping of columns, a 2-D or structured array, or a pandas, polars
                or pyarrow table (a batch). A mapping is one of columns where each of its values is
                a list, tuple or array and all are of one length: a feature is never a list.

        Raises:
            DataError: where it is none of these.
        """
        fields = value if type(value) is dict else fields_of(value)
        if fields is not None:
            if _are_columns(fields):
                return _batch_of({str(name): column for name, column in fields.items()})
            return self._one(value) if _is_series(value) else self.row(fields)
        if isinstance(value, np.ndarray):
            return self._read_array(value)
        if isinstance(value, (list, tuple)):
            return self._read_list(value)
        return self._one(value) if _is_series(value) else _batch_of(value)

    def row(self, mapping: Mapping[str, Any]) -> Row:
        """Read one row from feature names to values; absent ones become `ABSENT`."""
        try:
            values = self.values_of(mapping)
            if len(mapping) == self.size:
                return Row(values)
        except KeyError:
            values = tuple([mapping.get(name, ABSENT) for name in self.names])
        extras = {name: mapping[name] for name in mapping if name not in self._known}
        return Row(values, {str(name): value for name, value in extras.items()} or None)

    def _read_list(self, values: Sequence[Any]) -> Row | Batch:
        if not values:
            return Batch({}, 0)
        if all(isinstance(value, _NUMBERS) for value in values) or _are_one_row(values):
            return Row(self._positional(values))
        return self.batch([self._one(value) for value in values])

    def _one(self, value: object) -> Row:
        fields = fields_of(value)
        if fields is not None:
            if _is_series(value) and self._known and self._known.isdisjoint(fields):
                raise DataError(
                    "a Series whose index has none of the features is no row: give a row's values "
                    "with the features' names as its index, or a frame."
                )
            return self.row(fields)
        if _is_series(value):
            return Row(self._positional(np.asarray(value)))
        if isinstance(value, (list, tuple, np.ndarray)):
            return Row(self._positional(value))
        raise DataError(f"a row is a {type(value).__name__}: give rows as mappings.")

    def batch(self, rows: Sequence[Row]) -> Batch:
        """Turn rows into columns."""
        columns: dict[str, RawColumn] = dict(
            zip(self.names, zip(*[row.values for row in rows], strict=True), strict=True)
            if self.names
            else ()
        )
        extra_names = dict.fromkeys(name for row in rows for name in row.extras or ())
        for name in extra_names:
            columns[name] = [(row.extras or {}).get(name, ABSENT) for row in rows]
        return Batch(columns, len(rows))

    def _read_array(self, array: np.ndarray[Any, Any]) -> Row | Batch:
        if array.dtype.names is not None:
            return _records(array, array.dtype.names)
        if array.ndim == 1:
            return Row(self._positional(array.tolist()))
        if array.ndim != 2 or array.shape[1] != self.size or not self.size:
            raise DataError(
                f"an array of shape {array.shape} cannot be matched with {self.size} features: "
                "give a 2-D array with one column for each input of the baseline, in its order."
            )
        copied = array.T.copy()
        return Batch(dict(zip(self.names, copied, strict=True)), array.shape[0])

    def _positional(self, values: Sequence[Any] | np.ndarray[Any, Any]) -> tuple[Any, ...]:
        if len(values) != self.size or not self.size:
            raise DataError(
                f"{len(values)} values without names cannot be matched with {self.size} features: "
                "give a mapping of feature name to value."
            )
        return tuple(values.tolist() if isinstance(values, np.ndarray) else values)


def attributes_of(value: object) -> Mapping[str, Any] | None:
    """Return a structured value's fields by name, or None where it is no such value.

    Read are mappings, pydantic models (with their extra fields), dataclasses and named tuples;
    fields only, nested values stay as they are.
    """
    if isinstance(value, Mapping):
        return value
    kind = type(value)
    if hasattr(kind, "__pydantic_fields__"):
        extra = getattr(value, "__pydantic_extra__", None)
        return {**vars(value), **extra} if extra else vars(value)
    if dataclasses.is_dataclass(kind):
        fields = dataclasses.fields(kind)
        return {field.name: getattr(value, field.name, ABSENT) for field in fields}
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return dict(zip(kind._fields, value, strict=True))
    return None


def fields_of(value: object) -> Mapping[str, Any] | None:
    """Return one row's values by name, or None where they have no names.

    As `attributes_of`, and from records of structured arrays and pandas Series, of which a result
    is made up more often of several rows.
    """
    fields = attributes_of(value)
    if fields is not None:
        return fields
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.void) and value.dtype.names is not None:
        return dict(zip(value.dtype.names, value.item(), strict=True))
    if _is_series(value):
        index: Any = value
        names = index.index.tolist()
        if all(isinstance(name, str) for name in names):
            return dict(zip(names, index.tolist(), strict=True))
    return None


def _is_series(value: object) -> bool:
    return type(value).__name__ == "Series" and hasattr(value, "index")


def _are_one_row(values: Sequence[Any]) -> bool:
    """Tell whether items are the values of one row; rows are never scalars."""
    return any(isinstance(value, _SCALARS) for value in values) and not any(
        isinstance(value, (list, tuple, np.ndarray)) or fields_of(value) is not None
        for value in values
    )


def _are_columns(fields: Mapping[str, Any]) -> bool:
    length = None
    for value in fields.values():
        found = None if type(value) in _PLAIN else _column_length(value)
        if found is None or found != (found if length is None else length):
            return False
        length = found
    return length is not None


def _column_length(value: object) -> int | None:
    if isinstance(value, np.ndarray):
        return len(value) if value.ndim == 1 else None
    is_column = isinstance(value, (list, tuple)) or hasattr(value, "to_numpy")
    return len(value) if is_column and isinstance(value, Sized) else None


def _batch_of(table: object) -> Batch:
    columns = raw_columns(table)
    rows = len(next(iter(columns.values()), ()))
    return Batch({name: _copied(column) for name, column in columns.items()}, rows)


def _records(array: np.ndarray[Any, Any], names: Sequence[str]) -> Batch:
    """Read a structured array, whose fields are columns."""
    columns: dict[str, RawColumn] = {name: array[name].copy() for name in names}
    if any(np.ndim(column) != 1 for column in columns.values()):
        raise DataError(
            f"a structured array of shape {array.shape} and type {array.dtype} is no table: give "
            "one of one dimension, whose fields are single values."
        )
    return Batch(columns, array.shape[0])


def _getter(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if not names:
        return lambda mapping: ()
    if len(names) == 1:
        only = names[0]
        return lambda mapping: (mapping[only],)
    return itemgetter(*names)


def _copied(column: RawColumn) -> RawColumn:
    return column.copy() if isinstance(column, np.ndarray) else list(column)
