"""The API methods of a service: found by name or route, and given another function."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final

from modelwatch.errors import ConfigurationError

__all__ = ["features_parameter", "find_methods", "path_of", "replace_function"]

_GATHERING: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def find_methods(service: Any, routes: Sequence[str]) -> list[str]:
    """Return the names of the API methods that are given by name or route.

    Raises:
        ConfigurationError: where the service has no such method.
    """
    if isinstance(routes, str):
        raise ConfigurationError(
            f"routes is {routes!r}: give a list of routes, as in [{routes!r}]."
        )
    known = {name: name for name in service.apis}
    for name, method in service.apis.items():
        known.update({method.route: name, path_of(service, method): name})
    unknown = [route for route in routes if route not in known]
    if unknown:
        had = ", ".join(method.route for method in service.apis.values())
        raise ConfigurationError(
            f"{unknown[0]!r} is no API method of service {service.name!r}, which has "
            f"{had or 'none'}: name one of these."
        )
    return list(dict.fromkeys(known[route] for route in routes))


def path_of(service: Any, method: Any) -> str:
    """Return the path under which a method is served."""
    prefix = (getattr(service, "path_prefix", None) or "").strip("/")  # older ones have none
    return f"/{prefix}{method.route}" if prefix else str(method.route)


def features_parameter(method: Any) -> str | None:
    """Return the one parameter that holds a method's features, beside the service and its context.

    None where there are several, or none by name: the watch then finds out.

    Raises:
        ConfigurationError: where there are several and the context, which is no feature.
    """
    parameters = list(inspect.signature(method.func).parameters.values())[1:]
    features = [
        parameter.name
        for parameter in parameters
        if parameter.name != method.ctx_param and parameter.kind not in _GATHERING
    ]
    if len(features) == 1:
        return features[0]
    if method.ctx_param is None:
        return None
    raise ConfigurationError(
        f"API method {method.name!r} takes several features beside {method.ctx_param!r}, which is "
        "none: take the features as one parameter, or let the method call a function that takes "
        "the features alone and is decorated with @watch."
    )


def replace_function(service: Any, name: str, function: Callable[..., Any]) -> Callable[[], None]:
    """Give an API method of this service alone another function; return what takes that back.

    The method itself may be shared: by a subclass that is another service.
    """
    own = service.apis[name]
    is_inherited = name not in vars(service.inner)
    method = copy.copy(own)
    method.func = function
    service.apis[name] = method
    setattr(service.inner, name, method)

    def restore() -> None:
        service.apis[name] = own
        if is_inherited:
            delattr(service.inner, name)
        else:
            setattr(service.inner, name, own)

    return restore
