"""Instruments a service: adds the middleware, and watches the API methods of named routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from modelwatch_bentoml.answers import answering
from modelwatch_bentoml.methods import (
    features_parameter,
    find_methods,
    path_of,
    replace_function,
)
from modelwatch_bentoml.middleware import Tie, WatchMiddleware, ties_of

__all__ = ["instrument", "uninstrument"]


def instrument(service: Any, watch: mw.Watch, routes: Sequence[str] | None = None) -> None:
    """Tie a watch to a service, in the module that defines it, below its class.

    Each worker of the service then flushes the watch when it shuts down. Each response of an API
    method carries ``x-prediction-id`` (the request's, where it sent a usable one) and, where the
    input had outliers, ``x-modelwatch-outliers``; but not those of a batchable method, where many
    requests are one prediction. To be called once for each watch.

    An input that the watch refuses (``on_outlier="raise"``) is answered with 422 in the form of
    BentoML's own, unless the method handles `OutlierRejected`. Where a stream refuses its input,
    it ends.

    Args:
        service: what ``@bentoml.service`` returns.
        watch: what captures the predictions.
        routes: names or routes of API methods whose arguments and result are captured with no
            change to their code; invalid requests to them are counted as failures, but not those
            to batchable methods and tasks. None where methods or functions are decorated with the
            watch; on a method, ``@watch`` may stand above or below ``@bentoml.api``.

    Raises:
        ConfigurationError: where this is no service, a route is none of its API methods, or it is
            not clear which of their parameters holds the features.
    """
    if not hasattr(service, "inner"):
        raise ConfigurationError(
            f"{service!r} is no service: give what @bentoml.service returns for the class."
        )
    captured = find_methods(service, routes) if routes is not None else []
    functions = {name: service.apis[name].func for name in service.apis}
    for name in captured:
        functions[name] = watch(inputs=features_parameter(service.apis[name]))(functions[name])
    changed = captured if ties_of(service) else list(functions)  # the others answer already
    single = [name for name, method in service.apis.items() if not method.batchable]
    tie = Tie(
        service=service,
        watch=watch,
        predicting=frozenset(_paths(service, single)),
        captured=frozenset(
            path_of(service, service.apis[name]) for name in single if name in captured
        ),
        restore=[_answer(service, name, functions[name]) for name in changed],
    )
    service.add_asgi_middleware(WatchMiddleware, tie=tie)


def uninstrument(service: Any) -> None:
    """Undo every `instrument` of a service that is not served yet; nothing where there was none."""
    for tie in reversed(ties_of(service)):
        for restore in tie.restore:
            restore()
    ours: object = WatchMiddleware
    service.middlewares[:] = [entry for entry in service.middlewares if entry[0] is not ours]


def _answer(service: Any, name: str, function: Callable[..., Any]) -> Callable[[], None]:
    is_batchable = service.apis[name].batchable
    return replace_function(service, name, answering(function, is_batchable=is_batchable))


def _paths(service: Any, names: Sequence[str]) -> Iterator[str]:
    """Return the paths of methods; a task is submitted at a path of its own."""
    for name in names:
        method = service.apis[name]
        yield path_of(service, method)
        if method.is_task:
            yield f"{path_of(service, method)}/submit"
