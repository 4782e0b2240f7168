"""Instruments an app: follows its requests, and captures the views of named routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from flask import Flask

import modelwatch as mw
from modelwatch.errors import ConfigurationError, OutlierRejected
from modelwatch_flask.outcomes import refused
from modelwatch_flask.scopes import ScopeMiddleware
from modelwatch_flask.views import METHODS_WITH_BODY, captured

__all__ = ["instrument", "uninstrument"]

_EXTENSION: Final = "modelwatch"
"""The key of an app's extensions under which is kept what was done to the app."""


class _Instrumentation:
    """What was done to one app.

    Attributes:
        middleware: opens the scopes of its requests.
        undo: take back what was changed of the app itself; the last first.
    """

    def __init__(self, app: Flask) -> None:
        self.middleware = ScopeMiddleware(app.wsgi_app)
        self.undo: list[Callable[[], None]] = []
        # As in ``app.wsgi_app = ...``, which to a type checker is a method.
        vars(app)["wsgi_app"] = self.middleware

    def take_back(self, app: Flask) -> None:
        """Undo it all; middleware that others have put around ours stays."""
        self.middleware.is_on = False
        if vars(app)["wsgi_app"] is self.middleware:
            vars(app)["wsgi_app"] = self.middleware.application
        for take_back in reversed(self.undo):
            take_back()


def instrument(app: Flask, watch: mw.Watch, routes: Sequence[str] | None = None) -> None:
    """Tie a watch to an app.

    Each response then carries ``x-prediction-id`` (the request's, where it sent a usable one) and,
    where the input had outliers, ``x-modelwatch-outliers``. To be called at the end of an
    application factory: after the routes, the blueprints and the app's own error handlers, and
    before the first request; once for each watch.

    An input that the watch refuses (``on_outlier="raise"``) is answered with 422 and JSON, unless
    the app or the blueprint handles `OutlierRejected`, or a more general exception but `Exception`.

    Args:
        app: the app.
        watch: what captures the predictions.
        routes: rules, as declared, or endpoints, as in ``"blueprint.view"``: the parsed JSON of
            their requests and the returned object are captured with no change to their code;
            invalid requests are counted as failures. None where functions are decorated with the
            watch. Of a view with several rules, all are captured.

    Raises:
        ConfigurationError: where a route is none of the app or takes no body, or the app has
            served a request.
    """
    endpoints = _endpoints(app, routes) if routes is not None else []
    take_back = _answer_refusals(app)
    done = app.extensions.get(_EXTENSION)
    if done is None:
        done = app.extensions[_EXTENSION] = _Instrumentation(app)
    done.undo.append(take_back)
    for endpoint in endpoints:
        watches = done.middleware.captured.setdefault(endpoint, [])
        if watch not in watches:
            watches.append(watch)
            done.undo.append(_replace_view(app, endpoint, watch))


def uninstrument(app: Flask) -> None:
    """Undo every `instrument` of an app, at any time; does nothing where there was none."""
    done = app.extensions.pop(_EXTENSION, None)
    if done is not None:
        done.take_back(app)


def _endpoints(app: Flask, routes: Sequence[str]) -> list[str]:
    """Return the endpoints that are named, by themselves or by a rule, and take a body."""
    if isinstance(routes, str):
        raise ConfigurationError(
            f"routes is {routes!r}: give a list of routes, as in [{routes!r}]."
        )
    rules = list(app.url_map.iter_rules())
    found: dict[str, None] = {}
    for route in routes:
        named = [rule for rule in rules if route in (rule.rule, rule.endpoint)]
        if not named:
            known = ", ".join(sorted({rule.rule for rule in rules}))
            raise ConfigurationError(
                f"{route!r} is no route of the app, which has {known or 'none'}: name one of these "
                "or an endpoint, and instrument after the routes are added and the blueprints are "
                "registered, at the end of an application factory."
            )
        taking = [rule for rule in named if METHODS_WITH_BODY & (rule.methods or METHODS_WITH_BODY)]
        if not taking:
            methods = ", ".join(sorted(set[str]().union(*(rule.methods or () for rule in named))))
            raise ConfigurationError(
                f"route {route!r} takes no body, as its methods are {methods}: there are no "
                "features to capture. Decorate the function that predicts with the watch instead."
            )
        found |= dict.fromkeys(rule.endpoint for rule in taking)
    return list(found)


def _answer_refusals(app: Flask) -> Callable[[], None]:
    """Answer refused inputs, unless the app does; Flask itself refuses where it has served."""
    handlers = app.error_handler_spec[None][None]
    parents = OutlierRejected.__mro__[: OutlierRejected.__mro__.index(Exception)]
    key: Any = next((kind for kind in parents if kind in handlers), OutlierRejected)
    try:
        app.register_error_handler(key, handlers.get(key, refused))
    except AssertionError as error:
        raise ConfigurationError(
            "the app has served a request, so it cannot be instrumented: call instrument() where "
            "the app is made, at the end of its factory."
        ) from error

    def take_back() -> None:
        if handlers.get(OutlierRejected) is refused:
            del handlers[OutlierRejected]

    return take_back


def _replace_view(app: Flask, endpoint: str, watch: mw.Watch) -> Callable[[], None]:
    """Put a captured view in place of an endpoint's own."""
    own = app.view_functions[endpoint]
    view = captured(app, watch, own)
    app.endpoint(endpoint)(view)

    def take_back() -> None:
        if app.view_functions[endpoint] is view:
            app.view_functions[endpoint] = own

    return take_back
