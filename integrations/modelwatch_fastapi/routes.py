"""The routes of an app: its own, those of its routers and those of the apps mounted in it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from modelwatch.errors import ConfigurationError
from modelwatch_fastapi.paths import METHODS_WITH_BODY, validated_paths

__all__ = ["FoundRoute", "all_apps", "find_routes"]


class FoundRoute(NamedTuple):
    """A route whose requests are to be captured.

    Attributes:
        path: the whole path, as declared.
        route: the route, or what stands for it where it is included.
        inputs: the parameter of its endpoint that holds the parsed body; empty where the endpoint
            reads the body itself.
        methods: those whose requests have a body.
    """

    path: str
    route: Any
    inputs: str
    methods: frozenset[str]


def find_routes(app: Starlette, paths: Sequence[str]) -> list[FoundRoute]:
    """Return the routes at the paths.

    Raises:
        ConfigurationError: where a path is no route of the app, or no request to it has one body.
    """
    served: dict[str, list[Any]] = {}
    for path, route in _served(app.routes):
        if isinstance(getattr(route, "original_route", route), Route):  # not a websocket's
            served.setdefault(path, []).append(route)
    found = []
    for path in validated_paths(paths):
        if path not in served:
            raise ConfigurationError(
                f"{path!r} is no route of the app, which has {', '.join(sorted(served)) or 'none'}"
                ": name one of these, and instrument after the routes are added."
            )
        with_body = [route for route in served[path] if _reads_body(route)]
        found += [_found(path, route) for route in with_body or served[path][:1]]
    return found


def all_apps(app: Starlette) -> list[Starlette]:
    """Return the app and all that are mounted in it, at any depth."""
    return [app, *_mounted(app.routes)]


def _mounted(routes: Iterable[BaseRoute]) -> Iterator[Starlette]:
    for _, route in _flat(routes):
        inner = getattr(route, "app", None)
        if isinstance(inner, Starlette):
            yield inner
        yield from _mounted(getattr(route, "routes", None) or ())


def _served(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for path, route in _flat(routes):
        nested = getattr(route, "routes", None)
        if nested is None:
            yield prefix + path, route
        else:
            yield from _served(nested, prefix + path)


def _flat(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, Any]]:
    """Return routes and mounts with the path under which they are served.

    Where FastAPI includes routers lazily it has an iterator for that; before, and in Starlette,
    included routes are the app's own.
    """
    fastapi_routing = sys.modules.get("fastapi.routing")
    iterate = getattr(fastapi_routing, "iter_route_contexts", iter)
    for route in iterate(routes):
        yield getattr(route, "path", None) or "", route


def _reads_body(route: Any) -> bool:
    dependant = getattr(route, "dependant", None)
    has_parameter = dependant is not None and bool(dependant.body_params)
    return has_parameter or (_takes_request(route) and bool(_methods_with_body(route)))


def _takes_request(route: Any) -> bool:
    """Tell whether an endpoint is given the request: each of Starlette's, and some of FastAPI's."""
    dependant = getattr(route, "dependant", None)
    return dependant is None or dependant.request_param_name is not None


def _methods_with_body(route: Any) -> frozenset[str]:
    """Return the methods of a route that have a body; a class of Starlette's may serve any."""
    return METHODS_WITH_BODY & frozenset(route.methods or METHODS_WITH_BODY)


def _found(path: str, route: Any) -> FoundRoute:
    dependant = getattr(route, "dependant", None)
    names = [str(field.name) for field in dependant.body_params] if dependant is not None else []
    methods = _methods_with_body(route)
    if len(names) == 1 or (not names and _takes_request(route) and methods):
        return FoundRoute(path, route, names[0] if names else "", methods)
    raise ConfigurationError(
        f"route {path!r} has {len(names)} body parameters ({', '.join(names) or 'none'}): "
        "it is not clear which one holds the features. Decorate the function instead, as in "
        "@watch(inputs=...)."
    )
