"""The OpenTelemetry instrumentor of BentoML: ties each service to the watch of the environment."""

from __future__ import annotations

import logging
from abc import ABC
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

import wrapt
from _bentoml_sdk import Service  # bentoml's own public name is of its former services
from opentelemetry.instrumentation.utils import unwrap

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from modelwatch_bentoml.instrumentation import instrument, uninstrument

if TYPE_CHECKING:  # its own module tells type checkers to pass it over
    BaseInstrumentor = ABC
else:
    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

__all__ = ["BentoMLInstrumentor"]

_logger = logging.getLogger("modelwatch")


class BentoMLInstrumentor(BaseInstrumentor):
    """Instruments every service in the workers that serve it, with ``MODELWATCH_ROUTES``.

    Where the environment names no model, or a route is none of the service's, that is logged and
    the service serves as it would without. A service is not changed as it is made: BentoML finds
    by the caller of its decorator where a service is from.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return what must be installed."""
        return ("bentoml >= 1.3",)

    def _instrument(self, **_options: Any) -> None:
        self._services: list[Service[Any]] = []
        wrapt.wrap_function_wrapper(Service, "to_asgi", self._to_asgi)

    def _uninstrument(self, **_options: Any) -> None:
        unwrap(Service, "to_asgi")
        for service in self._services:
            uninstrument(service)

    def _to_asgi(
        self,
        wrapped: Callable[..., Any],
        service: Service[Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        watch = mw.watch_from_environment()
        is_known = any(known is service for known in self._services)
        if watch is not None and watch.enabled and not is_known:
            self._services.append(service)
            _instrument_service(service, watch)
        return wrapped(*args, **kwargs)


def _instrument_service(service: Service[Any], watch: mw.Watch) -> None:
    try:
        instrument(service, watch, routes=mw.routes_from_environment())
    except ConfigurationError as error:
        _logger.warning("modelwatch: no route of %s is captured: %s", service.name, error)
        instrument(service, watch)
