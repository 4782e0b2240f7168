"""When two values count as equal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelwatch.parameter_checks import number
from modelwatch.skew.values import Column, Mask, on_one_list

__all__ = ["Tolerance", "equal_values", "is_close"]

RELATIVE: Final = 1e-6
"""Above what a value loses as float32 (6e-8), and what a few sums of such values lose."""

OF_TYPICAL: Final = 1e-9
"""Part of the typical magnitude by which values near zero may differ: sums that cancel out."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """By how much two numbers may differ and still count as equal.

    Numbers are equal where they differ by at most `relative` times the larger magnitude, or by at
    most `absolute`. Whole numbers on both sides, texts, booleans and times must be the same. A
    missing value equals a missing value, and infinity itself.

    Args:
        relative: as a part of the value, 0 or more. The default lets pass what float32 loses.
        absolute: in the feature's own unit, 0 or more; None for a billionth of the mean magnitude
            of the recomputed values.

    Raises:
        ConfigurationError: where one is negative or no finite number.

    >>> Tolerance(relative=0.01).words
    'relative 0.01, absolute 1e-09 of the mean magnitude'
    """

    relative: float = RELATIVE
    absolute: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "relative", number("relative", self.relative, least=0.0))
        if self.absolute is not None:
            object.__setattr__(self, "absolute", number("absolute", self.absolute, least=0.0))

    @property
    def words(self) -> str:
        """The tolerance, to be shown."""
        bound = f"{OF_TYPICAL:g} of the mean magnitude" if self.absolute is None else self.absolute
        text = f"{bound:g}" if isinstance(bound, float) else bound
        return f"relative {self.relative:g}, absolute {text}"

    def of(self, recomputed: Column) -> Tolerance:
        """Return the tolerance with the absolute bound of one feature."""
        if self.absolute is not None or recomputed.kind != "number":
            return self
        there = np.abs(recomputed.data[~recomputed.missing].astype(np.float64))
        there = there[np.isfinite(there)]
        return replace(self, absolute=OF_TYPICAL * float(there.mean()) if there.size else 0.0)


def is_close(one: FloatArray, other: FloatArray, tolerance: Tolerance) -> Mask:
    """Tell which numbers are equal within a tolerance; infinity equals itself alone."""
    with np.errstate(invalid="ignore", over="ignore"):
        largest = np.maximum(np.abs(one), np.abs(other))
        bound = np.maximum(tolerance.relative * largest, tolerance.absolute or 0.0)
        return np.asarray((one == other) | ((np.abs(one - other) <= bound) & np.isfinite(largest)))


def equal_values(one: Column, other: Column, tolerance: Tolerance) -> Mask:
    """Tell which rows of two columns of one kind are equal, shape (rows,).

    Args:
        one: values of any kind.
        other: values of the same kind, or an empty column.
        tolerance: with the absolute bound of the feature.
    """
    both = one.missing & other.missing
    present = ~(one.missing | other.missing)
    if not present.any():
        return np.asarray(both)
    if one.kind == "text" and one.names is not other.names:
        one, other = on_one_list(one, other)
    if one.kind == "other" or other.kind == "other":
        same = _same_objects(one, other)
    elif one.kind == "number" and "f" in one.data.dtype.kind + other.data.dtype.kind:
        same = is_close(one.data.astype(np.float64), other.data.astype(np.float64), tolerance)
    else:
        same = one.data == other.data
    return np.asarray((same & present) | both)


def _same_objects(one: Column, other: Column) -> Mask:
    pairs = zip(one.values(), other.values(), strict=True)
    return np.fromiter((_is_same(a, b) for a, b in pairs), dtype=bool, count=len(one))


def _is_same(one: Any, other: Any) -> bool:
    """Compare what may be anything, such as lists or arrays; true and 1 are two."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return bool(np.array_equal(np.asarray(one), np.asarray(other)))
    return bool(one == other)
