from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import fastapi
import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

import modelwatch as mw
import modelwatch_fastapi
from tests.integrations.modelwatch_fastapi.asgi_calls import Request
from tests.integrations.modelwatch_fastapi.houses import HOUSE, House, profile_of
from tests.watched import FakeTransport

JSON = {"content-type": "application/json"}
SERVES_GENERATORS = tuple(map(int, fastapi.__version__.split(".")[:2])) >= (0, 134)
Note = Callable[[str], None]


def streaming(watch: mw.Watch, note: Note, *, is_async: bool) -> FastAPI:
    """Return an app that streams the items of a watched generator."""
    app = FastAPI()

    @watch
    def prices(house: dict[str, Any]) -> Iterator[str]:
        for number in range(3):
            note("made")
            yield f"data: {number}\n\n"

    @watch
    async def prices_later(house: dict[str, Any]) -> AsyncIterator[str]:
        for item in ("0", "1", "2"):
            note("made")
            yield f"data: {item}\n\n"

    @app.post("/predict")
    async def predict(house: House) -> StreamingResponse:
        source: Any = prices_later if is_async else prices
        return StreamingResponse(source(house.model_dump()), media_type="text/event-stream")

    return app


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_stream_is_counted_once_and_never_waits(
    is_async: bool, watch: mw.Watch, transport: FakeTransport
) -> None:
    """Each item is sent before the next is made; the stream is one prediction, with the id."""
    request = Request([json.dumps(HOUSE).encode()], headers=JSON | {"x-prediction-id": "order-7"})
    app = streaming(watch, request.events.append, is_async=is_async)
    modelwatch_fastapi.instrument(app, watch)
    await request.put(app)
    assert [event for event in request.events if event != "asked"] == [
        *("made", ("sent", b"data: 0\n\n"), "made", ("sent", b"data: 1\n\n")),
        *("made", ("sent", b"data: 2\n\n"), ("sent", b"")),
    ]
    assert request.headers["x-prediction-id"] == "order-7"
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions) == (1, {"": 1})


async def test_a_stream_behind_the_capturing_middleware(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """In front of an app that streams, each event still passes as it is made."""
    request = Request([json.dumps(HOUSE).encode()], headers=JSON)
    disabled = mw.Watch("houses", version="1", transport=FakeTransport())
    disabled.shutdown(1.0)
    app = streaming(disabled, request.events.append, is_async=True)
    await request.put(modelwatch_fastapi.CaptureMiddleware(app, watch=watch, routes=["/predict"]))
    assert [event for event in request.events if event != "asked"][:3] == [
        "made",
        ("sent", b"data: 0\n\n"),
        "made",
    ]
    assert profile_of(watch, transport).predictions == {"": 1}


@pytest.mark.skipif(not SERVES_GENERATORS, reason="of FastAPI since 0.134")
def test_generator_endpoints_are_captured_by_their_route(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """An endpoint that is a generator itself streams as before, and is one prediction."""
    app = FastAPI()

    @app.post("/predict", response_class=StreamingResponse)
    async def predict(house: House) -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])
    assert TestClient(app).post("/predict", json=HOUSE).content == b"ab"
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions) == (1, {"": 1})


def talking(watch: mw.Watch, ids: list[str]) -> FastAPI:
    """Return an app that makes a prediction for each message of a connection."""
    app = FastAPI()

    @watch
    def score(house: dict[str, Any]) -> float:
        prediction = mw.current_prediction()
        assert prediction is not None
        ids.append(prediction.id)
        return float(house["area"])

    @watch
    async def score_later(house: dict[str, Any]) -> float:
        prediction = mw.current_prediction()
        assert prediction is not None
        ids.append(prediction.id)
        return float(house["area"])

    @app.websocket("/talk")
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        assert mw.current_prediction() is None
        async for house in websocket.iter_json():
            at_once = await asyncio.to_thread(score, house)
            await websocket.send_json([at_once, await score_later(house)])

    return app


def test_each_prediction_of_a_websocket_is_its_own(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """All are counted, each with an id of its own; the connection itself is no prediction."""
    ids: list[str] = []
    app = talking(watch, ids)
    modelwatch_fastapi.instrument(app, watch)
    headers = {"x-prediction-id": "connection-7"}
    with TestClient(app).websocket_connect("/talk", headers=headers) as websocket:
        for number in range(5):
            websocket.send_json(HOUSE | {"area": 60.0 + number})
            assert websocket.receive_json() == [60.0 + number] * 2
        assert "x-prediction-id" not in dict(websocket.extra_headers or [])
    assert len(set(ids)) == len(ids) == 10
    assert "connection-7" not in ids
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions) == (10, {"": 10})
