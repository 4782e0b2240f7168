"""Instruments an app: adds the middleware, and watches the endpoints of named routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import FastAPI, routing

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from modelwatch_fastapi.answers import add_answers
from modelwatch_fastapi.middleware import WatchMiddleware

__all__ = ["instrument", "uninstrument"]

_undo: WeakKeyDictionary[FastAPI, list[Callable[[], None]]] = WeakKeyDictionary()


def instrument(app: FastAPI, watch: mw.Watch, routes: Sequence[str] | None = None) -> None:
    """Tie a watch to an app.

    The app's lifespan shutdown then flushes the watch, each response carries ``x-prediction-id``
    (the request's, where it sent a usable one) and, where the input had outliers,
    ``x-modelwatch-outliers``. To be called after the routes and the app's own exception handlers
    are added and before the app starts; once for each watch.

    An input that the watch refuses (``on_outlier="raise"``) is answered with 422 in the form of
    FastAPI's own, unless the app handles `OutlierRejected`. The answer to an unhandled exception
    stays as it is and carries the headers too, but for the traceback page of ``debug=True``.

    Args:
        app: the app.
        watch: what captures the predictions.
        routes: paths, as declared, whose parsed body and returned object are captured with no
            change to their code; invalid requests to them are counted as failures. None where
            functions are decorated with the watch.

    Raises:
        ConfigurationError: where a path is no route of the app, its route does not have one body
            parameter, or the app has started.
    """
    found = _endpoints(app, routes) if routes is not None else []
    watched: set[object] = set()
    try:
        app.add_middleware(WatchMiddleware, watch=watch, endpoints=watched)
    except RuntimeError as error:
        raise ConfigurationError(
            "the app has started, so it cannot be instrumented: call instrument() where the app is "
            "made, before its lifespan and its first request, or uninstrument() it first."
        ) from error
    undo = _undo.setdefault(app, [])
    undo.append(add_answers(app))
    for context, inputs in found:
        endpoint = watch(inputs=inputs)(context.endpoint)
        watched.add(endpoint)
        undo.append(_replaced(context, endpoint))


def uninstrument(app: FastAPI) -> None:
    """Undo every `instrument` of an app; does nothing where there was none."""
    for restore in reversed(_undo.pop(app, [])):
        restore()
    ours: object = WatchMiddleware
    app.user_middleware = [entry for entry in app.user_middleware if entry.cls is not ours]
    app.middleware_stack = None  # built again at the next request


def _endpoints(app: FastAPI, paths: Sequence[str]) -> list[tuple[Any, str]]:
    """Return the routes at the paths, each with the name of its body parameter."""
    if isinstance(paths, str):
        raise ConfigurationError(f"routes is {paths!r}: give a list of paths, as in [{paths!r}].")
    contexts = [context for context in _route_contexts(app) if hasattr(context, "dependant")]
    known = {context.path for context in contexts}
    unknown = [path for path in paths if path not in known]
    if unknown:
        raise ConfigurationError(
            f"{unknown[0]!r} is no route of the app, which has {', '.join(sorted(known)) or 'none'}"
            ": name one of these, and instrument after the routes are added."
        )
    return [(context, _body_parameter(context)) for context in contexts if context.path in paths]


def _route_contexts(app: FastAPI) -> Iterator[Any]:
    """Return all routes with the path under which they are served.

    Where FastAPI includes routers lazily it has an iterator for that; before, included routes are
    the app's own.
    """
    iterate = getattr(routing, "iter_route_contexts", iter)
    found: Iterator[Any] = iterate(app.routes)
    return found


def _body_parameter(context: Any) -> str:
    names = [field.name for field in context.dependant.body_params]
    if len(names) == 1:
        return str(names[0])
    raise ConfigurationError(
        f"route {context.path!r} has {len(names)} body parameters ({', '.join(names) or 'none'}): "
        "it is not clear which one holds the features. Decorate the function instead, as in "
        "@watch(inputs=...)."
    )


def _replaced(context: Any, endpoint: Callable[..., Any]) -> Callable[[], None]:
    """Put another endpoint in place of a route's own, and return what puts it back.

    The handler reads the dependant's function at each request; the route's is read when a router
    is included again.
    """
    route = getattr(context, "original_route", context)
    own = route.endpoint
    context.dependant.call = route.endpoint = endpoint

    def restore() -> None:
        context.dependant.call = route.endpoint = own

    return restore
