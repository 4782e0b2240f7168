"""What an instrumented app answers where a prediction was refused, or failed.

Both are exception handlers of the app, which is Starlette's documented way to either answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool

from modelwatch.errors import OutlierRejected
from modelwatch_fastapi.middleware import tag, tagged_prediction

__all__ = ["add_answers"]

_Handler = Callable[[Request, Any], Any]

_FAILURE_KEYS: Final = (500, Exception)
"""Under either an app may keep its own answer to unhandled exceptions."""


def add_answers(app: FastAPI) -> Callable[[], None]:
    """Answer refused and failed predictions, and return what takes the answers back.

    A refused one (`OutlierRejected`) becomes a 422 in the form of FastAPI's own, unless the app
    handles that exception, or a more general one but `Exception`. The answer to a failed one stays
    as it is, be it the app's own or Starlette's, and gets our headers; but not the page with the
    traceback of ``debug=True``.

    Args:
        app: the app, before it starts.
    """
    own: dict[Any, Any] = dict(app.exception_handlers)
    ours: dict[Any, _Handler] = {}
    parents = OutlierRejected.__mro__[: OutlierRejected.__mro__.index(Exception)]
    if own.keys().isdisjoint(parents):
        ours[OutlierRejected] = _refused
    for key in [key for key in _FAILURE_KEYS if key in own] or [Exception]:
        if not isinstance(own.get(key), _Tagged):
            ours[key] = _Tagged(own.get(key, _failed))
    for key, handler in ours.items():
        app.add_exception_handler(key, handler)

    def take_back() -> None:
        for key, handler in ours.items():
            if app.exception_handlers.get(key) is not handler:
                continue
            if key in own:
                app.add_exception_handler(key, own[key])
            else:
                del app.exception_handlers[key]

    return take_back


class _Tagged:
    """A handler whose responses carry our headers.

    Args:
        handler: makes the response; sync or async.
    """

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler

    async def __call__(self, request: Request, error: Exception) -> Response:
        """Answer a request that failed."""
        if inspect.iscoroutinefunction(self._handler):
            made = self._handler(request, error)
        else:
            made = await run_in_threadpool(self._handler, request, error)
        response: Response = await made if inspect.isawaitable(made) else made
        prediction = tagged_prediction(request)
        if prediction is not None:
            tag(response.headers, prediction)
        return response


async def _failed(_request: Request, _error: Exception) -> Response:
    """Answer as Starlette does for an app without a handler of its own."""
    return PlainTextResponse("Internal Server Error", status_code=500)


async def _refused(_request: Request, error: OutlierRejected) -> Response:
    detail = [
        {
            "type": f"outlier_{rule}",
            "loc": ["body", name],
            "msg": f"Input is unlike what the model was trained on ({rule})",
        }
        for name, rule in error.outliers.items()
    ]
    return JSONResponse({"detail": detail}, status_code=422)
