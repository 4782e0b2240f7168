"""Rows that have passed their checks, as bytes.

A row of bytes is one object in place of thirty, of which the garbage collector need not know, and
thousands of them are one array.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelwatch.capture.plain_values import Column
from modelwatch.outliers import OutlierLimits
from modelwatch.tables.columns import CategoricalColumn, MissingReason, NumericColumn
from modelwatch.tables.compact_columns import CodedColumn

__all__ = ["Kept", "RowLayout", "is_integer"]

Kept = tuple[Any, ...] | bytes
"""The values of a row: one by one, or, of a clean one, as its `RowLayout` has them."""

FloatArray = npt.NDArray[np.float64]

_NULL_BITS: Final = 0x7FF8_6D77_0000_0001
"""A NaN of our own that stands for None, where a feature's NaN stands for itself."""

_NULL: Final[float] = struct.unpack("d", struct.pack("q", _NULL_BITS))[0]
_NO_CATEGORY: Final = -1.0

_MOST_DIGITS: Final = 19


class RowLayout:
    """How the values of a clean row lie in bytes: a float64 each, in the order of the features.

    A number is written as such, a category as its place among those that are known. What does not
    fit, an integer beyond all floats, say, raises when it is packed, and the row goes another way.
    Categories that may be anything are kept beside the bytes: a row then is a tuple of both.

    Args:
        limits: of each feature, in the order of a row's values.

    >>> limits = {"age": OutlierLimits(kind="numeric", lower=0.0, upper=120.0)}
    >>> layout, constants = RowLayout(limits), {}
    >>> expression = layout.expression(["v0"], constants)
    >>> rows = [eval(expression, {**constants, "v0": age}) for age in (30, 41.5)]
    >>> layout.values(rows)
    [(30.0,), (41.5,)]
    """

    def __init__(self, limits: Mapping[str, OutlierLimits]) -> None:
        self._limits = dict(limits)
        loose = [name for name, one in self._limits.items() if _is_loose(one)]
        self._packed = [name for name in self._limits if name not in loose]
        self._loose = {name: place for place, name in enumerate(loose, 1)}
        self._keys = {
            name: sorted(self._limits[name].categories or ())
            for name in self._packed
            if self._limits[name].kind == "categorical"
        }

    def expression(self, names: Sequence[str], constants: dict[str, Any]) -> str:
        """Return Python text that makes what is kept of a row.

        Args:
            names: of the variables that have its values.
            constants: is told what the text refers to besides.
        """
        constants["NULL"] = _NULL
        constants["pack"] = struct.Struct(f"{len(self._packed)}d").pack
        variables = dict(zip(self._limits, names, strict=True))
        packed = [self._number(name, variables[name], constants) for name in self._packed]
        made = f"pack({', '.join(packed)})"
        beside = [variables[name] for name in self._loose]
        return f"({', '.join([made, *beside])})" if beside else made

    def columns(self, rows: Sequence[Any]) -> dict[str, Column]:
        """Return the columns of rows that were kept."""
        block = self._block(rows)
        gaps = np.isnan(np.add.reduce(block, axis=1)).tolist()
        found: dict[str, Column] = {}
        for name, array, has_gaps in zip(self._packed, block, gaps, strict=True):
            keys = self._keys.get(name)
            found[name] = (
                _numbers(array, has_gaps=has_gaps) if keys is None else _categories(array, keys)
            )
        for name, place in self._loose.items():
            found[name] = [row[place] for row in rows]
        return {name: found[name] for name in self._limits}

    def values(self, rows: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the values of rows that were kept; all numbers are floats."""
        found: dict[str, list[Any]] = {}
        for name, array in zip(self._packed, self._block(rows), strict=True):
            if name in self._keys:
                raw = [_raw(key, self._limits[name]) for key in self._keys[name]]
                found[name] = [*map([*raw, None].__getitem__, array.astype(np.intp).tolist())]
            else:
                objects = array.astype(object)
                objects[array.view(np.int64) == _NULL_BITS] = None
                found[name] = objects.tolist()
        for name, place in self._loose.items():
            found[name] = [row[place] for row in rows]
        return list(zip(*(found[name] for name in self._limits), strict=True))

    def _number(self, name: str, variable: str, constants: dict[str, Any]) -> str:
        """Return Python text for the number that stands for a value."""
        limits = self._limits[name]
        if name not in self._keys:
            is_gappy = limits.allows_missing
            return f"NULL if {variable} is None else {variable}" if is_gappy else variable
        places: dict[Any, float] = {
            _raw(key, limits): float(place) for place, key in enumerate(self._keys[name])
        }
        if limits.allows_missing:
            places[None] = _NO_CATEGORY
        constants[f"places_{variable}"] = places
        return f"places_{variable}[{variable}]"

    def _block(self, rows: Sequence[Any]) -> FloatArray:
        packed = [row[0] for row in rows] if self._loose else rows
        size = len(self._packed)
        found = np.frombuffer(b"".join(packed), np.float64).reshape(len(rows), size)
        return np.ascontiguousarray(found.T)


def _is_loose(limits: OutlierLimits) -> bool:
    return limits.kind == "categorical" and limits.categories is None


def _numbers(array: FloatArray, *, has_gaps: bool) -> NumericColumn:
    missing: dict[MissingReason, int] = {}
    if has_gaps:
        nulls = int(np.count_nonzero(array.view(np.int64) == _NULL_BITS))
        nans = int(np.isnan(array).sum()) - nulls
        missing = _counted({"null": nulls, "nan": nans})
    return NumericColumn(array, missing)


def _categories(array: FloatArray, keys: Sequence[str]) -> CategoricalColumn:
    codes = array.astype(np.intp)
    nulls = int(np.count_nonzero(codes < 0))
    return CategoricalColumn(CodedColumn(keys, codes, is_own=True), _counted({"null": nulls}))


def _counted(counts: Mapping[MissingReason, int]) -> dict[MissingReason, int]:
    return {reason: count for reason, count in counts.items() if count}


def _raw(key: str, limits: OutlierLimits) -> str | int | bool:
    """Return the value that is counted under a key."""
    if limits.is_boolean:
        return key == "true"
    return int(key) if not limits.text and is_integer(key) else key


def is_integer(key: str) -> bool:
    """Return whether a category's key is how an integer is written.

    >>> is_integer("-3"), is_integer("3.5"), is_integer("03")
    (True, False, False)
    """
    digits = key.removeprefix("-")
    is_short = len(digits) <= _MOST_DIGITS  # int() refuses thousands of them
    return is_short and digits.isascii() and digits.isdigit() and str(int(key)) == key
