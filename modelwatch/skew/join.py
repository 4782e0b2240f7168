"""Which row of one table belongs to which of the other."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelwatch.errors import DataError, SchemaError
from modelwatch.skew.shelf import Shelf
from modelwatch.skew.types import alike
from modelwatch.skew.values import Column, Rows

__all__ = ["Join", "OneSide", "code_together", "join", "near_name"]

Codes = npt.NDArray[np.int64]

MOST_EXAMPLES: Final = 3


@dataclass(frozen=True, kw_only=True)
class OneSide:
    """What of one table has no partner in the other.

    Attributes:
        rows: all of them.
        alone: keys that only this table has.
        repeated: keys that come more than once in this table; none of their rows is compared.
        without_key: rows in which a part of the key is missing.
        alone_examples: some keys that only this table has.
        repeated_examples: some keys that come more than once.
    """

    rows: int
    alone: int
    repeated: int
    without_key: int
    alone_examples: tuple[Any, ...] = ()
    repeated_examples: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Join:
    """Rows that belong together, in the order of the served table.

    Attributes:
        served_rows: places in the served table.
        recomputed_rows: places in the recomputed one, row by row.
        served: what of the served table has no partner.
        recomputed: likewise.
        notes: what was done to make the keys alike, in sentences.
        keys: the served table's key columns.
    """

    served_rows: Rows
    recomputed_rows: Rows
    served: OneSide
    recomputed: OneSide
    notes: tuple[str, ...]
    keys: tuple[Column, ...]

    @property
    def rows(self) -> int:
        """How many pairs there are."""
        return int(self.served_rows.size)

    def key_of(self, pair: int) -> Any:
        """Return the key of one pair: a value, or a tuple where several columns make the key."""
        return _key_at(self.keys, int(self.served_rows[pair]))


def join(served: Shelf, recomputed: Shelf, key: Sequence[str]) -> Join:
    """Match rows by key. Keys that come more than once on a side are left out: see `OneSide`.

    Args:
        served: one table.
        recomputed: the other.
        key: names of the columns that make the key, one or more.

    Raises:
        SchemaError: where a table lacks a key column.
        DataError: where no key is in both.
    """
    for shelf, words in ((served, "served"), (recomputed, "recomputed")):
        for name in key:
            _check_key(name, shelf, words)
    columns = [tuple(shelf.column(name) for name in key) for shelf in (served, recomputed)]
    codes: list[Codes] = []
    notes: list[str] = []
    for name, one, other in zip(key, *columns, strict=True):
        first, second, note = code_together(one, other, name)
        pair = [first, second]
        codes = _combined(codes, pair) if codes else pair
        notes += [note] if note else []
    return _matched(codes, columns, key, tuple(notes))


def near_name(name: str, known: Sequence[str]) -> str:
    """Return what to say after a name that is not known: the nearest one, or all."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
    return f"it has {shown}."


def code_together(one: Column, other: Column, name: str) -> tuple[Codes, Codes, str]:
    """Number the values of two columns: equal values have one number, missing ones -1.

    Args:
        one: values of one table.
        other: of the other.
        name: of the column, for the note.

    Returns:
        Both columns' numbers, and what was done to make them alike; empty where nothing.
    """
    note = ""
    if one.kind != other.kind and "empty" not in (one.kind, other.kind):
        note = (
            f"key {name!r} is a {one.type_name} in served and a {other.type_name} in recomputed: "
            "compared as what both can be read as."
        )
        one, other = alike(one, other)
    if one.kind in ("text", "other") or other.kind in ("text", "other"):
        place: defaultdict[Any, int] = defaultdict(count().__next__)
        return _codes_by_name(one, place), _codes_by_name(other, place), note
    values = np.concatenate([one.data, other.data])
    _, codes = np.unique(values, return_inverse=True)
    codes = np.where(np.concatenate([one.missing, other.missing]), -1, codes).astype(np.int64)
    return codes[: len(one)], codes[len(one) :], note


def _codes_by_name(column: Column, place: defaultdict[Any, int]) -> Codes:
    if column.kind == "text":
        table = list(map(place.__getitem__, column.names))
        codes = np.array([*table, -1], dtype=np.int64)[column.data]
    else:
        names = (None if value is None else str(value) for value in column.values())
        found = [-1 if name is None else place[name] for name in names]
        codes = np.array(found, dtype=np.int64)
    return np.asarray(np.where(column.missing, -1, codes), dtype=np.int64)


def _check_key(name: str, shelf: Shelf, words: str) -> None:
    if name not in shelf.names:
        raise SchemaError(
            f"there is no key column {name!r} in the {words} rows: {near_name(name, shelf.names)}"
        )


def _combined(codes: list[Codes], pair: list[Codes]) -> list[Codes]:
    """Number pairs of numbers; few enough after each step that none overflows."""
    split = codes[0].size
    first, second = np.concatenate(codes), np.concatenate(pair)
    size = int(second.max(initial=0)) + 1
    _, both = np.unique(first * size + second, return_inverse=True)
    both = np.where((first < 0) | (second < 0), -1, both).astype(np.int64)
    return [both[:split], both[split:]]


def _counts(codes: Codes, size: int) -> npt.NDArray[np.int64]:
    return np.bincount(codes[codes >= 0], minlength=size).astype(np.int64)


def _matched(
    codes: list[Codes],
    columns: list[tuple[Column, ...]],
    key: Sequence[str],
    notes: tuple[str, ...],
) -> Join:
    size = 1 + max(int(one.max(initial=-1)) for one in codes)
    counts = [_counts(one, size) for one in codes]
    served = _side(codes[0], counts[0], counts[1], columns[0])
    recomputed = _side(codes[1], counts[1], counts[0], columns[1])
    row_of = np.full(size + 1, -1, dtype=np.intp)
    row_of[codes[1]] = np.arange(codes[1].size)
    once = np.append((counts[0] == 1) & (counts[1] == 1), False)
    served_rows = np.flatnonzero(once[codes[0]])
    if not served_rows.size:
        is_shared = bool(((counts[0] > 0) & (counts[1] > 0)).any())
        raise DataError(_why_empty(served, recomputed, key, is_shared))
    recomputed_rows = row_of[codes[0][served_rows]]
    return Join(served_rows, recomputed_rows, served, recomputed, notes, columns[0])


def _side(
    codes: Codes,
    own: npt.NDArray[np.int64],
    theirs: npt.NDArray[np.int64],
    keys: tuple[Column, ...],
) -> OneSide:
    alone, repeated = (own > 0) & (theirs == 0), own > 1
    return OneSide(
        rows=codes.size,
        alone=int(alone.sum()),
        repeated=int(repeated.sum()),
        without_key=int((codes < 0).sum()),
        alone_examples=_examples(codes, alone, keys),
        repeated_examples=_examples(codes, repeated, keys),
    )


def _examples(
    codes: Codes, wanted: npt.NDArray[np.bool_], keys: tuple[Column, ...]
) -> tuple[Any, ...]:
    """Return the first keys that are wanted, each once."""
    rows = np.flatnonzero(np.append(wanted, False)[codes])
    first: dict[int, int] = {}
    for row in rows.tolist():
        first.setdefault(int(codes[row]), row)
        if len(first) == MOST_EXAMPLES:
            break
    return tuple(_key_at(keys, row) for row in first.values())


def _key_at(keys: tuple[Column, ...], row: int) -> Any:
    values = tuple(column.value(row) for column in keys)
    return values if len(values) > 1 else values[0]


def _why_empty(served: OneSide, recomputed: OneSide, key: Sequence[str], is_shared: bool) -> str:
    names = " and ".join(map(repr, key))
    if is_shared:
        told = ", ".join(map(str, served.repeated_examples + recomputed.repeated_examples))
        return (
            f"every {names} that is in both comes more than once, as {told}, so that no two rows "
            "surely belong together: name a further key column, such as a time."
        )
    ours, theirs = (
        ", ".join(repr(one) for one in side.alone_examples) or "nothing"
        for side in (served, recomputed)
    )
    return (
        f"no {names} is in both: served has {ours}, recomputed has {theirs}. "
        "Recompute the features of the ids that were served, or name another key."
    )
