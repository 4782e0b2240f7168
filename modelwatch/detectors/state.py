"""What a detector remembers, as plain values that JSON can hold, and back.

A memory is a dataclass. Its annotations say how it is read again: whole numbers (none is
negative), finite numbers, texts, truth values, literals, values that may be None, lists, tuples,
arrays of numbers, and dicts that are left as they are.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import (
    Any,
    Final,
    Literal,
    NoReturn,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np

from modelwatch.errors import FormatError

__all__ = ["plain", "restored"]

Memory = TypeVar("Memory")

_MOST_COUNTED: Final = 2**53

_EXPECTED: Final = {
    bool: "a truth value",
    float: "a finite number",
    int: "a count of 0 or more",
    str: "a text",
}


def plain(value: Any) -> Any:
    """Return a memory, or a part of one, as dicts, lists and scalars.

    >>> plain((1, None, [0.5]))
    [1, None, [0.5]]
    """
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value


def restored(memory: type[Memory], body: object, where: str) -> Memory:
    """Return a memory of the given class, read from its plain values.

    Args:
        memory: a dataclass.
        body: what `plain` returned, perhaps after a way through JSON.
        where: names the value in messages.

    Raises:
        FormatError: where a field is absent, unknown, or of another type than annotated.
    """
    hints = get_type_hints(memory)
    if not isinstance(body, Mapping) or set(body) != set(hints):
        _refuse(where, body, f"an object of {', '.join(hints)}")
    return memory(**{name: _read(hint, body[name], name) for name, hint in hints.items()})


def _read(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):
        return None if value is None else _read(get_args(hint)[0], value, where)
    if origin is Literal:
        return value if value in get_args(hint) else _refuse(where, value, "one of its values")
    if origin is np.ndarray:
        return np.array(_read_list(float, value, where), dtype=np.float64)
    if origin is list:
        return _read_list(get_args(hint)[0], value, where)
    if origin is dict:
        return value if isinstance(value, dict) else _refuse(where, value, "an object")
    if origin is tuple:
        return tuple(_read_items(get_args(hint), value, where))
    if issubclass(hint, tuple):
        return hint(*_read_items(tuple(get_type_hints(hint).values()), value, where))
    return _scalar(hint, value, where) if hint in _EXPECTED else restored(hint, value, where)


def _read_list(hint: Any, value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        _refuse(where, value, "a list")
    return [_read(hint, item, where) for item in value]


def _read_items(hints: tuple[Any, ...], value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != len(hints):
        _refuse(where, value, f"a list of {len(hints)} values")
    return [_read(hint, item, where) for hint, item in zip(hints, value, strict=True)]


def _scalar(hint: type, value: Any, where: str) -> Any:
    if hint in (bool, str) and isinstance(value, hint):
        return value
    if hint is int and type(value) is int and 0 <= value <= _MOST_COUNTED:
        return value
    if hint is float and type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return float(value)
    return _refuse(where, value, _EXPECTED[hint])


def _refuse(where: str, value: object, expected: str) -> NoReturn:
    shown = f"a {type(value).__name__}" if isinstance(value, (dict, list)) else repr(value)[:40]
    raise FormatError(f"the state is damaged: {where} is {shown}, not {expected}.")
