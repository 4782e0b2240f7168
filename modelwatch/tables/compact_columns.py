"""Raw columns that frames hold in fewer bytes than one Python object a row.

Both are sequences of one value a row, so that whatever reads a list reads them; what knows them
reads a million rows without making a million objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, overload

import numpy as np
import numpy.typing as npt

__all__ = ["CodedColumn", "MaskedColumn", "RawColumn", "concatenated", "taken"]

RawColumn = Sequence[Any] | npt.NDArray[Any]
"""One value a row."""

_EARLY_ROWS = 4_096
_COUNTED_AT_ONCE = 65_536
"""Codes as many as stay in the processor's cache while they are counted."""

IntArray = npt.NDArray[np.signedinteger[Any]]
Positions = npt.NDArray[np.intp]


class CodedColumn(Sequence[Any]):
    """Few distinct values, and for each row which of them it has. Immutable.

    Args:
        values: the distinct values, shape (k,).
        codes: places in `values`, shape (n,); -1 where the row has no value (None).
        is_own: whether nobody else has the codes, so that nobody can change them.

    >>> column = CodedColumn(["a", "b"], np.array([1, 0, -1, 1]))
    >>> list(column), column[0], len(column)
    (['b', 'a', None, 'b'], 'b', 4)
    """

    __slots__ = ("_counts", "codes", "is_own", "values")

    def __init__(self, values: Sequence[Any], codes: IntArray, *, is_own: bool = False) -> None:
        self.values = list(values)
        self.codes = codes
        self.is_own = is_own
        self._counts: Positions | None = None  # once they were asked for

    def __len__(self) -> int:
        return int(self.codes.size)

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> CodedColumn: ...
    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return CodedColumn(self.values, self.codes[at]).compact()
        code = int(self.codes[at])
        return self.values[code] if code >= 0 else None

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def tolist(self) -> list[Any]:
        """Return one value a row."""
        padded = np.empty(len(self.values) + 1, dtype=object)
        padded[:-1] = self._objects()
        return list(padded[self.codes].tolist())

    def compact(self) -> CodedColumn:
        """Return the same rows without values that no row has, where those are the most."""
        if len(self.values) <= max(self.codes.size, 1):
            return self
        used, codes = np.unique(self.codes, return_inverse=True)
        missing = int(used.size and used[0] < 0)
        values = [self.values[code] for code in used[missing:].tolist()]
        return CodedColumn(values, codes.astype(np.int64) - missing)

    def take(self, order: Positions) -> CodedColumn:
        """Return the rows at these positions."""
        return CodedColumn(self.values, self.codes[order])

    def renamed(self, values: Sequence[Any]) -> CodedColumn:
        """Return the same rows by other values, one for each, in their order."""
        column = CodedColumn(values, self.codes)
        column._counts = self._counts
        return column

    @property
    def nulls(self) -> int:
        """How many rows have no value."""
        return int(self._counted()[0])

    def used(self) -> tuple[Positions, Positions]:
        """Return the codes that rows have, in the order of their first row, and rows of each."""
        counts = self.rows_by_code()
        found = np.flatnonzero(counts)
        # The first rows have all of a few values, most often, and in their order.
        early = [code for code in dict.fromkeys(self.codes[:_EARLY_ROWS].tolist()) if code >= 0]
        if len(early) == found.size:
            found = np.array(early, dtype=np.intp)
        else:
            rows = self.codes.size
            first = np.full(len(self.values) + 1, rows)
            first[self.codes[::-1]] = np.arange(rows)[::-1]
            found = found[np.argsort(first[found], kind="stable")]
        return found, counts[found]

    def rows_by_code(self) -> Positions:
        """Return how many rows have each value, shape (k,)."""
        return self._counted()[1:]

    def _counted(self) -> Positions:
        """Return how many rows have no value, then how many each; counted once."""
        if self._counts is None:
            size = len(self.values) + 1
            step = max(_COUNTED_AT_ONCE, size)
            counts = np.zeros(size, dtype=np.intp)
            for start in range(0, self.codes.size, step):
                counts += _counts_of(self.codes[start : start + step], size)
            self._counts = counts
        return self._counts

    def _objects(self) -> npt.NDArray[Any]:
        objects = np.empty(len(self.values), dtype=object)
        for place, value in enumerate(self.values):
            objects[place] = value
        return objects


def _counts_of(codes: IntArray, size: int) -> Positions:
    """Return how many codes are -1, 0, 1 and so on, shape (size,)."""
    try:
        found = np.bincount(codes, minlength=size - 1)
    except ValueError:  # some are -1; to look for them first takes longer
        return np.bincount(np.add(codes, 1, dtype=np.intp), minlength=size)
    return np.concatenate([[0], found])


class MaskedColumn(Sequence[Any]):
    """Numbers or times, of which some are null. Immutable.

    Args:
        values: shape (n,), of a numeric or time dtype; any value where null.
        nulls: which rows have none, shape (n,).

    >>> list(MaskedColumn(np.array([1.5, 0.0]), np.array([False, True])))
    [1.5, None]
    """

    __slots__ = ("nulls", "values")

    def __init__(self, values: npt.NDArray[Any], nulls: npt.NDArray[np.bool_]) -> None:
        self.values = values
        self.nulls = nulls

    def __len__(self) -> int:
        return int(self.values.size)

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> MaskedColumn: ...
    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return MaskedColumn(self.values[at], self.nulls[at])
        return None if self.nulls[at] else self.values[at]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def tolist(self) -> list[Any]:
        """Return one value a row."""
        rows = zip(self.values.tolist(), self.nulls.tolist(), strict=True)
        return [None if null else value for value, null in rows]

    def take(self, order: Positions) -> MaskedColumn:
        """Return the rows at these positions."""
        return MaskedColumn(self.values[order], self.nulls[order])


def taken(values: RawColumn, order: Positions) -> RawColumn:
    """Return the rows of a raw column at these positions."""
    if isinstance(values, np.ndarray):
        return values[order]
    if isinstance(values, (CodedColumn, MaskedColumn)):
        return values.take(order)
    return [values[index] for index in order.tolist()]


def concatenated(parts: Sequence[RawColumn]) -> RawColumn:
    """Return raw columns one after the other, compact where all of them are alike.

    >>> parts = [CodedColumn(["a"], np.array([0])), CodedColumn(["b", "a"], np.array([0, 1]))]
    >>> list(concatenated(parts))
    ['a', 'b', 'a']
    """
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, CodedColumn) for part in parts):
        return _coded([part for part in parts if isinstance(part, CodedColumn)])
    kinds = {_dtype_kind(part) for part in parts}
    if len(kinds) > 1 or kinds <= {None}:
        return list(chain.from_iterable(_listed(part) for part in parts))
    if any(isinstance(part, MaskedColumn) for part in parts):
        masked = [
            part
            if isinstance(part, MaskedColumn)
            else MaskedColumn(np.asarray(part), np.zeros(len(part), dtype=bool))
            for part in parts
        ]
        return MaskedColumn(
            np.concatenate([part.values for part in masked]),
            np.concatenate([part.nulls for part in masked]),
        )
    return np.concatenate([np.asarray(part) for part in parts])


def _coded(parts: Sequence[CodedColumn]) -> CodedColumn:
    """Bring all onto one list of values; 1, 1.0 and True are three."""
    place: dict[tuple[type, Any], int] = {}
    codes: list[IntArray] = []
    for part in parts:
        new = [place.setdefault((type(value), value), len(place)) for value in part.values]
        codes.append(np.array([*new, -1], dtype=np.int64)[part.codes])
    return CodedColumn([value for _, value in place], np.concatenate(codes))


def _dtype_kind(part: RawColumn) -> str | None:
    """Return the sort of numbers or times that an array holds; None where it is no such array."""
    array = part.values if isinstance(part, MaskedColumn) else part
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiuMm":
        return None
    return array.dtype.kind


def _listed(part: RawColumn) -> list[Any]:
    if isinstance(part, (np.ndarray, CodedColumn, MaskedColumn)):
        return list(part.tolist())
    return list(part)
