"""The wrapper around a watched function."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

import wrapt

from modelwatch.capture.arguments import find_feature_argument
from modelwatch.capture.calls import Caller, caller_for, direct_caller
from modelwatch.capture.observer import Observer
from modelwatch.capture.options import CaptureOptions

if TYPE_CHECKING:
    from modelwatch.capture.watch import Watch

__all__ = ["BoundWatchedFunction", "WatchedFunction", "watch_function"]


if TYPE_CHECKING:
    _BoundWrapper = wrapt.BoundFunctionWrapper[..., Any]
    _Wrapper = wrapt.FunctionWrapper[..., Any]
else:
    _BoundWrapper = wrapt.BoundFunctionWrapper
    _Wrapper = wrapt.FunctionWrapper


class BoundWatchedFunction(_BoundWrapper):
    """A watched method, bound to its object or class."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return getattr, (self._self_instance, self.__wrapped__.__name__)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return getattr(copy.deepcopy(self._self_instance, memo), self.__wrapped__.__name__)


class WatchedFunction(_Wrapper):
    """A watched function: looks and behaves as the function itself, and each call is captured.

    It can be pickled (by name where the function is found by name, else as a whole; cloudpickle
    takes local functions too), copied and deep-copied; a copy is watched by the same watch.

    Args:
        function: a function, a method of any kind or a callable object.
        watch: what captures the calls.
        options: how.
        caller: calls the function.
    """

    __bound_function_wrapper__ = BoundWatchedFunction

    def __init__(
        self,
        function: Callable[..., Any],
        watch: Watch,
        options: CaptureOptions,
        caller: Caller,
    ) -> None:
        super().__init__(function, caller)
        self._self_watch = watch
        self._self_options = options

    if not TYPE_CHECKING:  # the proxy's own can be set, which nobody does

        @property
        def __class__(self) -> Any:
            """The class of the wrapped object, but this class for a function.

            cloudpickle copies whatever says to be a function by its code alone, and would lose
            the watch.
            """
            kind = self.__wrapped__.__class__
            return WatchedFunction if kind is FunctionType else kind

    def __reduce_ex__(self, protocol: Any) -> Any:
        name = getattr(self, "__qualname__", "")
        if _found_by_name(getattr(self, "__module__", ""), name) is self:
            return name
        return watch_function, (self.__wrapped__, self._self_watch, self._self_options)

    def __copy__(self) -> WatchedFunction:
        return watch_function(self.__wrapped__, self._self_watch, self._self_options)

    def __deepcopy__(self, memo: dict[int, Any]) -> WatchedFunction:
        function = copy.deepcopy(self.__wrapped__, memo)
        return watch_function(function, self._self_watch, self._self_options)


def watch_function(
    function: Callable[..., Any], watch: Watch, options: CaptureOptions
) -> WatchedFunction:
    """Return the watched function; what a pickle calls too.

    The class of a wrapper is made for its function alone, with a ``__call__`` that knows what is
    called, unless that is a generator. Methods and all else take the way through wrapt.

    Raises:
        ConfigurationError: where it is not clear which parameter holds the features.
    """
    argument = find_feature_argument(
        function,
        inputs=options.inputs,
        feature_names=watch.feature_names,
        prediction_id=options.prediction_id,
    )
    observer = Observer(watch.recorder, options, argument)
    kind: type[WatchedFunction] = WatchedFunction
    call = direct_caller(function, observer)
    if call is not None:
        members = {"__call__": staticmethod(call), "__slots__": (), "__module__": __name__}
        made: type[WatchedFunction] = type(kind.__name__, (kind,), members)
        kind = made
    return kind(function, watch, options, caller_for(function, observer))


def _found_by_name(module: str, qualified_name: str) -> object:
    found: object = sys.modules.get(module)
    for name in qualified_name.split("."):
        found = getattr(found, name, None)
    return found
