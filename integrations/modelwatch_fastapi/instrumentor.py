"""The OpenTelemetry instrumentor of FastAPI: ties each app to the watch of the environment."""

from __future__ import annotations

import logging
from abc import ABC
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import wrapt
from fastapi import FastAPI
from opentelemetry.instrumentation.utils import unwrap

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from modelwatch_fastapi.instrumentation import instrument, uninstrument

if TYPE_CHECKING:  # its own module tells type checkers to pass it over
    BaseInstrumentor = ABC
else:
    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

__all__ = ["FastAPIInstrumentor"]

_BUILDER = "build_middleware_stack"
"""What an app calls at the first message of its server, when all its routes are there."""

_logger = logging.getLogger("modelwatch")


class FastAPIInstrumentor(BaseInstrumentor):
    """Instruments every app when it starts, with the routes of ``MODELWATCH_ROUTES``.

    An app that is mounted in another is a part of that one. Where the environment names no model,
    or a route is none of the app's, that is logged and the app serves as it would without.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return what must be installed."""
        return ("fastapi >= 0.106",)

    def _instrument(self, **_options: Any) -> None:
        self._apps: WeakSet[FastAPI] = WeakSet()
        wrapt.wrap_function_wrapper(FastAPI, _BUILDER, self._build)

    def _uninstrument(self, **_options: Any) -> None:
        unwrap(FastAPI, _BUILDER)
        for app in self._apps:
            uninstrument(app)

    def _build(
        self,
        wrapped: Callable[..., Any],
        app: FastAPI,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        watch = mw.watch_from_environment()
        if watch is not None and watch.enabled and app not in self._apps:
            self._apps.update([app, *_mounted(app)])
            _instrument_app(app, watch)
        return wrapped(*args, **kwargs)


def _mounted(app: Any) -> Iterator[Any]:
    for route in app.routes:
        inner = getattr(route, "app", None)
        if isinstance(inner, FastAPI):
            yield inner
            yield from _mounted(inner)


def _instrument_app(app: FastAPI, watch: mw.Watch) -> None:
    try:
        instrument(app, watch, routes=mw.routes_from_environment())
    except ConfigurationError as error:
        _logger.warning("modelwatch: no route of app %r is captured: %s", app.title, error)
        instrument(app, watch)
