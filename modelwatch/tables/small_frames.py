"""Columns of data frames of few rows, read as a whole.

What a data frame does for each column costs 10 to 200 microseconds, however few rows it has; a
frame of some rows and 20 columns is therefore read in one go.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from modelwatch.tables.compact_columns import CodedColumn
from modelwatch.tables.value_kinds import NULL_NAMES

__all__ = ["FEW_ROWS", "columns_of_small_frame", "is_small_frame"]

FEW_ROWS: Final = 512
"""Rows up to which a Python object for each value costs less than reading column by column."""

SmallColumns = dict[str, Any]

_FRAMES: Final = {
    "pandas": ("DataFrame",),
    "polars": ("DataFrame",),
    "pyarrow": ("Table", "RecordBatch"),
}

_NUMBER_KINDS: Final = "fiu"

_BY_THEMSELVES: Final = ("dictionary<", "struct<")
"""Types of columns of pandas whose objects are not what the column holds."""


def is_small_frame(data: object) -> bool:
    """Tell whether data is a pandas or polars frame or an arrow table of few rows."""
    for library, names in _FRAMES.items():
        module = sys.modules.get(library)
        if module is not None and isinstance(data, tuple(getattr(module, name) for name in names)):
            return 0 < _rows(data) <= FEW_ROWS
    return False


def columns_of_small_frame(data: Any) -> SmallColumns | None:
    """Return the columns of a frame of few rows, as lists where `columns_of_frame` has arrays.

    Nulls, NaN and categories are told apart as there.

    Args:
        data: what `is_small_frame` says is one; column names are texts, none of them twice.

    Returns:
        None where it has columns that are read better by themselves.
    """
    if hasattr(data, "get_columns"):
        return _of_polars(data)
    return _of_arrow(data) if hasattr(data, "schema") else _of_pandas(data)


def _rows(frame: Any) -> int:
    return int(frame.num_rows) if hasattr(frame, "num_rows") else len(frame)


def _of_pandas(frame: Any) -> SmallColumns | None:
    names, kinds = frame.columns.tolist(), frame.dtypes.tolist()
    if any(str(kind).startswith(_BY_THEMSELVES) for kind in set(kinds)):
        return None
    kind = kinds[0] if len(set(kinds)) == 1 else None
    if isinstance(kind, np.dtype) and kind.kind in _NUMBER_KINDS:
        return dict(zip(names, frame.to_numpy().T.copy(), strict=True))
    values = frame.to_numpy(dtype=object).T.tolist()
    return {
        name: column if isinstance(kind, np.dtype) else _of_extension(column, kind, frame, place)
        for place, (name, kind, column) in enumerate(zip(names, kinds, values, strict=True))
    }


def _of_extension(column: list[Any], kind: Any, frame: Any, place: int) -> Any:
    """Return a column of one of pandas' own types, in which a missing text is a null, not NaN."""
    words = str(kind)
    if words == "category":
        series = frame.iloc[:, place]
        codes = np.asarray(series.cat.codes, dtype=np.int64)
        return CodedColumn(series.cat.categories.tolist(), codes)
    if words.startswith(("str", "large_string")):
        return [value if isinstance(value, str) else None for value in column]
    if words in {"boolean", "bool[pyarrow]"}:
        values = [None if type(value).__name__ in NULL_NAMES else value for value in column]
        return CodedColumn([False, True], _codes_of_booleans(values))
    return column


def _codes_of_booleans(values: Sequence[bool | None]) -> Any:
    return np.array([-1 if value is None else int(value) for value in values], dtype=np.int8)


def _of_polars(frame: Any) -> SmallColumns | None:
    polars = sys.modules["polars"]
    if any(isinstance(kind, (polars.Struct, polars.Object)) for kind in frame.dtypes):
        return None
    return {series.name: series.to_list() for series in frame.get_columns()}


def _of_arrow(table: Any) -> SmallColumns | None:
    types, kinds = sys.modules["pyarrow"].types, table.schema.types
    if any(types.is_nested(kind) or types.is_dictionary(kind) for kind in kinds):
        return None
    columns = [column.to_pylist() for column in table.columns]
    return dict(zip(table.column_names, columns, strict=True))
