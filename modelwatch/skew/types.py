"""Columns of two kinds, read as one: numbers as texts, booleans as 0 and 1, times as texts."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from modelwatch.skew.values import Column, ColumnKind, read_column

__all__ = ["alike", "plain_text"]

_BOOLEANS: Final[Mapping[str, float]] = {
    "true": 1.0, "t": 1.0, "yes": 1.0, "y": 1.0, "1": 1.0, "1.0": 1.0,
    "false": 0.0, "f": 0.0, "no": 0.0, "n": 0.0, "0": 0.0, "0.0": 0.0,
}  # fmt: skip

_UNITS: Final = ((1e14, 1.0), (1e11, 1e3), (0.0, 1e6))
"""From which magnitude on a time as a number is in microseconds, milliseconds or seconds, and how
many microseconds that is."""


def alike(one: Column, other: Column) -> tuple[Column, Column]:
    """Return two columns of different kinds as columns of one kind.

    What cannot be read in that kind is missing in it. Where no other kind will do, both are texts.
    """
    kinds = {one.kind, other.kind}
    if kinds == {"number", "boolean"}:
        return _as_number(one), _as_number(other)
    if kinds == {"boolean", "text"}:
        return _read_boolean(one), _read_boolean(other)
    if kinds == {"number", "text"}:
        read = _parsed(one, _number), _parsed(other, _number)
        return read if _keeps_values(one, other, *read) else (_as_text(one), _as_text(other))
    if kinds == {"time", "text"}:
        return _parsed(one, _time), _parsed(other, _time)
    if kinds in ({"time", "number"}, {"duration", "number"}):
        kind: ColumnKind = "time" if "time" in kinds else "duration"
        return _as_time(one, kind), _as_time(other, kind)
    return _as_text(one), _as_text(other)


def plain_text(value: object) -> str | None:
    """Return a value as a text in which 1, 1.0, "1" and "1.0" are one; None where missing."""
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, float, np.number)):
        return _text_of_number(float(value)) if not isinstance(value, int) else str(value)
    text = str(value).strip()
    try:
        return _text_of_number(float(text))
    except ValueError:
        lower = text.lower()
        return lower if lower in ("true", "false") else str(value)


def _text_of_number(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value.is_integer() else repr(value)


def _keeps_values(one: Column, other: Column, *read: Column) -> bool:
    """Tell whether texts are numbers for the most part."""
    for before, after in zip((one, other), read, strict=True):
        there = ~before.missing
        if before.kind == "text" and after.missing[there].sum() > there.sum() / 2:
            return False
    return True


def _as_number(column: Column) -> Column:
    return Column("number", column.data, column.missing)


def _read_boolean(column: Column) -> Column:
    if column.kind == "boolean":
        return _as_number(column)
    return _parsed(column, lambda text: _BOOLEANS.get(text.strip().lower()))


def _parsed(column: Column, read: Callable[[str], Any]) -> Column:
    """Read each distinct text once; other columns stay as they are."""
    if column.kind != "text":
        return column
    distinct = read_column([*map(read, column.names), None])
    return distinct.take(np.where(column.missing, -1, column.data))


def _number(text: str) -> float | int | None:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def _time(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return None


def _as_time(column: Column, kind: ColumnKind) -> Column:
    if column.kind != "number":
        return column
    values = column.data.astype(np.float64)
    missing = column.missing | ~np.isfinite(values)
    values = np.where(missing, 0.0, values)
    largest = float(np.abs(values).max(initial=0.0)) if kind == "time" else 0.0
    factor = next(factor for least, factor in _UNITS if largest >= least)
    micro = np.clip(np.rint(values * factor), -9e18, 9e18).astype(np.int64)
    return Column(kind, micro, missing)


def _as_text(column: Column) -> Column:
    if column.kind == "text":
        return column
    return read_column([plain_text(value) for value in column.values()])
