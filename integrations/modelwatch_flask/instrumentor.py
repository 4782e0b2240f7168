"""The OpenTelemetry instrumentor of Flask: ties each app to the watch of the environment."""

from __future__ import annotations

import logging
import threading
from abc import ABC
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import wrapt
from flask import Flask
from opentelemetry.instrumentation.utils import unwrap

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from modelwatch_flask.instrumentation import instrument, uninstrument

if TYPE_CHECKING:  # its own module tells type checkers to pass it over
    BaseInstrumentor = ABC
else:
    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

__all__ = ["FlaskInstrumentor"]

_logger = logging.getLogger("modelwatch")


class FlaskInstrumentor(BaseInstrumentor):
    """Instruments every app at its first request, with the routes of ``MODELWATCH_ROUTES``.

    By then an application factory has added all of them. Where the environment names no model, or a
    route is none of the app's, that is logged and the app serves as it would without.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return what must be installed."""
        return ("flask >= 2.3",)

    def _instrument(self, **_options: Any) -> None:
        self._apps: WeakSet[Flask] = WeakSet()
        self._lock = threading.Lock()  # holds up further requests while an app is instrumented
        wrapt.wrap_function_wrapper(Flask, "__call__", self._call)

    def _uninstrument(self, **_options: Any) -> None:
        unwrap(Flask, "__call__")
        for app in self._apps:
            uninstrument(app)

    def _call(
        self,
        wrapped: Callable[..., Any],
        app: Flask,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        if app not in self._apps:
            watch = mw.watch_from_environment()
            if watch is not None and watch.enabled:
                self._instrument_app(app, watch)
        return wrapped(*args, **kwargs)

    def _instrument_app(self, app: Flask, watch: mw.Watch) -> None:
        with self._lock:
            if app in self._apps:
                return
            try:
                instrument(app, watch, routes=mw.routes_from_environment())
            except ConfigurationError as error:
                _logger.warning("modelwatch: no route of app %r is captured: %s", app.name, error)
                instrument(app, watch)
            self._apps.add(app)
