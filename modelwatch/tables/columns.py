"""Raw columns in, columns of numbers or categories out.

A *raw column* is a numpy array, list, tuple or compact column with one value a row, as
`tables.raw_columns` makes them of a table. `numeric_column` and `categorical_column` make it
usable and count what is missing, by reason.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from modelwatch.lazy import cached_property
from modelwatch.tables.compact_columns import CodedColumn, MaskedColumn, RawColumn
from modelwatch.tables.value_kinds import (
    ABSENT,
    BOOLEANS,
    NULL_NAMES,
    NUMBER_TYPES,
    TIMES,
    is_number_type,
)

__all__ = [
    "ABSENT",
    "CategoricalColumn",
    "NumericColumn",
    "RawColumn",
    "categorical_column",
    "category_key",
    "numeric_column",
]

FloatArray = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
MissingReason = Literal["null", "nan", "inf", "absent", "wrong_type"]


_PLAIN_TYPES = frozenset({str, int, float, bool, type(None)})
_NUMBER_OR_NONE = NUMBER_TYPES | {type(None)}
_LARGEST = 1e140
"""Numbers beyond are taken as infinite: their squares would leave the range of a double."""


@dataclass(frozen=True)
class NumericColumn:
    """Numbers, row by row: finite, or NaN where the value is missing for one of the reasons."""

    values: FloatArray
    missing: Mapping[MissingReason, int]

    def __len__(self) -> int:
        return self.values.size

    @cached_property
    def finite(self) -> FloatArray:
        """The values that are there."""
        return self.values[~np.isnan(self.values)] if self.missing else self.values

    @cached_property
    def extent(self) -> tuple[float, float]:
        """The smallest and the largest value that are there; infinity and its negative if none."""
        finite = self.finite
        return float(finite.min(initial=math.inf)), float(finite.max(initial=-math.inf))


@dataclass(frozen=True)
class CategoricalColumn:
    """Category keys, row by row, and how many rows have none for which of the reasons."""

    values: list[str | None] | CodedColumn
    missing: Mapping[MissingReason, int]

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def keys(self) -> list[str | None]:
        """The keys; None where the value is missing."""
        return self.values.tolist() if isinstance(self.values, CodedColumn) else self.values

    @cached_property
    def counts(self) -> Counter[str]:
        """Rows by key, in the order in which the keys come first."""
        counts: Counter[str] = Counter()
        if isinstance(self.values, CodedColumn):
            names = self.values.values
            for code, rows in zip(*map(np.ndarray.tolist, self.values.used()), strict=True):
                counts[names[code]] += rows
            return counts
        keys: Counter[str | None] = Counter(self.values)
        del keys[None]
        counts.update(cast("Mapping[str, int]", keys))
        return counts

    def codes(self, places: Mapping[str, int], other: int) -> Codes:
        """Return a number for each row: the place of its key, `other` without one, -1 if missing.

        Args:
            places: number by key.
            other: the number of all other keys.
        """
        if isinstance(self.values, CodedColumn):
            table = [places.get(name, other) for name in self.values.values]
            return np.array([*table, -1], dtype=np.intp)[self.values.codes]
        codes = [-1 if key is None else places.get(key, other) for key in self.values]
        return np.array(codes, dtype=np.intp)


def category_key(value: object) -> str:
    """Return the text under which a category is counted.

    Half of a surrogate pair, which no file can hold, is written as the escape that it has in JSON.

    >>> category_key("AA"), category_key(True), category_key(np.int64(3)), category_key(3.0)
    ('AA', 'true', '3', '3')
    """
    if isinstance(value, BOOLEANS):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    key = str(value)
    return key if key.isascii() else _writable(key)


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
    if isinstance(values, CodedColumn):
        return _numbers_of_codes(values)
    array = _number_array(values.values if isinstance(values, MaskedColumn) else values)
    missing: Counter[MissingReason] = Counter()
    if array is None:
        numbers = [_number(value) for value in values]
        array, missing = _separated(numbers)
    else:
        if isinstance(values, MaskedColumn):
            array = np.where(values.nulls, np.nan, array)
        column = NumericColumn(array, {})
        low, high = column.extent  # NaN where any number is
        if low >= -_LARGEST and high <= _LARGEST:
            return column
        nulls = _null_count(values)
        missing.update({"null": nulls, "nan": int(np.isnan(array).sum()) - nulls})
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
    if not isinstance(values, CodedColumn):
        items: list[Any] = list(values) if isinstance(values, (list, tuple)) else _listed(values)
        kinds = set(map(type, items))
        if text is not False and kinds <= {str} and _are_writable(items):
            return CategoricalColumn(items, {})
        values = _coded(items, kinds)
    if isinstance(values, CodedColumn):
        return _keys_of_codes(values, text, aliases or {})
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


def _writable(key: str) -> str:
    return key.encode("utf-8", "backslashreplace").decode("utf-8")


def _are_writable(keys: list[str]) -> bool:
    try:
        "".join(keys).encode()
    except UnicodeEncodeError:
        return False
    return True


def _listed(values: RawColumn) -> list[Any]:
    return list(values.tolist() if isinstance(values, (np.ndarray, MaskedColumn)) else values)


def _coded(items: list[Any], kinds: set[type]) -> CodedColumn | list[Any]:
    """Find the distinct values once where equal ones are alike, as 1, 1.0 and True are not."""
    if len(kinds - {type(None)}) != 1 or not kinds <= _PLAIN_TYPES:
        return items
    place = {value: code for code, value in enumerate(dict.fromkeys(items)) if value is not None}
    values = list(place)
    place = {value: code for code, value in enumerate(values)}
    place[None] = -1
    return CodedColumn(values, np.array([place[value] for value in items], dtype=np.intp))


def _keys_of_codes(
    column: CodedColumn, text: bool | None, aliases: Mapping[str, str]
) -> CategoricalColumn:
    """Read each distinct value once."""
    names: list[str] = []
    table: list[int] = []
    missing: Counter[MissingReason] = Counter({"null": column.nulls})
    reasons = [_category_missing(value, text) for value in column.values]
    is_whole = not any(reasons)
    rows = [0] * len(reasons) if is_whole else column.rows_by_code().tolist()
    for value, reason, count in zip(column.values, reasons, rows, strict=True):
        if reason is not None:
            missing[reason] += count
            table.append(-1)
            continue
        key = category_key(value)
        table.append(len(names))
        names.append(aliases.get(key, key))
    if is_whole:
        return CategoricalColumn(column.renamed(names), +missing)
    codes = np.array([*table, -1], dtype=np.intp)[column.codes]
    return CategoricalColumn(CodedColumn(names, codes), +missing)


def _numbers_of_codes(column: CodedColumn) -> NumericColumn:
    """Read each distinct value once."""
    rows = column.rows_by_code().tolist()
    numbers = [*(_number(value) for value in column.values), _number(None)]
    array, missing = _separated(numbers, [*rows, column.nulls])
    far = np.abs(array) > _LARGEST
    missing["inf"] += sum(n for n, is_far in zip([*rows, 0], far.tolist(), strict=True) if is_far)
    return NumericColumn(np.where(far, np.nan, array)[column.codes], +missing)


def _separated(
    numbers: Sequence[float | MissingReason], rows: Sequence[int] | None = None
) -> tuple[FloatArray, Counter[MissingReason]]:
    """Return numbers, NaN where there is none, and rows by the reason for which there is none."""
    missing: Counter[MissingReason] = Counter()
    values = np.empty(len(numbers))
    for place, number in enumerate(numbers):
        reason = number if not isinstance(number, float) else "nan" if number != number else None
        if reason is not None:
            missing[reason] += 1 if rows is None else rows[place]
        values[place] = number if isinstance(number, float) else math.nan
    return values, missing


def _null_count(values: RawColumn) -> int:
    if isinstance(values, MaskedColumn):
        return int(values.nulls.sum())
    return 0 if isinstance(values, np.ndarray) else values.count(None)


def _number_array(values: RawColumn) -> FloatArray | None:
    """Convert as a whole where every value is a number or None; None where one is neither."""
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        if values.dtype.kind in "fiub":
            return values.astype(np.float64, copy=False)
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
    if kind.__name__ in NULL_NAMES:
        return "null"
    if is_number_type(kind):
        try:
            return _seconds(value) if isinstance(value, TIMES) else float(value)
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


def _category_missing(value: Any, text: bool | None) -> MissingReason | None:
    if value is ABSENT:
        return "absent"
    if type(value).__name__ in NULL_NAMES:
        return "null"
    if isinstance(value, (float, np.floating)) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf"
    if isinstance(value, str):
        return "wrong_type" if text is False else None
    scalar = not isinstance(value, (bytes, Mapping, Sequence, set, np.ndarray))
    return None if scalar and not text else "wrong_type"
