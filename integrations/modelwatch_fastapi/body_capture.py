"""Captures each request and response as a prediction."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

import modelwatch as mw
from modelwatch_fastapi.exchange import Exchange
from modelwatch_fastapi.json_bodies import JsonBodies
from modelwatch_fastapi.middleware import scoped_prediction

__all__ = ["BodyCapture"]


class BodyCapture:
    """Captures each request that it is given; inside of a `WatchMiddleware`.

    Args:
        app: what answers the requests.
        watch: what captures the predictions.
        sample_rate: share of predictions whose rows are captured, in [0, 1].
        max_body_bytes: of a request or response that is captured.
    """

    def __init__(
        self, app: ASGIApp, *, watch: mw.Watch, sample_rate: float, max_body_bytes: int
    ) -> None:
        self._app = app
        self._watch = watch
        self._sample_rate = sample_rate
        self._bodies = JsonBodies(max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        bodies = self._bodies
        request = bodies.collect(scope["headers"]) if self._is_sampled(scope) else None
        exchange = Exchange(self._watch, bodies, request, receive, send, self._sample_rate)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except BaseException as error:
            exchange.end(type(error).__qualname__)
            raise
        exchange.end(exchange.error_type)

    def _is_sampled(self, scope: Scope) -> bool:
        if self._sample_rate >= 1.0:
            return True
        prediction = scoped_prediction(scope)
        return prediction is not None and mw.is_sampled(prediction.id, self._sample_rate)
