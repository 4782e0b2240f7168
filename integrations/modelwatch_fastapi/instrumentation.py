"""Instruments an app: adds the middleware, and watches the endpoints of named routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from starlette.applications import Starlette

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from modelwatch_fastapi.answers import answer_failures, answer_refusals
from modelwatch_fastapi.capture_middleware import CaptureMiddleware
from modelwatch_fastapi.middleware import WatchMiddleware
from modelwatch_fastapi.routes import FoundRoute, all_apps, find_routes

__all__ = ["instrument", "uninstrument"]

_undo: WeakKeyDictionary[Starlette, list[Callable[[], None]]] = WeakKeyDictionary()


def instrument(app: Starlette, watch: mw.Watch, routes: Sequence[str] | None = None) -> None:
    """Tie a watch to a FastAPI or Starlette app, and to the apps mounted in it.

    The app's lifespan shutdown then flushes the watch, each response carries ``x-prediction-id``
    (the request's, where it sent a usable one) and, where the input had outliers,
    ``x-modelwatch-outliers``. To be called on the outermost app, after the routes and the apps' own
    exception handlers are added and before the app starts; once for each watch.

    An input that the watch refuses (``on_outlier="raise"``) is answered with 422 in the form of
    FastAPI's own, unless the app handles `OutlierRejected`. The answer to an unhandled exception
    stays as it is and carries the headers too, but for the traceback page of ``debug=True``.

    Args:
        app: the app.
        watch: what captures the predictions.
        routes: paths, as declared and with the prefixes of routers and mounts, whose parsed body
            and returned object are captured with no change to their code; invalid requests to them
            are counted as failures. Where an endpoint reads its request itself, as all of Starlette
            do, the JSON of request and response is captured, as by `CaptureMiddleware`. None where
            functions are decorated with the watch.

    Raises:
        ConfigurationError: where a path is no route of the app, it is not clear what of a request
            to it are the features, or the app has started.
    """
    found = find_routes(app, routes) if routes is not None else []
    apps = all_apps(app)
    if any(each.middleware_stack is not None for each in apps):
        raise ConfigurationError(
            "the app has started, so it cannot be instrumented: call instrument() where the app is "
            "made, before its lifespan and its first request, or uninstrument() it first."
        )
    undo = _undo.setdefault(app, [])
    undo += [answer_refusals(each) for each in apps]
    undo.append(answer_failures(app))
    endpoints: set[object] = set()
    for each in found:
        if each.inputs:
            endpoint = watch(inputs=each.inputs)(each.route.endpoint)
            endpoints.add(endpoint)
            undo.append(_replaced(each.route, endpoint))
        else:
            undo.append(_captured(app, watch, each))
    undo.append(_with(app, WatchMiddleware, watch=watch, endpoints=endpoints))


def uninstrument(app: Starlette) -> None:
    """Undo every `instrument` of an app; where there was none, the app can be instrumented anew."""
    for restore in reversed(_undo.pop(app, [])):
        restore()
    for each in all_apps(app):
        each.middleware_stack = None  # built again at the next request


def _with(app: Starlette, middleware: Any, **options: Any) -> Callable[[], None]:
    """Add a middleware, and return what takes it away."""
    app.add_middleware(middleware, **options)
    added = app.user_middleware[0]

    def take_away() -> None:
        app.user_middleware[:] = [entry for entry in app.user_middleware if entry is not added]

    return take_away


def _captured(app: Starlette, watch: mw.Watch, found: FoundRoute) -> Callable[[], None]:
    options = {"routes": [found.path], "methods": found.methods}
    return _with(app, CaptureMiddleware, watch=watch, **options)


def _replaced(context: Any, endpoint: Callable[..., Any]) -> Callable[[], None]:
    """Put another endpoint in place of a route's own, and return what puts it back.

    The handler reads the dependant's function at each request; the route's is read when a router
    is included again.
    """
    route = getattr(context, "original_route", context)
    own = route.endpoint

    def put(function: Callable[..., Any]) -> None:
        context.dependant.call = route.endpoint = function

    put(endpoint)
    return partial(put, own)
