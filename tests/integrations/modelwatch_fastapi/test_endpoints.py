from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import httpx
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, Response
from fastapi.testclient import TestClient
from starlette.middleware.base import BaseHTTPMiddleware

import modelwatch as mw
import modelwatch_fastapi
from modelwatch_fastapi import CaptureMiddleware
from tests.integrations.modelwatch_fastapi.houses import HOUSE, House, Price, profile_of
from tests.watched import FakeTransport

TASKS = 1_000
THREADS = 64
REQUESTS_A_THREAD = 8


async def session(request: Request) -> AsyncIterator[str]:
    """Open what an endpoint needs, note what becomes of it, and close it."""
    events: list[object] = request.app.state.events
    events.append("open")
    try:
        yield "session"
    except HTTPException as error:
        events.append(error.status_code)
        raise
    finally:
        events.append("close")


def test_the_endpoint_is_timed_and_not_what_follows(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """A background task runs as before, and may make predictions of its own."""
    app, done = FastAPI(), []

    @watch
    def score(house: dict[str, Any]) -> float:
        return 0.5

    def later() -> None:
        done.append(score(HOUSE))

    @app.post("/predict")
    def predict(house: House, tasks: BackgroundTasks) -> Price:
        tasks.add_task(later)
        return Price(price=house.area)

    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])
    assert TestClient(app).post("/predict", json=HOUSE).json() == {"price": 60.0}
    assert done == [0.5]
    assert profile_of(watch, transport).predictions == {"": 2}


def test_dependencies_work_as_before(watch: mw.Watch, transport: FakeTransport) -> None:
    """Plain ones and those with yield, which see what the endpoint raised; it is counted too."""
    app = FastAPI()
    events = app.state.events = []

    @app.post("/predict", status_code=201)
    async def predict(house: House, found: Annotated[str, Depends(session)]) -> Price:
        assert found == "session"
        if house.city == "Atlantis":
            raise HTTPException(404, "no such city")
        return Price(price=house.area)

    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])
    client = TestClient(app)
    assert client.post("/predict", json=HOUSE).status_code == 201
    assert client.post("/predict", json=HOUSE | {"city": "Atlantis"}).status_code == 404
    assert events == ["open", "close", "open", 404, "close"]
    assert profile_of(watch, transport).predictions == {"": 1, "HTTPException": 1}


def test_a_dependency_that_refuses_is_no_prediction(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """Who is not let in has asked nothing of the model."""
    app = FastAPI()

    def allow() -> None:
        raise HTTPException(401)

    @app.post("/predict", dependencies=[Depends(allow)])
    def predict(house: House) -> Price:
        return Price(price=house.area)

    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])
    assert TestClient(app).post("/predict", json=HOUSE).status_code == 401
    watch.count()
    assert profile_of(watch, transport).predictions == {"": 1}


def test_the_response_model_is_applied_to_what_was_captured(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """What the model returned is captured, what the client gets is filtered as before."""
    app = FastAPI()

    @app.post("/predict", response_model=Price)
    def predict(house: House) -> dict[str, float]:
        return {"price": house.area, "secret": 1.0}

    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])
    assert TestClient(app).post("/predict", json=HOUSE).json() == {"price": 60.0}
    assert profile_of(watch, transport).features["price"].observed == 1


def test_sync_endpoints_run_in_threads(watch: mw.Watch, transport: FakeTransport) -> None:
    """An endpoint that is a plain function leaves the event loop free, as before."""
    app = FastAPI()
    meeting = threading.Barrier(2, timeout=30)

    @app.post("/predict")
    def predict(house: House) -> Price:
        meeting.wait()
        return Price(price=house.area)

    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])

    async def ask_two() -> list[httpx.Response]:
        transport_to_app = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport_to_app, base_url="http://app") as client:
            asked = [client.post("/predict", json=HOUSE) for _ in range(2)]
            return await asyncio.gather(*asked)

    assert [found.json() for found in asyncio.run(ask_two())] == [{"price": 60.0}] * 2
    assert profile_of(watch, transport).predictions == {"": 2}


async def passing(request: Request, call_next: Callable[..., Awaitable[Response]]) -> Response:
    """Pass a request on, as a middleware of the user's does, in a task of its own."""
    return await call_next(request)


def test_middlewares_of_the_users_own_stay(watch: mw.Watch, transport: FakeTransport) -> None:
    """Inside and outside of ours; the id reaches the function through them, and they stay."""
    app, ids = FastAPI(), []

    @app.post("/predict")
    @watch
    async def predict(house: House) -> Price:
        found = mw.current_prediction()
        assert found is not None
        ids.append(found.id)
        return Price(price=house.area)

    app.add_middleware(BaseHTTPMiddleware, dispatch=passing)
    other = mw.Watch("other", version="1", transport=FakeTransport())
    app.add_middleware(CaptureMiddleware, watch=other, routes=["/elsewhere"])
    own = list(app.user_middleware)
    modelwatch_fastapi.instrument(app, watch)
    modelwatch_fastapi.instrument(app, other)
    app.add_middleware(BaseHTTPMiddleware, dispatch=passing)
    found = TestClient(app).post("/predict", json=HOUSE)
    assert ids == [found.headers["x-prediction-id"]]
    assert profile_of(watch, transport).predictions == {"": 1}
    modelwatch_fastapi.uninstrument(app)
    assert app.user_middleware[1:] == own
    assert "x-prediction-id" not in TestClient(app).post("/predict", json=HOUSE).headers
    other.shutdown(1.0)


def several(watch: mw.Watch, *, sync: bool) -> FastAPI:
    """Return an app that answers in several ways, each of them captured once."""
    app, inner = FastAPI(), FastAPI()

    async def predict(house: House) -> Price:
        await asyncio.sleep(0)
        return Price(price=house.area)

    def predict_in_thread(house: House) -> Price:
        return Price(price=house.area)

    @watch
    async def score(house: dict[str, Any]) -> float:
        await asyncio.sleep(0)
        return float(house["area"])

    async def decorated(house: House) -> Price:
        return Price(price=await score(house.model_dump()))

    endpoint = predict_in_thread if sync else predict
    app.post("/predict")(endpoint)
    inner.post("/predict")(endpoint)
    app.post("/decorated")(decorated)
    app.post("/untouched")(endpoint)
    app.mount("/v1", inner)
    modelwatch_fastapi.instrument(app, watch, routes=["/predict", "/v1/predict"])
    app.add_middleware(CaptureMiddleware, watch=watch, routes=["/untouched"])
    return app


PATHS = ["/predict", "/v1/predict", "/decorated", "/untouched"]


@pytest.mark.parametrize("sync", [False, True])
async def test_a_thousand_tasks_are_counted_exactly(
    sync: bool, watch: mw.Watch, transport: FakeTransport
) -> None:
    """Of a thousand requests at once each is captured once, and no two have one id."""
    app = several(watch, sync=sync)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app")

    async def ask(number: int) -> str:
        area = 1e9 if number % 3 == 0 else 60.0
        found = await client.post(PATHS[number % 4], json=HOUSE | {"area": area})
        assert found.json() == {"price": area}
        assert ("x-modelwatch-outliers" in found.headers) is (number % 3 == 0)
        return str(found.headers["x-prediction-id"])

    async with client:
        ids = await asyncio.gather(*(ask(number) for number in range(TASKS)))
    assert len(set(ids)) == TASKS
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions, profile.dropped) == (TASKS, {"": TASKS}, {})
    assert profile.features["area"].outliers == Counter(range=len(range(0, TASKS, 3)))


@pytest.mark.slow
def test_sixty_four_threads_are_counted_exactly(watch: mw.Watch, transport: FakeTransport) -> None:
    """Clients in threads of their own, each with an event loop: no count is lost or doubled."""
    app = several(watch, sync=True)

    def ask_many(first: int) -> list[str]:
        client = TestClient(app)
        paths = [PATHS[number % 4] for number in range(first, first + REQUESTS_A_THREAD)]
        return [client.post(path, json=HOUSE).headers["x-prediction-id"] for path in paths]

    with ThreadPoolExecutor(THREADS) as threads:
        ids = [name for found in threads.map(ask_many, range(THREADS)) for name in found]
    requests = THREADS * REQUESTS_A_THREAD
    assert len(set(ids)) == requests
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions) == (requests, {"": requests})
