"""Which values a watch's argument holds, and in which shape: fields, columns, or items in order."""

from __future__ import annotations

import datetime
import enum
import numbers
from collections.abc import Mapping, Sequence, Sized
from itertools import islice
from typing import Any, Final

import numpy as np

from modelwatch.capture.plain_values import WRONG_TYPE, is_plain_type
from modelwatch.errors import DataError
from modelwatch.tables.fields import PLAIN_TYPES, attributes_of, flattened, is_nested
from modelwatch.tables.tensors import array_of, is_tensor
from modelwatch.tables.value_kinds import ABSENT

__all__ = [
    "are_one_row",
    "columns_among",
    "fields_of",
    "is_series",
    "plain_values",
    "refuse_unclear",
]

_NUMBERS: Final = (int, float, np.number)
_SCALARS: Final = (str, numbers.Number, np.number, np.bool_, enum.Enum, datetime.date)

_KEPT: Final = PLAIN_TYPES | {type(ABSENT), np.float64, np.float32, np.int64, np.bool_}
"""Types of values that are kept as they are, without a closer look."""


def fields_of(value: object) -> Mapping[Any, Any] | None:
    """Return one row's values by name, or None where they have no names.

    As `attributes_of`, and from records of structured arrays and pandas Series, of which a result
    is made up more often of several rows.
    """
    fields = attributes_of(value)
    if fields is not None:
        return fields
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.void) and value.dtype.names is not None:
        return dict(zip(value.dtype.names, value.item(), strict=True))
    if is_series(value):
        index: Any = value
        names = index.index.tolist()
        if all(isinstance(name, str) for name in names):
            return dict(zip(names, index.tolist(), strict=True))
    return None


def is_series(value: object) -> bool:
    """Tell whether a value is a pandas Series, or one like it."""
    return type(value).__name__ == "Series" and hasattr(value, "index")


def are_one_row(values: Sequence[Any]) -> bool:
    """Tell whether items are the values of one row; rows are never scalars."""
    if all(isinstance(value, _NUMBERS) for value in values):
        return True
    return any(_is_scalar(value) for value in values) and not any(
        isinstance(value, (list, tuple))
        or (isinstance(value, np.ndarray) and value.ndim)
        or fields_of(value) is not None
        for value in values
    )


def columns_among(fields: Mapping[Any, Any], known: frozenset[str]) -> Mapping[Any, Any] | None:
    """Return fields as columns by name where each is one and all are of one length, else None.

    A column is a list, tuple, one-dimensional array or tensor, or a frame's column; columns may be
    nested under names.

    Args:
        fields: by name.
        known: names that are not looked into.
    """
    lengths: set[int | None] = set()
    has_nested = False
    for value in fields.values():
        if type(value) in PLAIN_TYPES:
            return None
        if is_nested(value):
            has_nested = True
        else:
            lengths.add(_column_length(value))
    if not has_nested:
        return fields if len(lengths) == 1 and None not in lengths else None
    if None in lengths:
        return None
    flat = flattened(fields, known)
    if any(map(is_nested, flat.values())):
        return None
    return columns_among(flat, known)


def refuse_unclear(fields: Mapping[Any, Any]) -> None:
    """Refuse fields of which none is a single value, and which are no columns either.

    Raises:
        DataError: where each is a list or an array; the message says what to give.
    """
    if not fields or any(type(value) in PLAIN_TYPES for value in fields.values()):
        return
    if all(map(_shape, fields.values())):
        shapes = ", ".join(
            f"{name!r}: {'x'.join(map(str, _shape(value)))}"
            for name, value in islice(fields.items(), 5)
        )
        raise DataError(
            f"it is not clear whether the features are one row or several (items by feature: "
            f"{shapes}): give columns of one length, or for one row a single value a feature; for "
            "a feature that is a vector or an image, name its extractor with "
            "Watch(..., extractors={...})."
        )


def plain_values(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row's values with nothing in them that may change or is large.

    Arrays of one value become that value; other arrays, lists and mappings are values of a wrong
    type, whatever they hold.
    """
    if _KEPT.issuperset(map(type, values)):
        return values
    return tuple([_plain(value) for value in values])


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _KEPT:
        return value
    if is_tensor(value):
        value = array_of(value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return value.item()
    if issubclass(kind, (bytes, np.ndarray)) or not is_plain_type(kind):
        return value if _is_number(value) else WRONG_TYPE
    return value


def _is_number(value: object) -> bool:
    """Tell whether a value of a rarer type is a number, as those of `fractions` are."""
    return hasattr(type(value), "__float__") and not isinstance(value, np.ndarray)


def _shape(value: Any) -> tuple[int, ...]:
    """Return how many items a list or an array has, by dimension; nothing of a single value."""
    if isinstance(value, (list, tuple)):
        return (len(value),)
    is_array = isinstance(value, np.ndarray) or is_tensor(value)
    return tuple(value.shape) if is_array else ()


def _is_scalar(value: Any) -> bool:
    return isinstance(value, _SCALARS) or (is_tensor(value) and not value.shape)


def _column_length(value: object) -> int | None:
    if isinstance(value, np.ndarray) or is_tensor(value):
        shape: Sequence[int] = getattr(value, "shape", ())
        return int(shape[0]) if len(shape) == 1 else None
    is_column = isinstance(value, (list, tuple)) or hasattr(value, "to_numpy")
    return len(value) if is_column and isinstance(value, Sized) else None
