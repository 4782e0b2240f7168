"""The ASGI middleware of an instrumented app."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

import modelwatch as mw
from modelwatch_fastapi.headers import requested_id, with_prediction
from modelwatch_fastapi.lifespan import serve_lifespan

__all__ = ["INVALID_REQUEST", "UNPROCESSABLE", "WatchMiddleware", "scoped_prediction"]

INVALID_REQUEST: Final = "RequestValidationError"
"""The error type of a request with invalid inputs, after FastAPI's exception."""

UNPROCESSABLE: Final = 422

_PREDICTION_KEY: Final = "modelwatch.prediction"


class WatchMiddleware:
    """Opens a prediction scope around each request, and flushes when the app shuts down.

    Nothing is waited for and no message is held back.

    Args:
        app: the next ASGI app.
        watch: what captures the predictions.
        endpoints: the endpoints whose invalid requests are counted as failed predictions.
    """

    def __init__(
        self, app: ASGIApp, watch: mw.Watch, endpoints: Collection[object] = frozenset()
    ) -> None:
        self._app = app
        self._watch = watch
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or the lifespan."""
        if scope["type"] == "lifespan":
            await serve_lifespan(self._app, self._watch, scope, receive, send)
        elif scope["type"] != "http":
            # Of a websocket's many predictions, each has an id of its own.
            await self._app(scope, receive, send)
        elif (outer := scope.get(_PREDICTION_KEY)) is not None:  # another watch's middleware
            sending = self._counting(scope, outer, send) if self._endpoints else send
            await self._app(scope, receive, sending)
        else:
            with mw.prediction_scope(requested_id(scope)) as prediction:
                # For those inside, and for the answer to an unhandled exception, which is made
                # outside of all middleware.
                scope[_PREDICTION_KEY] = prediction

                def tagging(message: Message) -> Awaitable[None]:
                    if message["type"] == "http.response.start":
                        if self._endpoints:
                            self._count_invalid(scope, prediction, message)
                        message["headers"] = with_prediction(message.get("headers", ()), prediction)
                    return send(message)

                await self._app(scope, receive, tagging)

    def _counting(self, scope: Scope, prediction: mw.Prediction, send: Send) -> Send:
        def counting(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                self._count_invalid(scope, prediction, message)
            return send(message)

        return counting

    def _count_invalid(self, scope: Scope, prediction: mw.Prediction, start: Message) -> None:
        """Count a request that was refused before the endpoint was reached."""
        is_invalid = start["status"] == UNPROCESSABLE and not prediction.made
        if is_invalid and scope.get("endpoint") in self._endpoints:
            self._watch.log_failure(INVALID_REQUEST)


def scoped_prediction(scope: Scope) -> mw.Prediction | None:
    """Return the prediction of a request that has passed the middleware."""
    found: mw.Prediction | None = scope.get(_PREDICTION_KEY)
    return found
