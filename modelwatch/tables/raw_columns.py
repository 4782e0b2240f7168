"""Tables of any kind in, raw columns by name out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from modelwatch.errors import DataError, SchemaError
from modelwatch.tables.columns import ABSENT
from modelwatch.tables.compact_columns import CodedColumn, MaskedColumn, RawColumn
from modelwatch.tables.fields import attributes_of, flattened
from modelwatch.tables.frames import column_names, columns_of_frame
from modelwatch.tables.small_frames import columns_of_small_frame, is_small_frame

__all__ = ["quick_columns", "raw_columns"]


def raw_columns(data: object) -> dict[str, RawColumn]:
    """Return a table's columns by name.

    Args:
        data: a pandas or polars frame, a pyarrow table or record batch, a mapping of column name
            to values, or a sequence of rows: mappings, pydantic models, dataclasses or named tuples
            (keys that a row lacks are `ABSENT`). Nested fields have dotted names.

    Raises:
        SchemaError: where two columns have one name, a name is no text, or lengths differ.
        DataError: where the data is none of these.
    """
    if isinstance(data, Mapping):
        columns: dict[str, RawColumn] = {
            name: _as_sequence(values, name) for name, values in flattened(data).items()
        }
    elif isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        columns = _columns_of_rows(data)
    else:
        _check_names(column_names(data))
        columns = dict(columns_of_frame(data))
    _check_columns(columns)
    return columns


def quick_columns(data: object) -> dict[str, RawColumn]:
    """Return a table's columns by name, as `raw_columns` does.

    Of a frame of few rows they are lists of Python objects, which say the same and are had in a
    tenth of the time.

    Args:
        data: as for `raw_columns`.

    Raises:
        SchemaError: likewise.
        DataError: likewise.
    """
    few = None
    if is_small_frame(data):
        _check_names(column_names(data))
        few = columns_of_small_frame(data)
    return raw_columns(data) if few is None else few


def _as_sequence(values: object, name: object) -> RawColumn:
    if isinstance(values, np.ma.MaskedArray):
        return list(values.tolist())
    if isinstance(values, (np.ndarray, list, tuple, CodedColumn, MaskedColumn)):
        return values
    if hasattr(values, "to_pylist"):
        return list(values.to_pylist())
    if hasattr(values, "to_numpy"):
        return np.asarray(values.to_numpy())
    if isinstance(values, Sequence) and not isinstance(values, (str, bytes)):
        return list(values)
    raise DataError(
        f"column {name!r} is a {type(values).__name__}: give an array or a list, one value a row."
    )


def _columns_of_rows(rows: Sequence[Any]) -> dict[str, RawColumn]:
    found = [_fields(row, place) for place, row in enumerate(rows)]
    names = dict.fromkeys(name for fields in found for name in fields)
    return {name: [fields.get(name, ABSENT) for fields in found] for name in names}


def _fields(row: object, place: int) -> Mapping[Any, Any]:
    fields = attributes_of(row)
    if fields is None:
        raise DataError(
            f"row {place} is a {type(row).__name__}: give rows as mappings of feature name to "
            "value, or a frame, or a mapping of arrays."
        )
    return flattened(fields)


def _check_names(names: Iterable[Any]) -> None:
    names = list(names)
    if len(set(names)) == len(names) and set(map(type, names)) <= {str}:
        return
    for name, count in Counter(names).items():
        if not isinstance(name, str):
            raise SchemaError(f"column name {name!r} is no text: rename it, as in {str(name)!r}.")
        if count > 1:
            raise SchemaError(f"{count} columns are named {name!r}: names must be unique.")


def _check_columns(columns: Mapping[Any, RawColumn]) -> None:
    _check_names(columns)
    for name, values in columns.items():
        if isinstance(values, np.ndarray) and values.ndim != 1:
            raise SchemaError(
                f"column {name!r} has shape {values.shape}: give one value a row; split it into "
                "columns of their own."
            )
    lengths: dict[str, int] = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        shortest = min(lengths, key=lengths.__getitem__)
        longest = max(lengths, key=lengths.__getitem__)
        raise SchemaError(
            f"columns differ in length: {shortest!r} has {lengths[shortest]} rows, "
            f"{longest!r} has {lengths[longest]}."
        )
