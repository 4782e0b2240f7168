"""The ASGI middleware of an instrumented app."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import modelwatch as mw

__all__ = [
    "OUTLIERS_HEADER",
    "PREDICTION_ID_HEADER",
    "WatchMiddleware",
    "tag",
    "tagged_prediction",
]

PREDICTION_ID_HEADER: Final = "x-prediction-id"
OUTLIERS_HEADER: Final = "x-modelwatch-outliers"

_USABLE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_MOST_OUTLIERS: Final = 50
_UNPROCESSABLE: Final = 422


class WatchMiddleware:
    """Opens a prediction scope around each request, and flushes when the app shuts down.

    Args:
        app: the next ASGI app.
        watch: what captures the predictions.
        endpoints: the endpoints whose invalid requests are counted as failed predictions.
    """

    def __init__(self, app: ASGIApp, watch: mw.Watch, endpoints: Collection[object]) -> None:
        self._app = app
        self._watch = watch
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or the lifespan."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._flushing(send))
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        outer = mw.current_prediction()
        if outer is not None:  # another watch's middleware has opened the scope already
            await self._app(scope, receive, self._counting(scope, outer, send))
            return
        with mw.prediction_scope(_requested_id(scope)) as prediction:
            # For the answer to an unhandled exception, which is made outside of all middleware.
            Request(scope).state.modelwatch_prediction = prediction
            tagging = _tagging(prediction, send)
            await self._app(scope, receive, self._counting(scope, prediction, tagging))

    def _counting(self, scope: Scope, prediction: mw.Prediction, send: Send) -> Send:
        """Count requests that were refused before the endpoint was reached."""

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start" and not prediction.made:
                is_ours = scope.get("endpoint") in self._endpoints
                if is_ours and message["status"] == _UNPROCESSABLE:
                    self._watch.log_failure("RequestValidationError")
            await send(message)

        return counting if self._endpoints else send

    def _flushing(self, send: Send) -> Send:
        """Flush before the end of the app's own shutdown is reported; servers may exit then."""

        async def flushing(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await run_in_threadpool(self._watch.flush)
            await send(message)

        return flushing


def tag(headers: MutableHeaders, prediction: mw.Prediction) -> None:
    """Set the headers of a response to what is known of its prediction."""
    headers[PREDICTION_ID_HEADER] = prediction.id
    if prediction.outliers:
        outliers = list(prediction.outliers.items())[:_MOST_OUTLIERS]
        named = (f"{quote(name, safe='')}={rule}" for name, rule in outliers)
        headers[OUTLIERS_HEADER] = ", ".join(named)


def tagged_prediction(request: Request) -> mw.Prediction | None:
    """Return the prediction of a request that has passed the middleware."""
    found: mw.Prediction | None = getattr(request.state, "modelwatch_prediction", None)
    return found


def _tagging(prediction: mw.Prediction, send: Send) -> Send:
    async def tagging(message: Message) -> None:
        if message["type"] == "http.response.start":
            tag(MutableHeaders(scope=message), prediction)
        await send(message)

    return tagging


def _requested_id(scope: Scope) -> str | None:
    """Return the id that the client sent, where it is short and plain."""
    given = Headers(scope=scope).get(PREDICTION_ID_HEADER, "")
    return given if _USABLE_ID.fullmatch(given) else None
