from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, FastAPI, WebSocket, routing
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute

import modelwatch as mw
import modelwatch_fastapi
from modelwatch.errors import ConfigurationError, OutlierRejected
from tests.integrations.modelwatch_fastapi.houses import HOUSE, House, Price, profile_of
from tests.told_outcomes import ToldPrediction, told_predictions
from tests.watched import FakeTransport, Watched

FAR = {"area": 1e9, "city": "Rome"}


def priced(router: FastAPI | APIRouter, path: str = "/predict") -> None:
    """Add an endpoint of FastAPI's kind."""

    @router.post(path)
    async def predict(house: House) -> Price:
        return Price(price=house.area)


async def price(request: Request) -> Response:
    """Answer as an endpoint of Starlette does, which reads its request itself."""
    house = await request.json()
    if house.get("city") == "Atlantis":
        raise HTTPException(404, "no such city")
    if house.get("city") == "Ruins":
        raise RuntimeError("the user's own")
    return JSONResponse({"price": house["area"]})


def price_in_thread(request: Request) -> Response:
    """Answer without reading the request."""
    return PlainTextResponse("fine")


class Prices(HTTPEndpoint):
    """A class that serves a path."""

    async def post(self, request: Request) -> Response:
        """Answer."""
        return await price(request)


def included() -> FastAPI:
    """Routers in routers."""
    app, outer, inner = FastAPI(), APIRouter(prefix="/outer"), APIRouter(prefix="/inner")
    priced(inner)
    outer.include_router(inner, prefix="/between")
    app.include_router(outer, prefix="/v1")
    return app


def mounted() -> FastAPI:
    """An app in an app, and the inner one has a router."""
    app, inner, router = FastAPI(), FastAPI(), APIRouter(prefix="/inner")
    priced(router)
    inner.include_router(router, prefix="/between")
    app.mount("/v1/outer", inner)
    return app


def mounted_in_starlette() -> Starlette:
    """An app of FastAPI's in one of Starlette's, two levels down."""
    inner = FastAPI()
    priced(inner)
    deeper = Starlette(routes=[Mount("/between/inner", app=inner)])
    return Starlette(routes=[Mount("/v1/outer", app=deeper)])


def mounted_in_included() -> FastAPI:
    """An app of FastAPI's in a router that is included."""
    app, router, inner = FastAPI(), APIRouter(), FastAPI()
    priced(inner, "/inner/predict")
    router.mount("/outer/between", inner)
    app.include_router(router)
    whole = FastAPI()
    whole.mount("/v1", app)
    return whole


def starlette() -> Starlette:
    """Routes of Starlette's in mounts."""
    inner = Mount("/outer/between/inner", routes=[Route("/predict", price, methods=["POST"])])
    return Starlette(routes=[Mount("/v1", routes=[inner])])


def starlette_in_fastapi() -> FastAPI:
    """An app of Starlette's in one of FastAPI's, behind a router and a host."""
    inner = Router(routes=[Route("/between/inner/predict", Prices)])
    app = FastAPI()
    app.mount("/v1", Starlette(routes=[Host("{host}", Router([Mount("/outer", app=inner)]))]))
    return app


def request_in_fastapi() -> FastAPI:
    """An endpoint of FastAPI's that reads its request itself, in a router."""
    app, router = FastAPI(), APIRouter(prefix="/v1/outer/between")

    @router.post("/inner/predict")
    async def predict(request: Request) -> Response:
        return await price(request)

    app.include_router(router)
    return app


# Before FastAPI included routers lazily, it left their mounts out.
KEEPS_MOUNTS = hasattr(routing, "iter_route_contexts")
OF_FASTAPI = [included, mounted, mounted_in_starlette, *[mounted_in_included] * KEEPS_MOUNTS]
PLACES = [*OF_FASTAPI, starlette, starlette_in_fastapi, request_in_fastapi]
PATH = "/v1/outer/between/inner/predict"


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_route_is_found_wherever_it_is(
    place: Callable[[], Starlette], watch: mw.Watch, transport: FakeTransport
) -> None:
    """By its whole path, through routers and mounts; inputs, outputs, id and outliers are there."""
    app = place()
    modelwatch_fastapi.instrument(app, watch, routes=[PATH])
    client = TestClient(app)
    assert client.post(PATH, json=HOUSE).json() == {"price": 60.0}
    found = client.post(PATH, json=FAR, headers={"x-prediction-id": "order-7"})
    assert found.headers["x-prediction-id"] == "order-7"
    assert found.headers["x-modelwatch-outliers"] == "area=range"
    assert client.get(PATH).status_code == 405
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions, profile.dropped) == (2, {"": 2}, {})
    observed = {name: feature.observed for name, feature in profile.features.items()}
    assert observed == {"area": 2, "city": 2, "price": 2}


@pytest.mark.parametrize("place", OF_FASTAPI, ids=lambda place: place.__name__)
def test_invalid_requests_are_counted_wherever_the_route_is(
    place: Callable[[], Starlette], watch: mw.Watch, transport: FakeTransport
) -> None:
    """A 422 of FastAPI's is a failure, and no row is taken of it."""
    app = place()
    modelwatch_fastapi.instrument(app, watch, routes=[PATH])
    assert TestClient(app).post(PATH, json={"area": "wide"}).status_code == 422
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions) == (0, {"RequestValidationError": 1})


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_uninstrument_reaches_as_far(
    place: Callable[[], Starlette], watch: mw.Watch, transport: FakeTransport
) -> None:
    """Afterwards the route is as it was, and can be watched again."""
    app = place()
    for _ in range(2):
        modelwatch_fastapi.instrument(app, watch, routes=[PATH])
        assert "x-prediction-id" in TestClient(app).post(PATH, json=HOUSE).headers
        modelwatch_fastapi.uninstrument(app)
        assert "x-prediction-id" not in TestClient(app).post(PATH, json=HOUSE).headers
        modelwatch_fastapi.uninstrument(app)
    assert profile_of(watch, transport).predictions == {"": 2}
    assert app.user_middleware == []
    assert OutlierRejected not in app.exception_handlers


def test_what_a_starlette_endpoint_raises_is_counted(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """By status where Starlette answers, by type where nobody does; the answers stay."""
    app = Starlette(routes=[Route("/predict", price, methods=["POST"])])
    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])
    client = TestClient(app, raise_server_exceptions=False)
    assert client.post("/predict", json=HOUSE | {"city": "Atlantis"}).status_code == 404
    broken = client.post("/predict", json=HOUSE | {"city": "Ruins"})
    assert (broken.status_code, broken.text) == (500, "Internal Server Error")
    assert "x-prediction-id" in broken.headers
    profile = profile_of(watch, transport)
    assert profile.predictions == {"HTTP 404": 1, "RuntimeError": 1}


def test_functions_under_a_watch_in_starlette(watch: mw.Watch, transport: FakeTransport) -> None:
    """Without routes, a function under @watch below a Starlette endpoint has the request's id."""

    @watch(on_outlier="raise")
    def score(house: dict[str, Any]) -> float:
        return 0.5

    def predict(request: Request) -> Response:
        return JSONResponse(score({"area": float(request.query_params["area"]), "city": "Rome"}))

    app = Starlette(routes=[Mount("/v1", app=Starlette(routes=[Route("/predict", predict)]))])
    modelwatch_fastapi.instrument(app, watch)
    client = TestClient(app)
    assert client.get("/v1/predict?area=60").json() == 0.5
    refused = client.get("/v1/predict?area=1e9")
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "area"])
    assert refused.headers["x-modelwatch-outliers"] == "area=range"
    assert profile_of(watch, transport).predictions == {"": 1, "OutlierRejected": 1}


def test_a_mounted_apps_own_answers_stay(watch: mw.Watch) -> None:
    """An inner app that handles refusals and failures itself goes on to do so."""
    inner = FastAPI()

    @inner.post("/predict")
    @watch(on_outlier="raise")
    def predict(house: House) -> Price:
        raise RuntimeError("the user's own")

    async def own(request: Request, error: Exception) -> Response:
        return PlainTextResponse(type(error).__name__, status_code=418)

    inner.add_exception_handler(OutlierRejected, own)
    inner.add_exception_handler(500, own)
    app = FastAPI()
    app.mount("/v1", inner)
    modelwatch_fastapi.instrument(app, watch)
    client = TestClient(app, raise_server_exceptions=False)
    for row, name in ((FAR, "OutlierRejected"), (HOUSE, "RuntimeError")):
        found = client.post("/v1/predict", json=row)
        assert (found.status_code, found.text) == (418, name)
        assert "x-prediction-id" in found.headers
    modelwatch_fastapi.uninstrument(app)
    assert inner.exception_handlers[OutlierRejected] is own


def test_an_inner_app_that_has_started_is_refused(watch: mw.Watch) -> None:
    """Its answers could not be added any more; the error says what to do."""
    inner, app = FastAPI(), FastAPI()
    app.mount("/v1", inner)
    TestClient(app).get("/v1/nothing")
    app.middleware_stack = None
    with pytest.raises(ConfigurationError, match="the app has started"):
        modelwatch_fastapi.instrument(app, watch)


def test_of_a_path_the_route_with_a_body_is_taken(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """A page that is read at the path of the predictions is left alone."""
    app = FastAPI()

    @app.get("/predict")
    def page() -> str:
        return "how to ask"

    priced(app)
    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])
    client = TestClient(app)
    assert client.get("/predict").json() == "how to ask"
    assert client.post("/predict", json=HOUSE).json() == {"price": 60.0}
    assert profile_of(watch, transport).predictions == {"": 1}


def odd_app() -> FastAPI:
    """Return an app with routes that hold no features."""
    app = FastAPI()

    @app.post("/nothing")
    def nothing() -> None:
        """Take nothing."""

    @app.post("/two")
    def two(house: Annotated[House, Body()], other: Annotated[House, Body()]) -> None:
        """Take two."""

    @app.websocket("/talk")
    async def talk(websocket: WebSocket) -> None:
        """Talk."""

    app.routes.append(Route("/page", price_in_thread))
    app.routes.append(WebSocketRoute("/chat", talk))
    app.mount("/files", PlainTextResponse("file"))
    return app


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        (["/talk"], "'/talk' is no route of the app"),
        (["/chat"], "'/chat' is no route of the app"),
        (["/files"], "'/files' is no route of the app"),
        (["/nothing"], r"'/nothing' has 0 body parameters \(none\)"),
        (["/page"], "'/page' has 0 body parameters"),
        (["/two"], "'/two' has 2 body parameters"),
        ("/two", "give a list of paths"),
    ],
)
def test_routes_without_one_body_are_refused(
    routes: Sequence[str], message: str, watch: mw.Watch
) -> None:
    """Websockets, mounts and requests without a body, or with two, are named in the error."""
    app = odd_app()
    with pytest.raises(ConfigurationError, match=message):
        modelwatch_fastapi.instrument(app, watch, routes=routes)
    assert app.user_middleware == []


@pytest.mark.parametrize("place", [included, request_in_fastapi], ids=lambda place: place.__name__)
def test_the_schema_is_the_same_to_the_byte(place: Callable[[], FastAPI], watch: mw.Watch) -> None:
    """OpenAPI neither changes when an app is instrumented nor when that is undone."""

    def schema() -> str:
        app.openapi_schema = None
        return json.dumps(app.openapi())

    app = place()
    before = schema()
    modelwatch_fastapi.instrument(app, watch, routes=[PATH])
    assert schema() == before
    modelwatch_fastapi.uninstrument(app)
    assert schema() == before


def test_a_routes_prediction_is_told_by_the_header(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """FastAPI's and Starlette's endpoints alike, by the id sent or made."""
    app = FastAPI()
    priced(app)
    app.router.routes.append(Route("/plain", price, methods=["POST"]))
    modelwatch_fastapi.instrument(app, watch, routes=["/predict", "/plain"])
    with TestClient(app) as client:
        client.post("/predict", json=HOUSE, headers={"x-prediction-id": "order-7"})
        answers = [client.post(path, json=HOUSE) for path in ("/predict", "/plain")]
        client.post("/predict", json={"area": "wide"})
    made = [answer.headers["x-prediction-id"] for answer in answers]
    assert told_predictions(Watched(watch, transport)) == [
        ToldPrediction(name, {"price": 60.0}) for name in ("order-7", *made)
    ]


def test_a_watched_functions_prediction_is_told_by_the_header(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """Called in an async endpoint, or in a thread."""

    @watch
    def predict(house: dict[str, Any]) -> float:
        return float(house["area"])

    app = FastAPI()

    @app.post("/in-thread")
    def in_thread(house: House) -> float:
        return predict(house.model_dump())

    @app.post("/in-loop")
    async def in_loop(house: House) -> float:
        return predict(house.model_dump())

    modelwatch_fastapi.instrument(app, watch)
    with TestClient(app) as client:
        answers = [client.post(path, json=HOUSE) for path in ("/in-thread", "/in-loop")]
    assert told_predictions(Watched(watch, transport)) == [
        ToldPrediction(answer.headers["x-prediction-id"], {"price": 60.0}) for answer in answers
    ]
