"""Tables of any kind in, columns of numbers or categories out.

A *raw column* is a numpy array, list or tuple with one value a row. `raw_columns` makes raw
columns of a table; `numeric_column` and `categorical_column` make a raw column usable and count
what is missing, by reason.
"""

from __future__ import annotations

import datetime as dt
import math
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from modelwatch.data_files import read_data_file
from modelwatch.errors import DataError, SchemaError

__all__ = [
    "ABSENT",
    "CategoricalColumn",
    "NumericColumn",
    "RawColumn",
    "categorical_column",
    "category_key",
    "holds_text",
    "infer_kind",
    "load_columns",
    "numeric_column",
    "raw_columns",
]

RawColumn = Sequence[Any] | npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]
MissingReason = Literal["null", "nan", "inf", "absent", "wrong_type"]


class _Absent(Enum):
    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent.ABSENT
"""Stands for the value of a feature that a row does not have at all."""

_NUMBER_TYPES: frozenset[type] = frozenset(
    {float, int, bool, np.bool_}
    | {np.dtype(code).type for code in ("f2", "f4", "f8", "i1", "i2", "i4", "i8")}
    | {np.dtype(code).type for code in ("u1", "u2", "u4", "u8")}
)
_NUMBER_OR_NONE = _NUMBER_TYPES | {type(None)}
_BOOLEANS = (bool, np.bool_)
_TIMES = (dt.date, dt.timedelta, np.datetime64, np.timedelta64)
_LARGEST = 1e140
"""Numbers beyond are taken as infinite: their squares would leave the range of a double."""
_NULL_NAMES = frozenset({"NoneType", "NAType", "NaTType"})


@dataclass(frozen=True)
class NumericColumn:
    """Numbers, row by row: finite, or NaN where the value is missing for one of the reasons."""

    values: FloatArray
    missing: Mapping[MissingReason, int]

    @property
    def finite(self) -> FloatArray:
        """The values that are there."""
        return self.values[~np.isnan(self.values)] if self.missing else self.values


@dataclass(frozen=True)
class CategoricalColumn:
    """Category keys, row by row: None where the value is missing for one of the reasons."""

    keys: list[str | None]
    missing: Mapping[MissingReason, int]

    @property
    def present(self) -> list[str]:
        """The keys that are there."""
        return [key for key in self.keys if key is not None]


def category_key(value: object) -> str:
    """Return the text under which a category is counted.

    >>> category_key("AA"), category_key(True), category_key(np.int64(3)), category_key(3.0)
    ('AA', 'true', '3', '3')
    """
    if isinstance(value, _BOOLEANS):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def raw_columns(data: object) -> dict[str, RawColumn]:
    """Return a table's columns by name.

    Args:
        data: a pandas or polars frame, a pyarrow table or record batch, a mapping of column name
            to values, or a sequence of mappings (rows; keys that a row lacks are `ABSENT`).

    Raises:
        SchemaError: where two columns have one name, a name is no text, or lengths differ.
        DataError: where the data is none of these.
    """
    if isinstance(data, Mapping):
        columns = {name: _as_sequence(values, name) for name, values in data.items()}
    elif isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        columns = _columns_of_rows(data)
    else:
        columns = _columns_of_frame(data)
    _check_columns(columns)
    return columns


def load_columns(data: object) -> dict[str, RawColumn]:
    """Return a table's columns by name; a text or path names a CSV, Parquet or Arrow file.

    Not for data that a service's clients send: `raw_columns` opens no file.

    Raises:
        SchemaError: see `raw_columns`.
        DataError: where the data is no table, or the file cannot be read.
    """
    if isinstance(data, (str, os.PathLike)):
        data = read_data_file(Path(data))
    return raw_columns(data)


def infer_kind(values: RawColumn) -> Literal["numeric", "categorical"]:
    """Tell whether a raw column holds numbers (or times) or categories.

    Booleans and texts are categories. Of mixed values the majority that is not missing decides.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return "numeric" if values.dtype.kind in "fiuMm" else "categorical"
    numeric = categorical = 0
    for kind, count in Counter(map(type, values)).items():
        if kind.__name__ in _NULL_NAMES or kind is _Absent:
            continue
        if _is_number_type(kind) and not issubclass(kind, _BOOLEANS):
            numeric += count
        else:
            categorical += count
    return "categorical" if categorical > numeric else "numeric"


def holds_text(values: RawColumn) -> bool:
    """Tell whether the categories of a raw column are mostly texts (not numbers or booleans)."""
    kinds = Counter(map(type, values))
    texts = sum(count for kind, count in kinds.items() if issubclass(kind, str))
    others = sum(count for kind, count in kinds.items() if kind in _NUMBER_TYPES)
    return texts >= others


def numeric_column(values: RawColumn) -> NumericColumn:
    """Read a raw column as numbers.

    Args:
        values: numbers, booleans (0 or 1), dates and times (seconds since 1970, UTC where they
            name no zone), durations (seconds) and missing values.

    Returns:
        The finite values; None is counted missing as `null`, NaN as `nan`, infinities and numbers
        beyond 1e140 as `inf`, `ABSENT` as `absent`, all that is no number (a text of digits too)
        as `wrong_type`.
    """
    array = _number_array(values)
    missing: Counter[MissingReason] = Counter()
    if array is None:
        numbers: list[float] = []
        for value in values:
            number = _number(value)
            if not isinstance(number, float):
                missing[number] += 1
                number = math.nan
            elif math.isnan(number):
                missing["nan"] += 1
            numbers.append(number)
        array = np.array(numbers, dtype=np.float64)
    else:
        nulls = 0 if isinstance(values, np.ndarray) else values.count(None)
        nans = int(np.isnan(array).sum()) - nulls
        missing.update({"null": nulls, "nan": nans})
    infinite = np.abs(array) > _LARGEST
    if infinite.any():
        missing["inf"] += int(infinite.sum())
        array = np.where(infinite, np.nan, array)
    return NumericColumn(array, +missing)


def categorical_column(
    values: RawColumn, *, text: bool | None = None, aliases: Mapping[str, str] | None = None
) -> CategoricalColumn:
    """Read a raw column as categories.

    Args:
        values: texts, numbers, booleans and missing values.
        text: True where only texts are right, False where only numbers and booleans are; the
            others are then counted missing as `wrong_type`. None takes both.
        aliases: keys that stand for others, as "1" may for "true".
    """
    items: list[Any] = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if text is not False and set(map(type, items)) <= {str}:
        return CategoricalColumn(items, {})
    missing: Counter[MissingReason] = Counter()
    keys: list[str | None] = []
    for value in items:
        reason = _category_missing(value, text)
        if reason is not None:
            missing[reason] += 1
        keys.append(category_key(value) if reason is None else None)
    if aliases:
        keys = [key if key is None else aliases.get(key, key) for key in keys]
    return CategoricalColumn(keys, missing)


def _number_array(values: RawColumn) -> FloatArray | None:
    """Convert as a whole where every value is a number or None; None where one is neither."""
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        if values.dtype.kind in "fiub":
            return values.astype(np.float64)
        if values.dtype.kind in "Mm":
            unit = "datetime64[us]" if values.dtype.kind == "M" else "timedelta64[us]"
            seconds = values.astype(unit).astype(np.float64) / 1e6
            return np.where(np.isnat(values), np.nan, seconds)
        return None
    if isinstance(values, np.ndarray) or not set(map(type, values)) <= _NUMBER_OR_NONE:
        return None
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:
        return None


def _number(value: Any) -> float | MissingReason:
    kind = type(value)
    if value is ABSENT:
        return "absent"
    if kind.__name__ in _NULL_NAMES:
        return "null"
    if _is_number_type(kind):
        try:
            return _seconds(value) if isinstance(value, _TIMES) else float(value)
        except OverflowError:
            return "inf"
        except (TypeError, ValueError):
            return "wrong_type"
    return "wrong_type"


def _seconds(value: dt.date | dt.timedelta | np.datetime64 | np.timedelta64) -> float:
    """Return Unix seconds, or a duration's; NaN for NaT."""
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, np.datetime64):
        value = value - np.datetime64(0, "s")
    if isinstance(value, np.timedelta64):
        return float(value / np.timedelta64(1, "s"))
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    return (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).timestamp()


def _is_number_type(kind: type) -> bool:
    if kind in _NUMBER_TYPES or issubclass(kind, _TIMES):
        return True
    return hasattr(kind, "__float__") and not issubclass(kind, (str, bytes, np.ndarray))


def _category_missing(value: Any, text: bool | None) -> MissingReason | None:
    if value is ABSENT:
        return "absent"
    if type(value).__name__ in _NULL_NAMES:
        return "null"
    if isinstance(value, (float, np.floating)) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf"
    if isinstance(value, str):
        return "wrong_type" if text is False else None
    scalar = not isinstance(value, (bytes, Mapping, Sequence, set, np.ndarray))
    return None if scalar and not text else "wrong_type"


def _as_sequence(values: object, name: object) -> RawColumn:
    if isinstance(values, np.ma.MaskedArray):
        return list(values.tolist())
    if isinstance(values, (np.ndarray, list, tuple)):
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
    wrong = next((index for index, row in enumerate(rows) if not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise DataError(
            f"row {wrong} is a {type(rows[wrong]).__name__}: give rows as mappings of feature name "
            "to value, or a frame, or a mapping of arrays."
        )
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name, ABSENT) for row in rows] for name in names}


def _columns_of_frame(data: Any) -> dict[str, RawColumn]:
    import narwhals.stable.v2 as nw

    if type(data).__name__ == "RecordBatch":
        return _columns_of_frame(sys.modules["pyarrow"].Table.from_batches([data]))
    _check_names(getattr(data, "column_names", getattr(data, "columns", ())))
    try:
        frame = nw.from_native(data, eager_only=True)
    except TypeError:
        raise DataError(
            f"cannot read a {type(data).__name__}: give a pandas or polars frame, a pyarrow table, "
            "a mapping of arrays or a list of mappings."
        ) from None
    return {name: _values_of_series(frame[name]) for name in frame.columns}


def _values_of_series(series: Any) -> RawColumn:
    """Return a frame's column; nulls stay apart from NaN where the frame keeps them apart."""
    dtype = series.dtype
    if dtype.is_numeric() and not dtype.is_decimal() and not series.null_count():
        return np.asarray(series.to_numpy())
    return list(series.to_list())


def _check_names(names: Iterable[Any]) -> None:
    for name, count in Counter(list(names)).items():
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
