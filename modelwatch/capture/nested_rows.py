"""Values of known features out of nested rows, by getters that are made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from modelwatch.tables.fields import attributes_of

__all__ = ["NestedGetter", "getter", "nested_getter"]

NestedGetter = Callable[[Mapping[Any, Any]], tuple[Any, ...]]
"""Reads the values of a row that has exactly the known fields; a `KeyError` tells any other."""


def getter(names: Sequence[str]) -> NestedGetter:
    """Return what reads the values of flat rows, in the order of the names.

    >>> getter(["b", "a"])({"a": 1, "b": 2})
    (2, 1)
    """
    if not names:
        return lambda mapping: ()
    if len(names) == 1:
        only = names[0]
        return lambda mapping: (mapping[only],)
    return itemgetter(*names)


def nested_getter(names: Sequence[str]) -> NestedGetter | None:
    """Return what reads rows in which dotted names are nested; None where no name is dotted.

    >>> read = nested_getter(["user.age", "id", "user.home.city"])
    >>> read({"id": 7, "user": {"age": 3, "home": {"city": "Bergen"}}})
    (3, 7, 'Bergen')
    """
    if not any("." in name for name in names):
        return None
    read, order = _level([(tuple(name.split(".")), name) for name in names])
    place = {name: at for at, name in enumerate(order)}
    pick = _picker([place[name] for name in names])
    return lambda row: pick(read(row))


def _level(paths: Sequence[tuple[tuple[str, ...], str]]) -> tuple[NestedGetter, list[str]]:
    """Return what reads one level and all below, and the names in the order that it has them."""
    leaves = [(path[0], name) for path, name in paths if len(path) == 1]
    groups: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for path, name in paths:
        if len(path) > 1:
            groups.setdefault(path[0], []).append((path[1:], name))
    own = getter([key for key, _ in leaves])
    order = [name for _, name in leaves]
    inner: list[tuple[str, NestedGetter]] = []
    for key, below in groups.items():
        read_below, names_below = _level(below)
        inner.append((key, read_below))
        order += names_below
    size = len(leaves) + len(groups)

    def read(row: Mapping[Any, Any]) -> tuple[Any, ...]:
        if len(row) != size:
            raise KeyError(size)
        values = own(row)
        for key, read_below in inner:
            value = row[key]
            fields = value if value.__class__ is dict else attributes_of(value)
            if fields is None:
                raise KeyError(key)
            values += read_below(fields)
        return values

    return read, order


def _picker(places: Sequence[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    if len(places) == 1:
        return lambda values: values
    return itemgetter(*places)
