"""What stands in place of a method that predicts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, Final

import modelwatch as mw
from modelwatch_estimators.nesting import Nested, is_nested
from modelwatch_estimators.values import features, scores

__all__ = ["replacement", "watched"]

_EXPLAINING: Final = ("pred_contrib", "pred_contribs", "pred_interactions", "pred_leaf")
"""Arguments of boosters that ask for something else than a prediction."""

_Change = Callable[[Callable[..., Any]], Callable[..., Any]]


def watched(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method so that each call of its own is captured; inner calls are part of it.

    A plain function, so that estimators and their bound methods pickle as before.
    """
    is_scoring = method.__name__ == "predict_proba"

    @functools.wraps(method)
    def predict(estimator: Any, *args: Any, **kwargs: Any) -> Any:
        watch = None if is_nested() else mw.watch_from_environment()
        if watch is None or not watch.enabled or any(map(kwargs.get, _EXPLAINING)):
            return Nested(method)(estimator, *args, **kwargs)
        call = watch.observe(features(watch, estimator, args, kwargs))
        try:
            answer = Nested(method)(estimator, *args, **kwargs)
        except BaseException as error:
            call.fail(type(error).__qualname__)
            raise
        call.finish(scores(watch, estimator, answer) if is_scoring else answer)
        return answer

    return predict


def replacement(attribute: object, change: _Change) -> object | None:
    """Return what stands in place of a class's attribute; None where it is no method.

    Args:
        attribute: what the class itself holds: a function, or a descriptor that gives a method
            where the estimator has one (``available_if``).
        change: makes the new function of the method's own.
    """
    if isinstance(attribute, FunctionType):
        return change(attribute)
    is_descriptor = hasattr(type(attribute), "__get__") and not hasattr(type(attribute), "__set__")
    if not is_descriptor or isinstance(attribute, (staticmethod, classmethod)):
        return None
    return _ChangedMethod(attribute, change)


class _ChangedMethod:
    """Gives the changed method where the descriptor gives one, and its error where it does not.

    Args:
        descriptor: gives methods.
        change: makes a new function of a method's.
    """

    def __init__(self, descriptor: Any, change: _Change) -> None:
        self._descriptor = descriptor
        self._change = change
        self._last: tuple[object, Callable[..., Any]] | None = None
        self.__wrapped__ = descriptor
        self.__doc__ = descriptor.__doc__

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        found = self._descriptor.__get__(instance, owner)
        if instance is None or not isinstance(found, MethodType):
            return found
        function, last = found.__func__, self._last
        if last is None or last[0] is not function:
            last = self._last = (function, self._change(function))
        return MethodType(last[1], instance)
