from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import modelwatch as mw
import modelwatch_fastapi
from modelwatch_fastapi import CaptureMiddleware
from tests.watched import FakeTransport


async def raising(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve HTTP alone, as Django does."""
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")


async def returning(scope: Scope, receive: Receive, send: Send) -> None:
    """Leave at once what it does not know."""


async def listening(scope: Scope, receive: Receive, send: Send) -> None:
    """Listen, and then raise."""
    message = await receive()
    assert message["type"] == "lifespan.startup"
    raise NotImplementedError


class Server:
    """The server's side of a lifespan."""

    def __init__(self, transport: FakeTransport) -> None:
        self.scope: Scope = {"type": "lifespan", "state": {}}
        self.heard: list[tuple[str, int]] = []
        self._transport = transport
        self._to_say = ["lifespan.startup", "lifespan.shutdown"]

    async def receive(self) -> Message:
        """Tell of the next event."""
        return {"type": self._to_say.pop(0)}

    async def send(self, message: Message) -> None:
        """Note what the app says, and how much had been sent by then."""
        self.heard.append((message["type"], len(self._transport.sent)))

    async def run(self, app: ASGIApp) -> list[tuple[str, int]]:
        """Run the lifespan of an app."""
        await app(self.scope, self.receive, self.send)
        return self.heard


@pytest.mark.parametrize("app", [raising, returning, listening])
async def test_an_app_without_a_lifespan_is_flushed(
    app: ASGIApp, watch: mw.Watch, transport: FakeTransport
) -> None:
    """The lifespan is served in its place, and what was captured is sent before its end."""
    watch.count()
    heard = await Server(transport).run(CaptureMiddleware(app, watch=watch, routes=["/predict"]))
    assert heard == [("lifespan.startup.complete", 0), ("lifespan.shutdown.complete", 1)]


async def test_a_startup_that_fails_is_not_covered_up(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """What an app says of its own failure reaches the server, and nothing is said for it."""

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.failed", "message": "no model"})
        raise RuntimeError("no model")

    server = Server(transport)
    with pytest.raises(RuntimeError, match="no model"):
        await server.run(CaptureMiddleware(failing, watch=watch, routes=["/predict"]))
    assert server.heard == [("lifespan.startup.failed", 0)]


def test_a_watch_is_flushed_once(watch: mw.Watch, transport: FakeTransport) -> None:
    """However many middlewares of an app have the watch, its last word comes after the app's."""
    events: list[int] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        yield {"model": "loaded"}
        watch.count()
        events.append(len(transport.sent))

    app = FastAPI(lifespan=lifespan)
    modelwatch_fastapi.instrument(app, watch)
    modelwatch_fastapi.instrument(app, watch)
    app.add_middleware(CaptureMiddleware, watch=watch, routes=["/predict"])
    with TestClient(app) as client:
        assert client.app_state == {"model": "loaded"}
    assert events == [0]
    assert len(transport.sent) == 1
