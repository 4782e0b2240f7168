"""What an instrumented app answers where a prediction was refused, or failed.

Both are exception handlers of the app, which is Starlette's documented way to either answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from modelwatch.errors import OutlierRejected
from modelwatch_fastapi.headers import prediction_headers
from modelwatch_fastapi.middleware import UNPROCESSABLE, scoped_prediction

__all__ = ["answer_failures", "answer_refusals"]

_Handler = Callable[[Request, Any], Any]

_FAILURE_KEYS: Final = (500, Exception)
"""Under either an app may keep its own answer to unhandled exceptions."""


def answer_refusals(app: Starlette) -> Callable[[], None]:
    """Answer refused predictions, and return what takes the answer back.

    A refused one (`OutlierRejected`) becomes a 422 in the form of FastAPI's own, unless the app
    handles that exception, or a more general one but `Exception`.

    Args:
        app: the app, or one that is mounted in it, before it starts.
    """
    parents = OutlierRejected.__mro__[: OutlierRejected.__mro__.index(Exception)]
    is_free = app.exception_handlers.keys().isdisjoint(parents)
    return _add(app, {OutlierRejected: _refused} if is_free else {})


def answer_failures(app: Starlette) -> Callable[[], None]:
    """Add our headers to the answer to failed predictions, and return what takes them back.

    The answer stays as it is, be it the app's own or Starlette's, but the page with the traceback
    of ``debug=True`` gets no headers. Of a mounted app the answer passes the middleware.

    Args:
        app: the app, before it starts.
    """
    own: dict[Any, Any] = dict(app.exception_handlers)
    keys = [key for key in _FAILURE_KEYS if key in own] or [Exception]
    untagged = [key for key in keys if not isinstance(own.get(key), _Tagged)]
    return _add(app, {key: _Tagged(own.get(key, _failed)) for key in untagged})


def _add(app: Starlette, ours: dict[Any, _Handler]) -> Callable[[], None]:
    handlers: dict[Any, Any] = app.exception_handlers
    own = {key: handlers[key] for key in ours if key in handlers}
    handlers.update(ours)

    def take_back() -> None:
        for key, handler in ours.items():
            if handlers.get(key) is not handler:  # one of the app's, which came later
                continue
            if key in own:
                handlers[key] = own[key]
            else:
                del handlers[key]

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
        prediction = scoped_prediction(request.scope)
        if prediction is not None:
            for name, value in prediction_headers(prediction):
                response.headers[name.decode("latin-1")] = value.decode("latin-1")
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
    return JSONResponse({"detail": detail}, status_code=UNPROCESSABLE)
