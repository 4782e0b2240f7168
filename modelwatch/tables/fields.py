"""Fields of one structured value by name; nested ones under dotted names."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from modelwatch.errors import DataError
from modelwatch.tables.value_kinds import ABSENT

__all__ = ["PLAIN_TYPES", "attributes_of", "flattened", "is_nested"]

PLAIN_TYPES: Final = frozenset({float, int, str, bool, type(None)})
"""Types of most values, which hold no others."""

_DEEPEST: Final = 16
"""Levels of nesting that are looked into; what lies below is one value of a wrong type."""

_MOST_FIELDS: Final = 10_000
"""Fields of one row, all levels together; a container that holds itself has no end of them."""


def attributes_of(value: object) -> Mapping[Any, Any] | None:
    """Return a structured value's fields by name, or None where it is no such value.

    Read are mappings, pydantic models (with their extra fields), dataclasses and named tuples;
    fields only, nested values stay as they are.

    >>> attributes_of({"age": 3}), attributes_of("age")
    ({'age': 3}, None)
    """
    if isinstance(value, Mapping):
        return value
    kind = type(value)
    if hasattr(kind, "__pydantic_fields__"):
        extra = getattr(value, "__pydantic_extra__", None)
        return {**vars(value), **extra} if extra else vars(value)
    if dataclasses.is_dataclass(kind):
        fields = dataclasses.fields(kind)
        return {field.name: getattr(value, field.name, ABSENT) for field in fields}
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return dict(zip(kind._fields, value, strict=True))
    return None


def is_nested(value: object) -> bool:
    """Tell whether a value has fields of its own."""
    kind = type(value)
    if kind in PLAIN_TYPES:
        return False
    return (
        isinstance(value, Mapping)
        or hasattr(kind, "__pydantic_fields__")
        or dataclasses.is_dataclass(kind)
        or (isinstance(value, tuple) and hasattr(kind, "_fields"))
    )


def flattened(fields: Mapping[Any, Any], whole: Collection[str] = ()) -> Mapping[Any, Any]:
    """Return fields of which none has fields of its own: nested ones have dotted names.

    A field that has that name by itself goes before a nested one. An empty mapping has no fields.
    The same mapping is returned where nothing in it is nested.

    Args:
        fields: values by name.
        whole: names whose values are not looked into.

    Raises:
        DataError: where there are more than 10,000 fields.

    >>> flattened({"id": 7, "user": {"age": 3, "home": {"city": "Bergen"}}})
    {'id': 7, 'user.age': 3, 'user.home.city': 'Bergen'}
    """
    values = fields.values()
    if PLAIN_TYPES.issuperset(map(type, values)) or not any(map(is_nested, values)):
        return fields
    flat: dict[Any, Any] = {}
    _flatten(fields, "", flat, whole, iter(range(_MOST_FIELDS)), _DEEPEST)
    own = {name: value for name, value in fields.items() if name in flat and not is_nested(value)}
    return {**flat, **own} if own else flat


def _flatten(
    fields: Mapping[Any, Any],
    prefix: str,
    flat: dict[Any, Any],
    whole: Collection[str],
    budget: Iterator[int],
    levels: int,
) -> None:
    for name, value in fields.items():
        if next(budget, None) is None:
            raise DataError(
                f"a row has more than {_MOST_FIELDS:,} fields: give a mapping of feature name to "
                "value that does not hold itself."
            )
        full = f"{prefix}{name}" if prefix else name
        inner = None
        if levels and full not in whole and is_nested(value):
            inner = attributes_of(value)
        if inner is None:
            flat[full] = value
        else:
            _flatten(inner, f"{full}.", flat, whole, budget, levels - 1)
