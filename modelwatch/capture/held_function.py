"""Objects that are no function, but hold the one that is called in their place.

`functools.partialmethod` is one. Frameworks whose decorators declare a method, rather than wrap it,
return such objects; a watch above such a decorator watches the function that is held.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Protocol, TypeGuard, TypeVar

__all__ = ["HoldsFunction", "holds_function", "with_function"]


class HoldsFunction(Protocol):
    """Holds a function, and cannot be called itself."""

    @property
    def func(self) -> Callable[..., Any]:
        """The function."""


_Holder = TypeVar("_Holder", bound=HoldsFunction)


def holds_function(value: object) -> TypeGuard[HoldsFunction]:
    """Tell whether a value is no function of any kind itself, but holds one.

    >>> from functools import partial, partialmethod
    >>> holds_function(partialmethod(print)), holds_function(partial(print))
    (True, False)
    """
    if callable(value) or isinstance(value, classmethod):
        return False
    return callable(getattr(value, "func", None))


def with_function(holder: _Holder, function: Callable[..., Any]) -> _Holder:
    """Return a copy of a holder that holds another function."""
    made: Any = copy.copy(holder)
    made.func = function
    held: _Holder = made
    return held
