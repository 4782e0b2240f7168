"""Which calls are part of another: an estimator predicts by others, in threads and processes too.

A forest asks its trees in the threads of joblib, which know nothing of the thread that started
them, and a multi-output estimator its parts in other processes. What joblib is given inside of a
prediction is therefore marked on its way.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, Final

__all__ = ["Nested", "is_nested", "nesting", "passed_on"]

_NESTED: Final[ContextVar[bool]] = ContextVar("modelwatch_estimators", default=False)


def is_nested() -> bool:
    """Tell whether this call is part of another that is watched, or of training."""
    return _NESTED.get()


class Nested:
    """A function that joblib runs as part of a prediction, wherever it runs it.

    Args:
        function: the function.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        token = _NESTED.set(True)
        try:
            return self._function(*args, **kwargs)
        finally:
            _NESTED.reset(token)


def nesting(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method inside of which no prediction is watched: training, or evaluation."""

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        return Nested(method)(*args, **kwargs)

    return call


def passed_on(run: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``joblib.Parallel.__call__`` so that it tells its workers what they are part of."""

    @functools.wraps(run)
    def call(parallel: Any, iterable: Iterable[Any]) -> Any:
        return run(parallel, _marked(iterable) if is_nested() else iterable)

    return call


def _marked(tasks: Iterable[Any]) -> Iterator[Any]:
    for function, args, kwargs in tasks:
        yield Nested(function), args, kwargs
