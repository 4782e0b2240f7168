"""Feature values out of a watched call's argument: one row, or a batch of them.

What is read is copied at once, because the watched function may change its argument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.capture.column_copies import copied, first, records, transposed
from modelwatch.capture.inference_protocol import InferenceTensors, holds_tensors, read_tensors
from modelwatch.capture.nested_rows import getter, nested_getter
from modelwatch.capture.packed_rows import Kept
from modelwatch.capture.row_values import (
    are_one_row,
    columns_among,
    fields_of,
    is_series,
    plain_values,
    refuse_unclear,
)
from modelwatch.errors import DataError
from modelwatch.extractors.extraction import NO_EXTRACTION, Extraction
from modelwatch.tables.columns import ABSENT
from modelwatch.tables.compact_columns import RawColumn
from modelwatch.tables.fields import attributes_of, flattened
from modelwatch.tables.raw_columns import quick_columns, raw_columns
from modelwatch.tables.tensors import array_of, is_tensor

__all__ = ["Batch", "Row", "RowReader", "attributes_of", "fields_of"]


_MOST_EXTRAS: Final = 1_000
"""Features beyond the known ones that are read of one batch, first come."""


class Row(NamedTuple):
    """One row: the values of the known features in order, and features beyond them, if any."""

    values: Kept
    extras: Mapping[str, Any] | tuple[()] | None = None


class Batch(NamedTuple):
    """Several rows as raw columns by feature name."""

    columns: dict[str, RawColumn]
    rows: int


class RowReader:
    """Reads rows whose features are known by name.

    Immutable and thread-safe.

    Args:
        names: the features, in the order in which a row's values are kept.
        order: the features of arrays and sequences, which have no names; those of `names`, or what
            callers give in their place, where empty.
        extraction: which features are replaced by descriptors; their names are then among `names`.

    Attributes:
        names: as given.
        given_names: the features as callers give them: without descriptors, but what they are of.
        size: how many names there are.
        values_of: reads the values of a mapping that has all of them.
    """

    def __init__(
        self,
        names: Sequence[str],
        order: Sequence[str] = (),
        extraction: Extraction = NO_EXTRACTION,
    ) -> None:
        self.names = tuple(names)
        self.size = len(self.names)
        self.values_of = getter(self.names)
        self._nested_values = nested_getter(self.names)
        self._known = frozenset(self.names)
        self._extraction = extraction
        self._descriptors = {
            feature: [name for name in self.names if name.startswith(f"{feature}.")]
            for feature in extraction
        }
        self.given_names = self._given_names() or tuple(order)
        self._order = tuple(order) or self.given_names
        self._arrange = self._arrangement()

    def read(self, value: object) -> Row | Batch:
        """Read what a call was given.

        Args:
            value: a mapping, pydantic model, dataclass, named tuple, pandas Series or record of a
                structured array (one row); values in the order of the features (one row); a list of
                any of these, a mapping of columns, a 2-D or structured array, a tensor likewise, a
                pandas, polars or pyarrow table, or a request of the Open Inference Protocol (a
                batch). A mapping is one of columns where each of its values is a list, tuple or
                array and all are of one length: a feature is never a list. Nested fields have
                dotted names. Where the only feature is one that becomes descriptors, its value.

        Returns:
            A batch of one row as that row.

        Raises:
            DataError: where it is none of these.
        """
        found = self._read(value)
        if isinstance(found, Batch) and found.rows == 1:
            return self.row({name: first(column) for name, column in found.columns.items()})
        return found

    def names_in(self, value: object) -> list[str]:
        """Return the features' names in a first row or batch, where none are known yet.

        Raises:
            DataError: where they have none, or it holds no features.
        """
        found = self.read(value)
        return list(found.columns if isinstance(found, Batch) else found.extras or ())

    def row(self, mapping: Mapping[Any, Any]) -> Row:
        """Read one row from feature names to values; absent ones become `ABSENT`."""
        try:
            values = self.values_of(mapping)
            if len(mapping) == self.size:
                return Row(plain_values(values))
        except KeyError:
            nested = self._nested(mapping)
            if nested is not None:
                return Row(plain_values(nested))
        flat = {str(name): value for name, value in flattened(mapping, self._known).items()}
        values = tuple([flat.get(name, ABSENT) for name in self.names])
        extras = {name: value for name, value in flat.items() if name not in self._known}
        kept = dict(zip(extras, plain_values(tuple(extras.values())), strict=True))
        return Row(plain_values(values), kept or None)

    def batch(self, rows: Sequence[Row]) -> Batch:
        """Turn rows into columns."""
        columns: dict[str, RawColumn] = dict(
            zip(self.names, zip(*[row.values for row in rows], strict=True), strict=True)
            if self.names
            else ()
        )
        extras: dict[str, list[Any]] = {}
        for place, row in enumerate(rows):
            for name, value in (row.extras or {}).items():
                if name not in extras and len(extras) < _MOST_EXTRAS:
                    extras[name] = [ABSENT] * len(rows)
                if name in extras:
                    extras[name][place] = value
        return Batch({**columns, **extras}, len(rows))

    def _read(self, value: Any) -> Row | Batch:
        if isinstance(value, InferenceTensors):
            return self._tensors(value)
        fields = value if type(value) is dict else fields_of(value)
        if fields is not None:
            return self._series(fields) if is_series(value) else self._fields(fields)
        if is_tensor(value):
            value = array_of(value)
        if self._is_bare(value):
            (feature,) = self._extraction
            return self._fields({feature: value})
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, (list, tuple)):
            return self._list(value)
        return self._one(value) if is_series(value) else self._table(value)

    def _fields(self, fields: Mapping[Any, Any]) -> Row | Batch:
        if "inputs" in fields and "inputs" not in self._known and holds_tensors(fields, "inputs"):
            return self._tensors(read_tensors(fields, "inputs"))
        if self._extraction:
            return self._described(flattened(fields, frozenset(self._extraction)))
        columns = columns_among(fields, self._known)
        if columns is not None:
            return self._columns(columns)
        refuse_unclear(fields)
        return self.row(fields)

    def _described(self, fields: Mapping[Any, Any]) -> Row | Batch:
        """Read fields of which some become descriptors: they are columns where the others are."""
        others = {name: value for name, value in fields.items() if name not in self._extraction}
        if others:
            is_batch = columns_among(others, self._known) is not None
        else:
            is_batch = not any(self._extraction.is_one(name, fields[name]) for name in fields)
        return self._columns(fields) if is_batch else self._described_row(fields)

    def _described_row(self, fields: Mapping[Any, Any]) -> Row:
        row = self._extraction.of_row(fields)
        lacking = {
            name: None
            for feature, names in self._descriptors.items()
            if feature in fields
            for name in names
        }
        return self.row({**lacking, **row})

    def _list(self, values: Sequence[Any]) -> Row | Batch:
        if not values:
            return Batch({}, 0)
        if are_one_row(values):
            return self._positional(values)
        rows = [self._one(value) for value in values]
        return rows[0] if len(rows) == 1 else self.batch(rows)

    def _one(self, value: object) -> Row:
        fields = fields_of(value)
        if fields is not None:
            return self._series(fields) if is_series(value) else self._row_of(fields)
        if is_series(value):
            return self._positional(np.asarray(value).tolist())
        if is_tensor(value):
            value = array_of(value)
        if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
            return self._positional(value)
        raise DataError(f"a row is a {type(value).__name__}: give rows as mappings.")

    def _series(self, fields: Mapping[Any, Any]) -> Row:
        known = self._known.union(self.given_names)
        if known and known.isdisjoint(fields):
            raise DataError(
                "a Series whose index has none of the features is no row: give a row's values "
                "with the features' names as its index, or a frame."
            )
        return self._row_of(fields)

    def _row_of(self, fields: Mapping[Any, Any]) -> Row:
        if not self._extraction:
            return self.row(fields)
        return self._described_row(flattened(fields, frozenset(self._extraction)))

    def _array(self, array: npt.NDArray[Any]) -> Row | Batch:
        if array.dtype.names is not None:
            return self._columns(records(array, array.dtype.names))
        if array.ndim == 1:
            return self._positional(array)
        if array.ndim != 2 or array.shape[1] != len(self._order) or not self._order:
            raise DataError(
                f"an array of shape {array.shape} cannot be matched with {len(self._order)} "
                "features: give a 2-D array with one column for each input of the baseline, in its "
                "order, or name its columns with Watch(..., feature_names=[...])."
            )
        columns = dict(zip(self._order, transposed(array), strict=True))
        if self._extraction:
            return self._columns(columns)
        return Batch(columns, array.shape[0])

    def _positional(self, values: Sequence[Any] | npt.NDArray[Any]) -> Row:
        if len(values) != len(self._order) or not self._order:
            raise DataError(
                f"{len(values)} values without names cannot be matched with {len(self._order)} "
                "features: give a mapping of feature name to value, or name them with "
                "Watch(..., feature_names=[...])."
            )
        found = tuple(values.tolist() if isinstance(values, np.ndarray) else values)
        if self._arrange is None:
            return self._one(dict(zip(self._order, found, strict=True)))
        return Row(plain_values(self._arrange(found)))

    def _tensors(self, tensors: InferenceTensors) -> Row | Batch:
        """Read tensors by name; a single one of no known name holds the features in their order."""
        columns: dict[str, RawColumn] = {}
        for name, tensor in tensors.items():
            array = np.atleast_1d(tensor) if isinstance(tensor, np.ndarray) else tensor
            is_alone = len(tensors) == 1 and name not in self._known.union(self.given_names)
            if is_alone and isinstance(array, np.ndarray) and array.shape[-1] == len(self._order):
                return self._array(array)
            if isinstance(array, np.ndarray) and array.ndim > 1 and name not in self._extraction:
                if array.shape != (len(array), 1):
                    raise DataError(
                        f"tensor {name!r} has shape {list(array.shape)}: give one of shape [n] or "
                        "[n, 1] for each feature, or one alone with a column for each feature."
                    )
                array = array[:, 0]
            columns[name] = array
        return self._columns(columns)

    def _table(self, table: object) -> Batch:
        return self._columns_of(quick_columns(table))

    def _columns(self, columns: Mapping[Any, Any]) -> Batch:
        readable = {
            name: array_of(column) if is_tensor(column) else column
            for name, column in columns.items()
        }
        return self._columns_of(raw_columns(self._extraction.readable(readable)))

    def _columns_of(self, columns: Mapping[str, RawColumn]) -> Batch:
        """Copy columns, and replace those that become descriptors."""
        rows = len(next(iter(columns.values()), ()))
        found = self._extraction.of_columns(columns)
        for feature, names in self._descriptors.items():
            if feature in columns:
                for name in names:
                    found.setdefault(name, [None] * rows)
        return Batch({name: copied(column) for name, column in found.items()}, rows)

    def _nested(self, mapping: Mapping[Any, Any]) -> tuple[Any, ...] | None:
        """Return the values of a nested row that has exactly the known features, else None."""
        if self._nested_values is None:
            return None
        try:
            return self._nested_values(mapping)
        except (KeyError, TypeError):
            return None

    def _is_bare(self, value: object) -> bool:
        """Tell whether a value is that of the only feature, or a column of such."""
        if len(self._extraction) != 1 or not self._extraction.names.keys() >= {*self.given_names}:
            return False
        if isinstance(value, (list, tuple)):
            return not value or fields_of(value[0]) is None
        if isinstance(value, np.ndarray):
            return value.dtype.names is None
        return not (is_series(value) or hasattr(value, "columns") or hasattr(value, "column_names"))

    def _given_names(self) -> tuple[str, ...]:
        given: dict[str, None] = {}
        for name in self.names:
            of = (feature for feature, names in self._descriptors.items() if name in names)
            given[next(of, name)] = None
        return tuple(given)

    def _arrangement(self) -> Any:
        """Return what brings values in the order of arrays into that of rows; None where needed."""
        if self._extraction or {*self._order} != {*self.names}:
            return None
        if self._order == self.names:
            return tuple
        return itemgetter(*[self._order.index(name) for name in self.names])
