"""A view whose parsed body and returned object are captured."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Request, request
from werkzeug.exceptions import HTTPException

import modelwatch as mw
from modelwatch_flask.outcomes import outcome_of
from modelwatch_flask.scopes import RequestScope

__all__ = ["METHODS_WITH_BODY", "captured"]

_View = Callable[..., Any]

METHODS_WITH_BODY: Final = frozenset({"PATCH", "POST", "PUT"})

_JSON_BY_ANOTHER_NAME: Final = frozenset({"", "application/x-www-form-urlencoded", "text/plain"})
"""What clients call a JSON body that a view reads by ``get_json(force=True)``."""


def captured(app: Flask, watch: mw.Watch, view: _View) -> _View:
    """Return a view that answers as another does, and whose requests with a body are captured.

    Args:
        app: runs async views.
        watch: captures.
        view: the view; sync or async.
    """

    @watch(inputs="_features")
    def predict(_features: object, answers: list[Any], arguments: dict[str, Any]) -> object:
        answers.append(app.ensure_sync(view)(**arguments))
        failure, output = outcome_of(answers[0])
        if failure is not None:
            raise failure
        return output

    @functools.wraps(view)
    def capture(**arguments: Any) -> Any:
        environ = request.environ
        scope = RequestScope.of(environ)
        if scope is None or environ["REQUEST_METHOD"] not in METHODS_WITH_BODY:
            return app.ensure_sync(view)(**arguments)
        scope.is_view_reached = True
        body = _parsed_body(environ["werkzeug.request"])
        if body is None:
            return _without_body(watch, scope, app.ensure_sync(view), arguments)
        answers: list[Any] = []
        try:
            predict(body, answers, arguments)
        except HTTPException:
            if not answers:  # the view's own, not the one that says what its answer counts as
                raise
        return answers[0]

    return capture


def _without_body(
    watch: mw.Watch, scope: RequestScope, view: _View, arguments: dict[str, Any]
) -> Any:
    """Count a request that has no JSON, unless a watched function in the view does so."""
    try:
        answer = view(**arguments)
    except BaseException as error:
        if not scope.prediction.made:
            watch.log_failure(type(error).__qualname__)
        raise
    failure, output = outcome_of(answer)
    if scope.prediction.made:
        return answer
    if failure is not None:
        watch.log_failure(failure.__qualname__)
    else:
        watch.log(None, output)  # counted, and said to be unreadable
    return answer


def _parsed_body(current: Request) -> object:
    """Return a request's parsed JSON; None where it has none.

    Nothing is taken from the view: it finds the body in whichever way it reads it.

    Args:
        current: the request itself, as its proxy costs a microsecond each time.
    """
    is_declared = current.is_json
    if not is_declared and current.mimetype not in _JSON_BY_ANOTHER_NAME:
        return None
    try:
        data = current.get_data()
        body: object = current.get_json(force=True, silent=True, cache=is_declared)
    except (HTTPException, OSError, RecursionError):  # the view's own attempt fails likewise
        return None
    current.stream = io.BytesIO(data)
    return body
