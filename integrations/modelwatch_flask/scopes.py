"""Opens a prediction scope around each request of an app, as WSGI middleware.

Around `Flask.wsgi_app` it costs half of what Flask's hooks before and after a request do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any, Final
from urllib.parse import quote

from flask import has_request_context, request
from werkzeug.exceptions import default_exceptions
from werkzeug.wsgi import ClosingIterator

import modelwatch as mw

__all__ = ["OUTLIERS_HEADER", "PREDICTION_ID_HEADER", "RequestScope", "ScopeMiddleware"]

PREDICTION_ID_HEADER: Final = "x-prediction-id"
OUTLIERS_HEADER: Final = "x-modelwatch-outliers"

_Environ = dict[str, Any]
_Headers = list[tuple[str, str]]
_Start = Callable[..., Any]
_Application = Callable[[_Environ, _Start], Iterable[bytes]]

_ENVIRON_ID: Final = "HTTP_X_PREDICTION_ID"
_ENVIRON_SCOPE: Final = "modelwatch.scope"
_USABLE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_MOST_OUTLIERS: Final = 50
_REFUSALS: Final = frozenset({"400", "415", "422"})
"""Statuses that say that the client sent no usable input."""


class RequestScope:
    """The scope of one request, open in the context of its thread or greenlet.

    Attributes:
        prediction: what a watched call inside claims.
        is_view_reached: whether a captured view was entered, which counts what becomes of it.
        is_streamed: whether the response ends later than the request.
    """

    __slots__ = ("_opened", "is_streamed", "is_view_reached", "prediction")

    def __init__(self, opened: AbstractContextManager[mw.Prediction]) -> None:
        self._opened = opened
        self.prediction = opened.__enter__()
        self.is_view_reached = False
        self.is_streamed = False

    @staticmethod
    def of(environ: Mapping[str, Any]) -> RequestScope | None:
        """Return the scope of a request; None where it did not pass the middleware."""
        found: RequestScope | None = environ.get(_ENVIRON_SCOPE)
        return found

    def close(self) -> None:
        """Restore the context. Where a server ends a response elsewhere there is nothing to."""
        with suppress(ValueError):
            self._opened.__exit__(None, None, None)


class ScopeMiddleware:
    """Opens the scopes of one app's requests, and sets the headers of its responses.

    Args:
        application: the next WSGI application.

    Attributes:
        application: as given.
        captured: the watches that capture a view, by its endpoint.
        is_on: whether it does anything.
    """

    def __init__(self, application: _Application) -> None:
        self.application = application
        self.captured: dict[str, list[mw.Watch]] = {}
        self.is_on = True

    def __call__(self, environ: _Environ, start_response: _Start) -> Iterable[bytes]:
        """Serve one request."""
        if not self.is_on:
            return self.application(environ, start_response)
        given = environ.get(_ENVIRON_ID, "")
        is_usable = given and _USABLE_ID.fullmatch(given)
        scope = RequestScope(mw.prediction_scope(given if is_usable else None))
        environ[_ENVIRON_SCOPE] = scope

        def start(status: str, headers: _Headers, exc_info: Any = None) -> Any:
            self._count_refusal(status[:3], scope)
            return start_response(status, _tagged(headers, scope), exc_info)

        try:
            answer = self.application(environ, start)
            # Whatever else is iterated, the server may know how to send faster than by iterating.
            scope.is_streamed = scope.is_streamed and isinstance(answer, ClosingIterator)
            return ClosingIterator(answer, scope.close) if scope.is_streamed else answer
        except BaseException:
            scope.is_streamed = False
            raise
        finally:
            if not scope.is_streamed:
                scope.close()

    def _count_refusal(self, status: str, scope: RequestScope) -> None:
        """Count a request to a captured view that was refused before it was reached."""
        if status in _REFUSALS and not scope.is_view_reached and has_request_context():
            for watch in self.captured.get(request.endpoint or "", ()):
                watch.log_failure(default_exceptions[int(status)].__name__)


def _tagged(headers: _Headers, scope: RequestScope) -> _Headers:
    """Return a response's headers with ours, and note whether it is a stream: it has no length."""
    prediction = scope.prediction
    kept: _Headers = []
    scope.is_streamed = True
    for pair in headers:
        name = pair[0].lower()
        if name == "content-length":
            scope.is_streamed = False
        if name != PREDICTION_ID_HEADER:
            kept.append(pair)
    kept.append((PREDICTION_ID_HEADER, prediction.id))
    if prediction.outliers:
        kept.append((OUTLIERS_HEADER, _named(prediction.outliers)))
    return kept


def _named(outliers: Mapping[str, str]) -> str:
    first = list(outliers.items())[:_MOST_OUTLIERS]
    return ", ".join(f"{quote(name, safe='')}={rule}" for name, rule in first)
