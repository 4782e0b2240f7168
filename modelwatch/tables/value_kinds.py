"""Of which kind the values of a raw column are: numbers, categories, or missing."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

import numpy as np

from modelwatch.tables.compact_columns import CodedColumn, MaskedColumn, RawColumn

__all__ = [
    "ABSENT",
    "BOOLEANS",
    "NULL_NAMES",
    "NUMBER_TYPES",
    "TIMES",
    "KindCounts",
    "holds_text",
    "infer_kind",
    "is_number_type",
    "type_counts",
]


class _Absent(Enum):
    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent.ABSENT
"""Stands for the value of a feature that a row does not have at all."""

NUMBER_TYPES: frozenset[type] = frozenset(
    {float, int, bool, np.bool_}
    | {np.dtype(code).type for code in ("f2", "f4", "f8", "i1", "i2", "i4", "i8")}
    | {np.dtype(code).type for code in ("u1", "u2", "u4", "u8")}
)
BOOLEANS = (bool, np.bool_)
TIMES = (dt.date, dt.timedelta, np.datetime64, np.timedelta64)
NULL_NAMES = frozenset({"NoneType", "NAType", "NaTType"})
"""Names of the types of null, of whichever library."""


@dataclass
class KindCounts:
    """How many values of a raw column are of which kind; adds up over parts of a column.

    Booleans, texts and what a frame declares as categories are categories; null, NaN and `ABSENT`
    are of no kind.

    Attributes:
        numeric: numbers and times.
        categorical: all others.
        texts: texts among the categories.
        numbers: numbers, booleans and times, whether categories or not.
    """

    numeric: int = 0
    categorical: int = 0
    texts: int = 0
    numbers: int = 0

    @classmethod
    def of(cls, values: RawColumn) -> KindCounts:
        """Count the values of a raw column."""
        counts = cls()
        declared = isinstance(values, CodedColumn)
        for kind, rows in type_counts(values).items():
            if kind.__name__ in NULL_NAMES or kind is _Absent:
                continue
            is_number = is_number_type(kind)
            counts.texts += rows * issubclass(kind, str)
            counts.numbers += rows * is_number
            if is_number and not declared and not issubclass(kind, BOOLEANS):
                counts.numeric += rows
            else:
                counts.categorical += rows
        nans = _nan_count(values) if counts.numeric else 0
        counts.numeric -= nans
        counts.numbers -= nans
        return counts

    def __add__(self, other: KindCounts) -> KindCounts:
        return KindCounts(
            self.numeric + other.numeric,
            self.categorical + other.categorical,
            self.texts + other.texts,
            self.numbers + other.numbers,
        )

    @property
    def total(self) -> int:
        """All values of some kind."""
        return self.numeric + self.categorical

    @property
    def is_categorical(self) -> bool:
        """Whether most values are categories."""
        return self.categorical > self.numeric

    @property
    def are_texts(self) -> bool:
        """Whether there are as many texts as numbers, or more."""
        return self.texts >= self.numbers


def infer_kind(values: RawColumn) -> Literal["numeric", "categorical"]:
    """Tell whether a raw column holds numbers (or times) or categories; the majority decides."""
    return "categorical" if KindCounts.of(values).is_categorical else "numeric"


def holds_text(values: RawColumn) -> bool:
    """Tell whether the categories of a raw column are mostly texts (not numbers or booleans)."""
    return KindCounts.of(values).are_texts


def type_counts(values: RawColumn) -> Counter[type]:
    """Count a raw column's values by their type."""
    if isinstance(values, CodedColumn):
        counts: Counter[type] = Counter()
        for code, rows in zip(*map(np.ndarray.tolist, values.used()), strict=True):
            counts[type(values.values[code])] += rows
        return counts + Counter({type(None): values.nulls})
    if isinstance(values, MaskedColumn):
        nulls = int(values.nulls.sum())
        return +Counter({values.values.dtype.type: len(values) - nulls, type(None): nulls})
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return Counter({values.dtype.type: len(values)})
    return Counter(map(type, values))


def is_number_type(kind: type) -> bool:
    """Tell whether values of a type can be read as numbers, as those of times can."""
    if kind in NUMBER_TYPES or issubclass(kind, TIMES):
        return True
    return hasattr(kind, "__float__") and not issubclass(kind, (str, bytes, np.ndarray))


def _nan_count(values: RawColumn) -> int:
    array = values.values[~values.nulls] if isinstance(values, MaskedColumn) else values
    if isinstance(array, np.ndarray) and array.dtype.kind != "O":
        return int(np.isnan(array).sum()) if array.dtype.kind == "f" else 0
    return sum(1 for value in array if isinstance(value, (float, np.floating)) and value != value)
