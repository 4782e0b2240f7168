from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.testclient import TestClient

import modelwatch as mw
import modelwatch_fastapi
from modelwatch.errors import ConfigurationError, OutlierRejected
from tests.integrations.modelwatch_fastapi.houses import HOUSE, House, Price, profile_of
from tests.watched import FakeTransport


@pytest.fixture
def app() -> FastAPI:
    """An app with routes of several kinds, none of them decorated."""
    app = FastAPI()
    router = APIRouter(prefix="/v1")

    @app.post("/predict")
    def predict(house: House, limit: int = 3) -> Price:
        if house.city == "Atlantis":
            raise HTTPException(404, "no such city")
        return Price(price=house.area)

    @router.post("/predict")
    async def predict_included(
        house: House, extra: Annotated[str, Depends(lambda: "extra")]
    ) -> dict[str, float]:
        assert extra == "extra"
        return {"price": house.area}

    @app.post("/batch")
    async def batch(houses: list[House]) -> list[Price]:
        return [Price(price=house.area) for house in houses]

    @app.post("/two")
    def two(house: Annotated[House, Body()], other: Annotated[House, Body()]) -> None:
        """Take two bodies."""

    @app.get("/health")
    def health() -> str:
        return "fine"

    app.include_router(router)
    return app


ROUTES = ["/predict", "/v1/predict", "/batch"]


def test_named_routes_are_captured(app: FastAPI, watch: mw.Watch, transport: FakeTransport) -> None:
    """Sync and async endpoints, included routers and batches: body and result are captured."""
    modelwatch_fastapi.instrument(app, watch, routes=ROUTES)
    client = TestClient(app)
    assert client.post("/predict", json=HOUSE).json() == {"price": 60.0}
    assert client.post("/v1/predict", json=HOUSE).json() == {"price": 60.0}
    assert client.post("/batch", json=[HOUSE, HOUSE]).json() == [{"price": 60.0}] * 2
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions) == (4, {"": 3})
    assert {name: found.observed for name, found in profile.features.items()} == {
        "area": 4,
        "city": 4,
        "price": 4,
    }


def test_failures_are_counted_apart(
    app: FastAPI, watch: mw.Watch, transport: FakeTransport
) -> None:
    """Invalid requests, raised errors and successes are told apart; answers stay as they were."""
    modelwatch_fastapi.instrument(app, watch, routes=ROUTES)
    client = TestClient(app)
    client.post("/predict", json=HOUSE)
    assert client.post("/predict", json={"area": "wide"}).status_code == 422
    assert client.post("/predict", content=b"{").status_code == 422
    assert client.post("/v1/predict", json={}).status_code == 422
    assert client.post("/predict", json=HOUSE | {"city": "Atlantis"}).status_code == 404
    assert client.post("/two", json={}).status_code == 422
    profile = profile_of(watch, transport)
    assert profile.predictions == {"": 1, "RequestValidationError": 3, "HTTPException": 1}


def test_each_response_carries_an_id(app: FastAPI, watch: mw.Watch) -> None:
    """A usable id of the request is kept; any other is replaced by one of ours."""
    modelwatch_fastapi.instrument(app, watch, routes=ROUTES)
    client = TestClient(app)
    ids = {client.post("/predict", json=HOUSE).headers["x-prediction-id"] for _ in range(3)}
    assert len(ids) == 3
    for given, kept in (
        ("order-7:a.b_c", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("a b", False),
        ("<script>", False),
        ("", False),
    ):
        found = client.post("/predict", json=HOUSE, headers={"x-prediction-id": given})
        assert (found.headers["x-prediction-id"] == given) is kept
        assert len(found.headers.get_list("x-prediction-id")) == 1
    assert "x-prediction-id" in client.get("/health").headers


def test_outliers_are_named_in_a_header(app: FastAPI, watch: mw.Watch) -> None:
    """The header names features and rules where there are outliers, and is absent otherwise."""
    modelwatch_fastapi.instrument(app, watch, routes=ROUTES)
    client = TestClient(app)
    assert "x-modelwatch-outliers" not in client.post("/predict", json=HOUSE).headers
    found = client.post("/predict", json={"area": 1e9, "city": "Bergen"})
    assert found.headers["x-modelwatch-outliers"] == "area=range, city=unseen_category"


def test_decorated_functions_are_tied_to_their_requests(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """Without routes, functions under @watch below any endpoint get the request's id."""
    app = FastAPI()
    ids: list[str] = []

    @watch
    def score(house: dict[str, Any]) -> float:
        prediction = mw.current_prediction()
        assert prediction is not None
        ids.append(prediction.id)
        return 0.5

    @app.post("/sync")
    def sync(house: House) -> float:
        return score(house.model_dump())

    @app.post("/later")
    async def later(house: House) -> float:
        return score(house.model_dump())

    @app.post("/endpoint")
    @watch
    async def endpoint(house: House) -> Price:
        prediction = mw.current_prediction()
        assert prediction is not None
        ids.append(prediction.id)
        return Price(price=score(house.model_dump()))

    modelwatch_fastapi.instrument(app, watch)
    client = TestClient(app)
    for path in ("/sync", "/later", "/endpoint"):
        found = client.post(path, json={"area": 1e9, "city": "Rome"})
        assert found.status_code == 200
        assert found.headers["x-prediction-id"] in ids
        assert found.headers["x-modelwatch-outliers"] == "area=range"
    assert profile_of(watch, transport).predictions == {"": 3}


def test_the_schema_stays_as_it_was(app: FastAPI, watch: mw.Watch) -> None:
    """Neither instrument nor uninstrument changes OpenAPI."""
    before = TestClient(app).get("/openapi.json").json()
    app.openapi_schema = app.middleware_stack = None
    modelwatch_fastapi.instrument(app, watch, routes=ROUTES)
    assert TestClient(app).get("/openapi.json").json() == before
    app.openapi_schema = None
    modelwatch_fastapi.uninstrument(app)
    assert TestClient(app).get("/openapi.json").json() == before


def test_uninstrument_takes_everything_back(
    app: FastAPI, watch: mw.Watch, transport: FakeTransport
) -> None:
    """Afterwards nothing is captured and no header is added; it can be instrumented again."""
    modelwatch_fastapi.instrument(app, watch, routes=ROUTES)
    TestClient(app).post("/predict", json=HOUSE)
    modelwatch_fastapi.uninstrument(app)
    modelwatch_fastapi.uninstrument(app)
    for path in ("/predict", "/v1/predict"):
        found = TestClient(app).post(path, json=HOUSE)
        assert found.json() == {"price": 60.0}
        assert "x-prediction-id" not in found.headers
    assert profile_of(watch, transport).rows == 1


REFUSED = {
    "detail": [
        {
            "type": "outlier_range",
            "loc": ["body", "area"],
            "msg": "Input is unlike what the model was trained on (range)",
        }
    ]
}


@pytest.fixture
def refusing(watch: mw.Watch) -> FastAPI:
    """An app with an endpoint that refuses outliers, and one that fails."""
    app = FastAPI()

    @app.post("/predict")
    @watch(on_outlier="raise")
    def predict(house: House) -> Price:
        return Price(price=house.area)

    @app.post("/broken")
    @watch
    def broken(house: House) -> Price:
        raise RuntimeError("the user's own")

    return app


def test_a_refused_input_is_answered(refusing: FastAPI, watch: mw.Watch) -> None:
    """on_outlier="raise" gives a 422 as FastAPI words it, with id and outliers in the headers."""
    modelwatch_fastapi.instrument(refusing, watch)
    client = TestClient(refusing)
    found = client.post(
        "/predict", json=HOUSE | {"area": 1e9}, headers={"x-prediction-id": "order-7"}
    )
    assert (found.status_code, found.json()) == (422, REFUSED)
    assert found.headers["x-prediction-id"] == "order-7"
    assert found.headers["x-modelwatch-outliers"] == "area=range"
    assert client.post("/predict", json=HOUSE).status_code == 200


@pytest.mark.parametrize("kind", [OutlierRejected, ValueError])
def test_the_apps_own_answer_to_a_refusal_stays(
    refusing: FastAPI, watch: mw.Watch, kind: type[Exception]
) -> None:
    """An app that handles refusals itself goes on to do so."""

    @refusing.exception_handler(kind)
    def own(request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse("own", status_code=418)

    modelwatch_fastapi.instrument(refusing, watch)
    found = TestClient(refusing).post("/predict", json=HOUSE | {"area": 1e9})
    assert (found.status_code, found.text) == (418, "own")
    assert found.headers["x-modelwatch-outliers"] == "area=range"


def _sync_answer(request: Request, error: Exception) -> PlainTextResponse:
    return PlainTextResponse(f"sync: {error}", status_code=503)


async def _async_answer(request: Request, error: Exception) -> PlainTextResponse:
    return PlainTextResponse(f"async: {error}", status_code=500)


@pytest.mark.parametrize("key", [500, Exception])
@pytest.mark.parametrize("answer", [None, _sync_answer, _async_answer])
def test_an_unhandled_exception_is_answered_as_before_and_with_an_id(
    refusing: FastAPI, watch: mw.Watch, key: Any, answer: Any
) -> None:
    """The answer is the one the app would give without us, and its prediction can be found."""
    if answer is not None:
        refusing.add_exception_handler(key, answer)
    handlers = list(refusing.exception_handlers.items())
    client = TestClient(refusing, raise_server_exceptions=False)

    def ask() -> Any:
        row = HOUSE | {"area": 1e9}
        return client.post("/broken", json=row, headers={"x-prediction-id": "order-7"})

    before = ask()
    refusing.middleware_stack = None
    for _ in range(2):
        modelwatch_fastapi.instrument(refusing, watch)
    after = ask()
    assert (after.status_code, after.content) == (before.status_code, before.content)
    assert after.headers["x-prediction-id"] == "order-7"
    assert after.headers["x-modelwatch-outliers"] == "area=range"
    assert len(after.headers) == len(before.headers) + 2
    modelwatch_fastapi.uninstrument(refusing)
    assert list(refusing.exception_handlers.items()) == handlers
    assert "x-prediction-id" not in ask().headers


def test_a_handler_that_comes_later_stays(refusing: FastAPI, watch: mw.Watch) -> None:
    """What the app adds after us is neither overridden nor taken away."""
    modelwatch_fastapi.instrument(refusing, watch)
    for key in (OutlierRejected, Exception):
        refusing.add_exception_handler(key, _sync_answer)
    client = TestClient(refusing, raise_server_exceptions=False)
    assert client.post("/predict", json=HOUSE | {"area": 1e9}).status_code == 503
    assert client.post("/broken", json=HOUSE).text == "sync: the user's own"
    modelwatch_fastapi.uninstrument(refusing)
    assert refusing.exception_handlers[Exception] is _sync_answer
    assert refusing.exception_handlers[OutlierRejected] is _sync_answer


def test_a_started_app_is_refused(app: FastAPI, watch: mw.Watch) -> None:
    """The error names the remedy, and what was instrumented before goes on."""
    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])
    client = TestClient(app)
    client.post("/predict", json=HOUSE)
    with pytest.raises(ConfigurationError, match=r"before .* or uninstrument\(\) it first"):
        modelwatch_fastapi.instrument(app, watch, routes=["/batch"])
    assert "x-prediction-id" in client.post("/batch", json=[HOUSE]).headers
    modelwatch_fastapi.uninstrument(app)
    modelwatch_fastapi.instrument(app, watch, routes=["/batch"])
    assert "x-prediction-id" in client.post("/batch", json=[HOUSE]).headers


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        (["/absent"], "'/absent' is no route of the app, which has .*'?/batch"),
        (["/two"], "'/two' has 2 body parameters"),
        (["/health"], "'/health' has 0 body parameters"),
        ("/predict", "give a list of paths"),
    ],
)
def test_routes_that_cannot_be_captured_are_refused(
    app: FastAPI, watch: mw.Watch, routes: Any, message: str
) -> None:
    """The error names the route and the remedy, and leaves the app as it was."""
    with pytest.raises(ConfigurationError, match=message):
        modelwatch_fastapi.instrument(app, watch, routes=routes)
    assert app.user_middleware == []


def test_two_watches_share_an_app(app: FastAPI, watch: mw.Watch, transport: FakeTransport) -> None:
    """Two models in one app: each is captured by its own watch, and a response has one id."""
    other_transport = FakeTransport()
    other = mw.Watch("other", version="1", transport=other_transport)
    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])
    modelwatch_fastapi.instrument(app, other, routes=["/batch"])
    client = TestClient(app)
    found = client.post("/predict", json=HOUSE)
    assert len(found.headers.get_list("x-prediction-id")) == 1
    client.post("/batch", json=[HOUSE])
    client.post("/predict", json={})
    client.post("/batch", json={})
    assert profile_of(watch, transport).predictions == {"": 1, "RequestValidationError": 1}
    assert profile_of(other, other_transport).predictions == {"": 1, "RequestValidationError": 1}
    other.shutdown(1.0)


def test_the_shutdown_flushes_after_the_apps_own(watch: mw.Watch, transport: FakeTransport) -> None:
    """The user's lifespan runs as before, state and all, and the flush comes after it."""
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        events.append("start")
        yield {"model": "loaded"}
        events.append(f"stop, {len(transport.sent)} sent")

    app = FastAPI(lifespan=lifespan)

    @app.post("/predict")
    def predict(house: House) -> Price:
        return Price(price=house.area)

    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])
    with TestClient(app) as client:
        client.post("/predict", json=HOUSE)
    assert events == ["start", "stop, 0 sent"]
    assert sum(found.rows for found in transport.profiles()) == 1


def test_a_failing_lifespan_still_fails(watch: mw.Watch) -> None:
    """An error of the user's own lifespan is reported as before."""

    def load_model() -> None:
        raise RuntimeError("no model")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        load_model()
        yield

    app = FastAPI(lifespan=lifespan)
    modelwatch_fastapi.instrument(app, watch)
    with pytest.raises(RuntimeError, match="no model"), TestClient(app):
        pass


def test_streams_and_errors_pass(watch: mw.Watch) -> None:
    """Streaming responses and unhandled errors are what they were."""
    app = FastAPI()

    @app.get("/stream")
    def stream() -> StreamingResponse:
        return StreamingResponse(iter([b"a", b"b"]))

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("the user's own")

    modelwatch_fastapi.instrument(app, watch)
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/stream").content == b"ab"
    assert client.get("/broken").status_code == 500
    with pytest.raises(RuntimeError, match="the user's own"):
        TestClient(app).get("/broken")


async def test_requests_side_by_side_keep_their_ids(
    app: FastAPI, watch: mw.Watch, transport: FakeTransport
) -> None:
    """Under concurrency each response carries the outliers and id of its own request."""
    modelwatch_fastapi.instrument(app, watch, routes=ROUTES)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")

    async def ask(number: int) -> bool:
        area = 1e9 if number % 2 else 60.0
        headers = {"x-prediction-id": f"id-{number}"}
        path = ROUTES[number % 3 % 2]
        found = await client.post(path, json={"area": area, "city": "Rome"}, headers=headers)
        has_outliers = "x-modelwatch-outliers" in found.headers
        return found.headers["x-prediction-id"] == f"id-{number}" and has_outliers == number % 2

    async with client:
        assert all(await asyncio.gather(*(ask(number) for number in range(60))))
    assert profile_of(watch, transport).rows == 60
