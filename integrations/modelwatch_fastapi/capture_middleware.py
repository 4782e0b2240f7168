"""Captures predictions from the JSON that passes by, in front of an app that cannot be changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from modelwatch_fastapi.body_capture import BodyCapture
from modelwatch_fastapi.lifespan import serve_lifespan
from modelwatch_fastapi.middleware import WatchMiddleware
from modelwatch_fastapi.paths import RequestPaths

__all__ = ["DEFAULT_MAX_BODY_BYTES", "CaptureMiddleware"]

DEFAULT_MAX_BODY_BYTES: Final = 1_000_000


class CaptureMiddleware:
    """Watches the predictions that any ASGI app makes, by its requests and responses.

    ::

        app = CaptureMiddleware(app, watch=watch, routes=["/predict", "/models/{name}/predict"])
        app.add_middleware(CaptureMiddleware, watch=watch, routes=["/predict"])  # the same

    Where a request has one of the methods and paths, its JSON body holds the features and the JSON
    of its response the outputs. Both are copied as they pass by: no message is held back, but for
    the last of a request, which waits while its JSON is read (a few microseconds for a row; some
    milliseconds for the most bytes). Whether a prediction is in the sample is decided by its id
    before anything is copied. All requests to the routes are counted and timed, from when their
    body has arrived until their response is sent.

    A body that is larger, or no JSON, is not captured, which is logged once; so is a streamed
    response. A request without its inputs is counted as not sampled. A status of 400 or more is a
    failure: ``RequestValidationError`` for 422, else as in ``HTTP 404``; where an exception passes,
    its type. The response's headers tell of the prediction as for an instrumented app, and the
    watch is flushed when the server shuts down.

    Args:
        app: the app.
        watch: what captures the predictions.
        routes: paths as Starlette declares them, below the server's root path.
        methods: of requests that are predictions.
        sample_rate: share of predictions whose rows are captured, in [0, 1].
        max_body_bytes: of a request or response that is captured, also once it is unpacked.

    Raises:
        ConfigurationError: where an argument cannot work.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        watch: mw.Watch,
        routes: Iterable[str],
        methods: Collection[str] = ("POST",),
        sample_rate: float = 1.0,
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
    ) -> None:
        _validate(sample_rate, max_body_bytes)
        self._app = app
        self._watch = watch
        self._paths = RequestPaths(routes, methods)
        capture = BodyCapture(
            app, watch=watch, sample_rate=sample_rate, max_body_bytes=max_body_bytes
        )
        self._captured: ASGIApp = WatchMiddleware(capture, watch) if watch.enabled else app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or the lifespan."""
        if scope["type"] == "lifespan":
            await serve_lifespan(self._app, self._watch, scope, receive, send)
        elif scope["type"] == "http" and self._paths.match(scope):
            await self._captured(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _validate(sample_rate: float, max_body_bytes: int) -> None:
    """Refuse what cannot work when the app is made, not at its first request."""
    if isinstance(sample_rate, bool) or not isinstance(sample_rate, (int, float)):
        is_share = False
    else:
        is_share = 0.0 <= sample_rate <= 1.0
    if not is_share:
        raise ConfigurationError(
            f"sample_rate is {sample_rate!r}: give the share of predictions to capture, "
            "from 0 to 1."
        )
    is_size = isinstance(max_body_bytes, int) and not isinstance(max_body_bytes, bool)
    if not is_size or max_body_bytes < 1:
        raise ConfigurationError(
            f"max_body_bytes is {max_body_bytes!r}: give a whole number of 1 or more."
        )
