"""Attributes that are computed, or loaded, when they are first read."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar, overload

__all__ = ["cached_property", "loading"]

_Value = TypeVar("_Value")


class cached_property(Generic[_Value]):
    """A property that is computed once for each object, and then is a plain attribute of it.

    As `functools.cached_property`, but without the lock that Python 3.11 has there: it is one for
    all objects of a class, and a process that is forked while another thread holds it waits for it
    in vain. Two threads that read an attribute for the first time at once both compute it.

    Args:
        compute: the method that returns the value.

    >>> class Circle:
    ...     def __init__(self, radius):
    ...         self.radius = radius
    ...
    ...     @cached_property
    ...     def area(self):
    ...         return 3.0 * self.radius**2
    >>> circle = Circle(2.0)
    >>> circle.area, vars(circle)
    (12.0, {'radius': 2.0, 'area': 12.0})
    """

    def __init__(self, compute: Callable[[Any], _Value]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> cached_property[_Value]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> _Value: ...

    def __get__(self, instance: object | None, owner: type) -> cached_property[_Value] | _Value:
        if instance is None:
            return self
        value = self._compute(instance)
        vars(instance)[self._name] = value
        return value


def loading(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return a ``__getattr__`` for a package that loads what it exports when it is first asked for.

    Args:
        package: its name.
        homes: the module inside of it that has a name, by name; no module is named like one.
    """

    def load(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found: object = getattr(importlib.import_module(f"{package}.{home}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return load
