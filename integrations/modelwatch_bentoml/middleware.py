"""The ASGI middleware of an instrumented service."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import modelwatch as mw

__all__ = ["OUTLIERS_HEADER", "PREDICTION_ID_HEADER", "Tie", "WatchMiddleware", "ties_of"]

PREDICTION_ID_HEADER: Final = "x-prediction-id"
OUTLIERS_HEADER: Final = "x-modelwatch-outliers"

_USABLE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_MOST_OUTLIERS: Final = 50
_BAD_REQUEST: Final = 400


@dataclass(frozen=True, kw_only=True)
class Tie:
    """What one `instrument` has tied together.

    Attributes:
        service: the service.
        watch: what captures its predictions.
        predicting: paths where each request is one prediction.
        captured: those among them whose invalid requests are counted as failed predictions.
        restore: each takes one change of the service back.
    """

    service: Any
    watch: mw.Watch
    predicting: frozenset[str]
    captured: frozenset[str]
    restore: Sequence[Callable[[], None]]


class WatchMiddleware:
    """Opens a prediction scope around each request, and flushes when the service shuts down.

    Args:
        app: the next ASGI app.
        tie: what is served, and what watches it.
    """

    def __init__(self, app: ASGIApp, tie: Tie) -> None:
        self._app = app
        self._tie = tie

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
        if outer is not None:  # another watch's middleware, or a method that calls its own service
            await self._app(scope, receive, self._counting(scope, outer, send))
            return
        with mw.prediction_scope(_requested_id(scope)) as prediction:
            tagging = self._tagging(scope, prediction, send)
            await self._app(scope, receive, self._counting(scope, prediction, tagging))

    def _counting(self, scope: Scope, prediction: mw.Prediction, send: Send) -> Send:
        """Count requests that BentoML refused before the method was called."""

        async def counting(message: Message) -> None:
            is_refused = message.get("status") == _BAD_REQUEST  # of the message that has a status
            if is_refused and not prediction.made:
                self._tie.watch.log_failure("ValidationError")
            await send(message)

        return counting if scope["path"] in self._tie.captured else send

    def _tagging(self, scope: Scope, prediction: mw.Prediction, send: Send) -> Send:
        is_predicting = scope["path"] in self._tie.predicting

        async def tagging(message: Message) -> None:
            if message["type"] == "http.response.start" and (is_predicting or prediction.made):
                _tag(MutableHeaders(scope=message), prediction)
            await send(message)

        return tagging

    def _flushing(self, send: Send) -> Send:
        """Flush before the end of the shutdown is reported; the worker is ended then."""

        async def flushing(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                for watch in self._watches_of_process():
                    await run_in_threadpool(watch.flush)
            await send(message)

        return flushing

    def _watches_of_process(self) -> list[mw.Watch]:
        """Return this watch, and those of dependencies that have no process of their own."""
        service = self._tie.service
        others = [other for other in service.all_services().values() if other is not service]
        inside = [tie for other in others if other.url is None for tie in ties_of(other)]
        return [self._tie.watch, *(tie.watch for tie in inside)]


def ties_of(service: Any) -> list[Tie]:
    """Return what each `instrument` of a service has tied, in their order."""
    ours: object = WatchMiddleware
    return [options["tie"] for middleware, options in service.middlewares if middleware is ours]


def _tag(headers: MutableHeaders, prediction: mw.Prediction) -> None:
    headers[PREDICTION_ID_HEADER] = prediction.id
    if prediction.outliers:
        outliers = list(prediction.outliers.items())[:_MOST_OUTLIERS]
        named = (f"{quote(name, safe='')}={rule}" for name, rule in outliers)
        headers[OUTLIERS_HEADER] = ", ".join(named)


def _requested_id(scope: Scope) -> str | None:
    """Return the id that the client sent, where it is short and plain."""
    given = Headers(scope=scope).get(PREDICTION_ID_HEADER, "")
    return given if _USABLE_ID.fullmatch(given) else None
