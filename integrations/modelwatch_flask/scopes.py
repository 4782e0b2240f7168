"""Opens a prediction scope around each request of an app, by Flask's signals."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

from flask import (
    Flask,
    Response,
    request,
    request_finished,
    request_started,
    request_tearing_down,
)
from werkzeug.exceptions import default_exceptions

import modelwatch as mw

__all__ = ["OUTLIERS_HEADER", "PREDICTION_ID_HEADER", "RequestScope", "RequestScopes"]

PREDICTION_ID_HEADER: Final = "x-prediction-id"
OUTLIERS_HEADER: Final = "x-modelwatch-outliers"

_ENVIRON_ID: Final = "HTTP_X_PREDICTION_ID"
_ENVIRON_SCOPE: Final = "modelwatch.scope"
_USABLE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_MOST_OUTLIERS: Final = 50
_REFUSALS: Final = frozenset({400, 415, 422})
"""Statuses that say that the client sent no usable input."""


class RequestScope:
    """The scope of one request, open in the context of its thread or greenlet.

    Attributes:
        prediction: what a watched call inside claims.
        is_view_reached: whether a captured view was entered, which counts what becomes of it.
        is_streaming: whether the end of the response closes the scope, not that of the request.
    """

    __slots__ = ("_scope", "is_streaming", "is_view_reached", "prediction")

    def __init__(self, environ: Mapping[str, Any]) -> None:
        given = environ.get(_ENVIRON_ID, "")
        self._scope = mw.prediction_scope(given if _USABLE_ID.fullmatch(given) else None)
        self.prediction = self._scope.__enter__()
        self.is_view_reached = False
        self.is_streaming = False

    @classmethod
    def current(cls) -> RequestScope | None:
        """Return the scope of the current request; None where there is none."""
        found: RequestScope | None = request.environ.get(_ENVIRON_SCOPE)
        return found

    def close(self) -> None:
        """Restore the context. Where a server ends a response elsewhere there is nothing to."""
        with suppress(ValueError):
            self._scope.__exit__(None, None, None)


class RequestScopes:
    """Opens and closes the scopes of one app, and sets the headers of its responses.

    Attributes:
        captured: the watches that capture a view, by its endpoint.
    """

    def __init__(self) -> None:
        self.captured: dict[str, list[mw.Watch]] = {}

    def connect(self, app: Flask) -> None:
        """Follow the app's requests for as long as this object lives."""
        request_started.connect(self._open, app)
        request_finished.connect(self._finish, app)
        request_tearing_down.connect(self._close, app)

    def disconnect(self, app: Flask) -> None:
        """Follow them no more."""
        request_started.disconnect(self._open, app)
        request_finished.disconnect(self._finish, app)
        request_tearing_down.disconnect(self._close, app)

    def _open(self, _app: Flask, **_: Any) -> None:
        environ = request.environ
        environ[_ENVIRON_SCOPE] = RequestScope(environ)

    def _finish(self, _app: Flask, response: Response, **_: Any) -> None:
        scope = RequestScope.current()
        if scope is None:  # the request failed before it was dispatched
            return
        if response.status_code in _REFUSALS and not scope.is_view_reached:
            self._count_refusal(response.status_code)
        prediction = scope.prediction
        response.headers[PREDICTION_ID_HEADER] = prediction.id
        if prediction.outliers:
            response.headers[OUTLIERS_HEADER] = _named(prediction.outliers)
        if inspect.isgenerator(response.response) and not scope.is_streaming:
            scope.is_streaming = True
            response.call_on_close(scope.close)

    def _close(self, _app: Flask, **_: Any) -> None:
        scope = RequestScope.current()
        if scope is not None and not scope.is_streaming:
            scope.close()

    def _count_refusal(self, status: int) -> None:
        """Count a request to a captured view that was refused before it was reached."""
        for watch in self.captured.get(request.endpoint or "", ()):
            watch.log_failure(default_exceptions[status].__name__)


def _named(outliers: Mapping[str, str]) -> str:
    first = list(outliers.items())[:_MOST_OUTLIERS]
    return ", ".join(f"{quote(name, safe='')}={rule}" for name, rule in first)
