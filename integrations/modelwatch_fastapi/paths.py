"""Which requests are captured: by method and path."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from starlette.routing import compile_path
from starlette.types import Scope

from modelwatch.errors import ConfigurationError

__all__ = ["METHODS_WITH_BODY", "RequestPaths", "validated_paths"]

METHODS_WITH_BODY: Final = frozenset({"PATCH", "POST", "PUT"})


def validated_paths(paths: Iterable[str]) -> list[str]:
    """Return paths as a list.

    Raises:
        ConfigurationError: where they are one text.
    """
    if isinstance(paths, str):
        raise ConfigurationError(f"routes is {paths!r}: give a list of paths, as in [{paths!r}].")
    return list(paths)


class RequestPaths:
    """Methods and paths; a path as declared in Starlette and FastAPI, parameters and all.

    Immutable and thread-safe.

    Args:
        paths: such as ``/predict`` or ``/models/{name}/predict``, below the server's root path.
        methods: such as ``POST``.

    Raises:
        ConfigurationError: where a path or method cannot be one, or there is none.

    >>> paths = RequestPaths(["/models/{name}/predict"])
    >>> paths.match({"method": "POST", "path": "/models/churn/predict"})
    True
    """

    __slots__ = ("_exact", "_methods", "_patterns")

    def __init__(self, paths: Iterable[str], methods: Collection[str] = ("POST",)) -> None:
        found = validated_paths(paths)
        if not found or isinstance(methods, str) or not methods:
            raise ConfigurationError(
                f"routes is {found!r} and methods is {methods!r}: give lists of one or more."
            )
        self._methods = frozenset(method.upper() for method in methods)
        patterns = {path: _compiled(path) for path in found}
        self._exact = frozenset(path for path in found if "{" not in path)
        self._patterns = [patterns[path] for path in found if "{" in path]

    def match(self, scope: Scope) -> bool:
        """Tell whether a request is one of these."""
        if scope["method"] not in self._methods:
            return False
        path: str = scope["path"]
        root = scope.get("root_path", "").rstrip("/")
        if root and path.startswith(f"{root}/"):
            path = path[len(root) :]
        return path in self._exact or any(pattern.match(path) for pattern in self._patterns)


def _compiled(path: str) -> re.Pattern[str]:
    if not isinstance(path, str) or not path.startswith("/"):
        raise ConfigurationError(f"route {path!r} is no path: give one that begins with '/'.")
    try:
        return compile_path(path)[0]
    except (AssertionError, ValueError) as error:
        raise ConfigurationError(f"route {path!r} cannot be read: {error}.") from error
