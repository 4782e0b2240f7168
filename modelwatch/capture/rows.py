"""Feature values out of a watched call's argument: one row, or a batch of them.

What is read is copied at once, because the watched function may change its argument.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np

from modelwatch.errors import DataError
from modelwatch.tabular import ABSENT, RawColumn, raw_columns

__all__ = ["Batch", "Row", "RowReader", "attributes_of"]

_NUMBERS: Final = (int, float, np.number)


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
            value: a mapping, pydantic model, dataclass or named tuple (one row); numbers in the
                order of the names (one row); a list of any of these, a 2-D array, or a pandas,
                polars or pyarrow table (a batch).

        Raises:
            DataError: where it is none of these.
        """
        mapping = value if type(value) is dict else attributes_of(value)
        if mapping is not None:
            return self.row(mapping)
        if isinstance(value, np.ndarray):
            return self._read_array(value)
        if isinstance(value, (list, tuple)):
            return self._read_list(value)
        columns = raw_columns(value)
        rows = len(next(iter(columns.values()), ()))
        return Batch({name: _copied(column) for name, column in columns.items()}, rows)

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
        if all(isinstance(value, _NUMBERS) for value in values):
            return Row(self._positional(values))
        return self.batch([self._one(value) for value in values])

    def _one(self, value: object) -> Row:
        mapping = attributes_of(value)
        if mapping is not None:
            return self.row(mapping)
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
        if array.ndim == 1 and array.dtype.names is None:
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


def _getter(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if not names:
        return lambda mapping: ()
    if len(names) == 1:
        only = names[0]
        return lambda mapping: (mapping[only],)
    return itemgetter(*names)


def _copied(column: RawColumn) -> RawColumn:
    return column.copy() if isinstance(column, np.ndarray) else list(column)
