from __future__ import annotations

import dataclasses
import gc
import io
import json
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort, jsonify, request, stream_with_context
from flask.views import MethodView
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import EnvironBuilder
from werkzeug.wsgi import FileWrapper, wrap_file

import modelwatch as mw
import modelwatch_flask
from modelwatch.errors import ConfigurationError, OutlierRejected
from tests.told_outcomes import ToldPrediction, told_predictions
from tests.watched import FakeTransport, Watched

TRAINING = {
    "area": [50.0 + number % 100 for number in range(1_000)],
    "city": ["Rome", "Oslo"] * 500,
    "price": [float(number % 300) for number in range(1_000)],
}
HOUSE = {"area": 60.0, "city": "Rome"}
UNUSUAL = {"area": 1e9, "city": "Bergen"}


@pytest.fixture
def transport() -> FakeTransport:
    """Keeps what is sent."""
    return FakeTransport()


@pytest.fixture
def watch(transport: FakeTransport) -> Iterator[mw.Watch]:
    """A watch of a model of house prices."""
    baseline = mw.Baseline.fit(TRAINING, model="houses", version="1", prediction="price")
    made = mw.Watch("houses", version="1", baseline=baseline, transport=transport)
    yield made
    made.shutdown(1.0)


class Listing(MethodView):
    """A view that is a class."""

    def get(self) -> str:
        """Show a form."""
        return "a form"

    def put(self) -> dict[str, float]:
        """Predict."""
        return price_of(request.get_json())


def price_of(house: dict[str, Any]) -> dict[str, float]:
    """Return the price of a house; fails for one in Atlantis."""
    if house["city"] == "Atlantis":
        abort(404)
    return {"price": float(house["area"])}


def create_app() -> Flask:
    """Return an app with views of several kinds, none of them decorated."""
    app = Flask(__name__)
    blueprint = Blueprint("v1", __name__, url_prefix="/v1")

    @app.post("/predict")
    def predict() -> dict[str, float]:
        return price_of(request.get_json())

    @app.post("/later")
    async def later() -> dict[str, float]:
        return price_of(request.get_json())

    @blueprint.post("/models/<name>/predict")
    def named(name: str) -> dict[str, float]:
        assert name == "houses"
        return price_of(request.get_json())

    @app.post("/batch")
    def batch() -> list[dict[str, float]]:
        return [price_of(house) for house in request.get_json()]

    @app.get("/health")
    def health() -> str:
        return "fine"

    app.add_url_rule("/listing", view_func=Listing.as_view("listing"))
    app.register_blueprint(blueprint)
    return app


@pytest.fixture
def app() -> Flask:
    """The app."""
    return create_app()


def profile_of(watch: mw.Watch, transport: FakeTransport) -> mw.Profile:
    """Return what was sent, as one profile."""
    watch.flush(timeout_seconds=10)
    first, *rest = transport.profiles()
    for profile in rest:
        first = first.merge(profile)
    return first


ROUTES = ["/predict", "/later", "/v1/models/<name>/predict", "/batch", "listing"]
NAMED = "/v1/models/houses/predict"


def test_named_routes_are_captured(app: Flask, watch: mw.Watch, transport: FakeTransport) -> None:
    """Sync, async and class-based views, blueprints and batches: body and result are captured."""
    modelwatch_flask.instrument(app, watch, routes=ROUTES)
    client = app.test_client()
    for path in ("/predict", "/later", NAMED):
        assert client.post(path, json=HOUSE).json == {"price": 60.0}
    assert client.put("/listing", json=HOUSE).json == {"price": 60.0}
    assert client.get("/listing").text == "a form"
    assert client.post("/batch", json=[HOUSE, HOUSE]).json == [{"price": 60.0}] * 2
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions) == (6, {"": 5})
    assert {name: found.observed for name, found in profile.features.items()} == {
        "area": 6,
        "city": 6,
        "price": 6,
    }
    assert not profile.dropped


def test_predictions_are_told_by_the_header(
    app: Flask, watch: mw.Watch, transport: FakeTransport
) -> None:
    """By the id sent or made, of views of every kind, and row by row of a batch."""
    modelwatch_flask.instrument(app, watch, routes=ROUTES)
    client = app.test_client()
    client.post("/predict", json=HOUSE, headers={"x-prediction-id": "order-7"})
    answers = [client.post(path, json=HOUSE) for path in ("/predict", "/later", NAMED)]
    assert client.post("/predict", json=HOUSE | {"city": "Atlantis"}).status_code == 404
    batch = client.post("/batch", json=[HOUSE, HOUSE]).headers["x-prediction-id"]
    made = [answer.headers["x-prediction-id"] for answer in answers]
    assert told_predictions(Watched(watch, transport)) == [
        ToldPrediction(name, {"price": 60.0})
        for name in ("order-7", *made, f"{batch}/0", f"{batch}/1")
    ]


def test_an_endpoint_names_its_views(app: Flask, watch: mw.Watch, transport: FakeTransport) -> None:
    """A blueprint's view may be named as Flask names it, and is captured under all its rules."""
    app.add_url_rule("/alias/<name>", endpoint="v1.named", methods=["POST"])
    modelwatch_flask.instrument(app, watch, routes=["v1.named", NAMED.replace("houses", "<name>")])
    client = app.test_client()
    for path in (NAMED, "/alias/houses"):
        assert client.post(path, json=HOUSE).status_code == 200
    assert profile_of(watch, transport).predictions == {"": 2}


ANSWERS: dict[str, Callable[[], Any]] = {
    "dict": lambda: {"price": 5.0},
    "response": lambda: jsonify(price=5.0),
    "with status": lambda: ({"price": 5.0}, 201),
    "with status text": lambda: ({"price": 5.0}, "201 CREATED"),
    "with headers": lambda: ({"price": 5.0}, {"x-own": "1"}),
    "with both": lambda: (jsonify(price=5.0), 202, {"x-own": "1"}),
    "own response": lambda: Response(json.dumps({"price": 5.0}), mimetype="application/json"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_each_form_of_answer_is_read(kind: str, watch: mw.Watch, transport: FakeTransport) -> None:
    """Whatever form Flask takes, the price in it is captured, and the answer stays as it was."""
    app = Flask(__name__)
    app.add_url_rule("/predict", "predict", ANSWERS[kind], methods=["POST"])
    before = app.test_client().post("/predict", json=HOUSE)
    app = Flask(__name__)
    app.add_url_rule("/predict", "predict", ANSWERS[kind], methods=["POST"])
    modelwatch_flask.instrument(app, watch, routes=["/predict"])
    after = app.test_client().post("/predict", json=HOUSE)
    assert (after.status, after.data) == (before.status, before.data)
    assert [pair for pair in after.headers if pair[0] != "x-prediction-id"] == [*before.headers]
    profile = profile_of(watch, transport)
    assert (profile.predictions, profile.rows) == ({"": 1}, 1)
    assert (profile.features["price"].observed, profile.features["price"].missing) == (1, {})


@dataclasses.dataclass
class Price:
    """What an app that can answer with its own objects returns."""

    price: float


class ObjectsApp(Flask):
    """An app that can answer with its own objects."""

    def make_response(self, rv: Any) -> Response:
        """Make a response of a price."""
        return super().make_response(dataclasses.asdict(rv) if isinstance(rv, Price) else rv)


def test_an_apps_own_objects_are_read(watch: mw.Watch, transport: FakeTransport) -> None:
    """What only the app can make a response of is captured as the object that it is."""
    app = ObjectsApp(__name__)

    def view() -> Any:
        return Price(5.0)

    app.add_url_rule("/predict", "predict", view, methods=["POST"])
    modelwatch_flask.instrument(app, watch, routes=["/predict"])
    assert app.test_client().post("/predict", json=HOUSE).json == {"price": 5.0}
    assert profile_of(watch, transport).features["price"].observed == 1


def read_json() -> Any:
    """Read the body as most views do."""
    return request.get_json()


def read_stream() -> Any:
    """Read the body past Flask's parser."""
    return json.load(request.stream)


def read_forced() -> Any:
    """Read the body whatever it is declared as."""
    return request.get_json(force=True)


def read_data() -> Any:
    """Parse the body by other means."""
    return json.loads(request.get_data())


@pytest.mark.parametrize("read", [read_json, read_stream, read_forced, read_data])
@pytest.mark.parametrize(
    "mimetype",
    ["application/json", "text/plain", "application/x-www-form-urlencoded", None, "image/png"],
)
def test_a_body_is_found_however_it_is_read(
    read: Callable[[], Any], mimetype: str | None, watch: mw.Watch, transport: FakeTransport
) -> None:
    """The view's own reading has the outcome that it has without a watch."""

    def create() -> Flask:
        app = Flask(__name__)
        app.add_url_rule("/predict", "predict", lambda: price_of(read()), methods=["POST"])
        return app

    app = create()
    modelwatch_flask.instrument(app, watch, routes=["/predict"])
    body = json.dumps(HOUSE)
    before, after = (
        made.test_client().post("/predict", data=body, content_type=mimetype)
        for made in (create(), app)
    )
    assert (after.status_code, after.data) == (before.status_code, before.data)
    profile = profile_of(watch, transport)
    assert profile.predictions == {"" if after.status_code == 200 else "UnsupportedMediaType": 1}
    is_json = mimetype != "image/png"  # then the view alone may know better
    assert profile.rows == is_json
    assert profile.dropped == ({} if is_json or after.status_code != 200 else {"unreadable": 1})


def test_a_form_is_left_to_its_view(watch: mw.Watch, transport: FakeTransport) -> None:
    """Forms and files reach a captured view, which is counted though there are no features."""
    app = Flask(__name__)

    @app.post("/predict")
    def predict() -> dict[str, float]:
        uploaded = request.files.get("photo")
        area = uploaded.read() if uploaded is not None else request.form["area"]
        return {"price": float(area)}

    modelwatch_flask.instrument(app, watch, routes=["/predict"])
    client = app.test_client()
    assert client.post("/predict", data={"area": "60"}).json == {"price": 60.0}
    with client.open(
        "/predict", method="POST", data={"photo": (io.BytesIO(b"7"), "a.txt")}
    ) as found:
        assert found.json == {"price": 7.0}
    profile = profile_of(watch, transport)
    assert (profile.predictions, profile.dropped) == ({"": 2}, {"unreadable": 2})


def test_failures_are_counted_apart(app: Flask, watch: mw.Watch, transport: FakeTransport) -> None:
    """Invalid requests, raised errors and successes are told apart; answers stay as they were."""
    modelwatch_flask.instrument(app, watch, routes=ROUTES)
    client = app.test_client()
    client.post("/predict", json=HOUSE)
    assert client.post("/predict", data="{", content_type="application/json").status_code == 400
    assert client.post("/later", data="{", content_type="application/json").status_code == 400
    assert client.post("/predict", data="area", content_type="text/csv").status_code == 415
    assert client.post(NAMED, json=HOUSE | {"city": "Atlantis"}).status_code == 404
    app.testing = False
    assert client.post("/predict", json={"area": 60.0}).status_code == 500
    assert client.post("/health").status_code == 405
    profile = profile_of(watch, transport)
    assert profile.predictions == {
        "": 1,
        "BadRequest": 2,
        "UnsupportedMediaType": 1,
        "NotFound": 1,
        "KeyError": 1,
    }
    assert not profile.dropped


def test_an_answer_that_says_failure_is_one(watch: mw.Watch, transport: FakeTransport) -> None:
    """Views that answer an error with a status, and do not raise, are counted by it as well."""
    app = Flask(__name__)
    answers: list[Callable[[], Any]] = [
        lambda: ({"error": "no area"}, 422),
        lambda: Response("no", status=400),
        lambda: HTTPException("own"),
        lambda: ("busy", "503 Busy", {}),
        lambda: ("odd", 499),
    ]

    @app.post("/<int:number>")
    def predict(number: int) -> Any:
        return answers[number]()

    modelwatch_flask.instrument(app, watch, routes=["/<int:number>"])
    client = app.test_client()
    statuses = [client.post(f"/{number}", json=HOUSE).status_code for number in (0, 1, 3, 4)]
    assert statuses == [422, 400, 503, 499]
    assert client.post("/0", data="area").status_code == 422
    assert profile_of(watch, transport).predictions == {
        "UnprocessableEntity": 2,
        "BadRequest": 1,
        "ServiceUnavailable": 1,
        "HTTPException": 1,
    }


def test_a_request_refused_before_its_view_is_counted(
    app: Flask, watch: mw.Watch, transport: FakeTransport
) -> None:
    """A hook that finds the body invalid counts; one that lets nobody in, or another path, not."""

    @app.before_request
    def check() -> Any:
        if "secret" in request.headers:
            request.get_json()
            return None
        return "who are you?", 401

    modelwatch_flask.instrument(app, watch, routes=["/predict"])
    client = app.test_client()
    client.post("/predict", json=HOUSE)
    for path in ("/predict", "/later"):
        found = client.post(
            path, data="{", content_type="application/json", headers={"secret": "7"}
        )
        assert found.status_code == 400
        assert "x-prediction-id" in found.headers
    assert profile_of(watch, transport).predictions == {"BadRequest": 1}


def test_each_response_carries_an_id(app: Flask, watch: mw.Watch) -> None:
    """A usable id of the request is kept; any other is replaced by one of ours."""
    modelwatch_flask.instrument(app, watch, routes=ROUTES)
    client = app.test_client()
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
        assert len(found.headers.getlist("x-prediction-id")) == 1
    for path in ("/health", "/absent"):
        assert "x-prediction-id" in client.get(path).headers


def test_outliers_are_named_in_a_header(app: Flask, watch: mw.Watch) -> None:
    """The header names features and rules where there are outliers, and is absent otherwise."""
    modelwatch_flask.instrument(app, watch, routes=ROUTES)
    client = app.test_client()
    assert "x-modelwatch-outliers" not in client.post("/predict", json=HOUSE).headers
    for path in ("/predict", "/later", NAMED):
        found = client.post(path, json=UNUSUAL)
        assert found.headers["x-modelwatch-outliers"] == "area=range, city=unseen_category"


def test_decorated_functions_are_tied_to_their_requests(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """Without routes, functions under @watch below any view get the request's id."""
    app = Flask(__name__)
    ids: list[str] = []

    @watch
    def score(house: dict[str, Any]) -> float:
        prediction = mw.current_prediction()
        assert prediction is not None
        ids.append(prediction.id)
        return 0.5

    @app.post("/sync")
    def sync() -> dict[str, float]:
        return {"price": score(request.get_json())}

    @app.post("/later")
    async def later() -> dict[str, float]:
        return {"price": score(request.get_json())}

    modelwatch_flask.instrument(app, watch)
    client = app.test_client()
    for path in ("/sync", "/later"):
        found = client.post(path, json=HOUSE | {"area": 1e9})
        assert found.headers["x-prediction-id"] == ids[-1]
        assert found.headers["x-modelwatch-outliers"] == "area=range"
    assert len(set(ids)) == 2
    assert mw.current_prediction() is None
    assert profile_of(watch, transport).predictions == {"": 2}


@pytest.mark.parametrize("content_type", ["application/json", "text/csv"])
def test_a_watched_function_in_a_captured_view_is_counted_once(
    content_type: str, watch: mw.Watch, transport: FakeTransport
) -> None:
    """Both ways at once, by the same watch, count a request once, whether its body is JSON."""
    app = Flask(__name__)
    score = watch(price_of)

    @app.post("/sync")
    def sync() -> dict[str, float]:
        return score(json.loads(request.get_data()))

    @app.post("/later")
    async def later() -> dict[str, float]:
        return score(json.loads(request.get_data()))

    modelwatch_flask.instrument(app, watch, routes=["/sync", "/later"])
    client = app.test_client()
    for house in (HOUSE, HOUSE | {"city": "Atlantis"}):
        for path in ("/sync", "/later"):
            client.post(path, data=json.dumps(house), content_type=content_type)
    profile = profile_of(watch, transport)
    assert (profile.predictions, profile.rows) == ({"": 2, "NotFound": 2}, 4)


def test_uninstrument_takes_everything_back(
    app: Flask, watch: mw.Watch, transport: FakeTransport
) -> None:
    """Afterwards nothing is captured and no header is added; views and handlers are the app's."""
    views = dict(app.view_functions)
    handlers = dict(app.error_handler_spec[None][None])
    modelwatch_flask.instrument(app, watch, routes=ROUTES)
    app.test_client().post("/predict", json=HOUSE)
    modelwatch_flask.uninstrument(app)
    modelwatch_flask.uninstrument(app)
    assert app.view_functions == views
    assert app.error_handler_spec[None][None] == handlers
    for path in ("/predict", NAMED):
        found = app.test_client().post(path, json=HOUSE)
        assert found.json == {"price": 60.0}
        assert "x-prediction-id" not in found.headers
    assert profile_of(watch, transport).rows == 1


def test_middleware_around_ours_stays(app: Flask, watch: mw.Watch) -> None:
    """What others put around the app after us goes on when ours is taken back, and before."""
    modelwatch_flask.instrument(app, watch)
    around = ProxyFix(app.wsgi_app)
    vars(app)["wsgi_app"] = around
    assert "x-prediction-id" in app.test_client().get("/health").headers
    modelwatch_flask.uninstrument(app)
    assert app.wsgi_app is around
    assert "x-prediction-id" not in app.test_client().get("/health").headers


def test_a_header_of_the_apps_own_is_replaced(watch: mw.Watch) -> None:
    """A response has one id, and all other headers as they were, in their order."""
    app = Flask(__name__)
    own = [("X-Prediction-Id", "stale"), ("x-own", "1"), ("x-own", "2")]
    app.add_url_rule("/", "own", lambda: ("fine", own))
    modelwatch_flask.instrument(app, watch)
    found = app.test_client().get("/", headers={"x-prediction-id": "order-7"})
    assert found.headers.getlist("x-prediction-id") == ["order-7"]
    assert found.headers.getlist("x-own") == ["1", "2"]


def test_a_file_is_left_to_the_server(watch: mw.Watch) -> None:
    """Where a server has its own way to send files, it gets the file and not an iterator of it."""

    class ServersOwn(FileWrapper):
        """Stands for what a server recognises."""

    app = Flask(__name__)

    @app.get("/")
    def file() -> Response:
        wrapped = wrap_file(request.environ, io.BytesIO(b"content"))
        return Response(wrapped, direct_passthrough=True)

    modelwatch_flask.instrument(app, watch)
    environ = EnvironBuilder("/").get_environ() | {"wsgi.file_wrapper": ServersOwn}
    answer = app(environ, lambda *_: bytes.__len__)
    assert isinstance(answer, ServersOwn)
    assert mw.current_prediction() is None


def test_an_app_that_is_let_go_is_let_go(watch: mw.Watch) -> None:
    """Instrumenting keeps no app alive, as where a factory makes one for each test."""
    app = create_app()
    modelwatch_flask.instrument(app, watch, routes=ROUTES)
    app.test_client().post("/predict", json=HOUSE)
    found = weakref.ref(app)
    del app
    gc.collect()
    assert found() is None


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
def refusing(watch: mw.Watch) -> Flask:
    """An app with a view that refuses outliers, in a blueprint, and one that fails."""
    app = Flask(__name__)
    score = watch(on_outlier="raise")(price_of)
    blueprint = Blueprint("v1", __name__)

    @blueprint.post("/predict")
    def predict() -> dict[str, float]:
        return score(request.get_json())

    @app.post("/broken")
    def broken() -> dict[str, float]:
        raise RuntimeError("the user's own")

    app.register_blueprint(blueprint)
    return app


def test_a_refused_input_is_answered(refusing: Flask, watch: mw.Watch) -> None:
    """on_outlier="raise" gives a 422 in JSON, with id and outliers in the headers."""
    modelwatch_flask.instrument(refusing, watch)
    client = refusing.test_client()
    headers = {"x-prediction-id": "order-7"}
    found = client.post("/predict", json=HOUSE | {"area": 1e9}, headers=headers)
    assert (found.status_code, found.json) == (422, REFUSED)
    assert found.headers["x-prediction-id"] == "order-7"
    assert found.headers["x-modelwatch-outliers"] == "area=range"
    assert client.post("/predict", json=HOUSE).status_code == 200


def own_answer(error: Exception) -> tuple[str, int]:
    """Answer in the app's own way."""
    return "own", 418


@pytest.mark.parametrize("place", ["app", "blueprint", "app, later"])
@pytest.mark.parametrize("kind", [OutlierRejected, ValueError])
def test_the_apps_own_answer_to_a_refusal_stays(
    place: str, kind: type[Exception], watch: mw.Watch
) -> None:
    """An app or a blueprint that handles refusals itself goes on to do so."""
    app = Flask(__name__)
    blueprint = Blueprint("v1", __name__)
    score = watch(on_outlier="raise")(price_of)
    blueprint.add_url_rule("/", "predict", lambda: score(request.get_json()), methods=["POST"])
    if place == "blueprint":
        blueprint.register_error_handler(kind, own_answer)
    if place == "app":
        app.register_error_handler(kind, own_answer)
    app.register_blueprint(blueprint)
    modelwatch_flask.instrument(app, watch)
    if place == "app, later":
        app.register_error_handler(OutlierRejected, own_answer)
    found = app.test_client().post("/", json=HOUSE | {"area": 1e9})
    assert (found.status_code, found.text) == (418, "own")
    assert found.headers["x-modelwatch-outliers"] == "area=range"
    modelwatch_flask.uninstrument(app)
    assert app.test_client().post("/", json=HOUSE | {"area": 1e9}).text == "own"


@pytest.mark.parametrize("kind", [None, 500, Exception])
def test_an_unhandled_exception_is_answered_as_before_and_with_an_id(
    refusing: Flask, watch: mw.Watch, kind: Any
) -> None:
    """The answer is the one the app would give without us, and its prediction can be found."""
    if kind is not None:
        refusing.register_error_handler(kind, own_answer)
    modelwatch_flask.instrument(refusing, watch)
    found = refusing.test_client().post("/broken", headers={"x-prediction-id": "order-7"})
    assert (found.status_code, found.text == "own") == ((418, True) if kind else (500, False))
    assert found.headers["x-prediction-id"] == "order-7"
    assert mw.current_prediction() is None


def test_a_catch_all_does_not_answer_refusals(refusing: Flask, watch: mw.Watch) -> None:
    """A handler of every exception answers what is unexpected, which a refusal is not."""
    refusing.register_error_handler(Exception, own_answer)
    modelwatch_flask.instrument(refusing, watch)
    client = refusing.test_client()
    assert client.post("/predict", json=HOUSE | {"area": 1e9}).status_code == 422
    assert client.post("/broken").text == "own"


def test_an_app_that_has_served_is_refused(app: Flask, watch: mw.Watch) -> None:
    """The error names the remedy, and what was instrumented before goes on."""
    modelwatch_flask.instrument(app, watch, routes=["/predict"])
    client = app.test_client()
    client.post("/predict", json=HOUSE)
    with pytest.raises(ConfigurationError, match=r"served a request.* end of its factory"):
        modelwatch_flask.instrument(app, watch, routes=["/batch"])
    assert "x-prediction-id" in client.post("/batch", json=[HOUSE]).headers


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        (["/absent"], "'/absent' is no route of the app, which has .*/batch.*application factory"),
        (["/health"], "'/health' takes no body, as its methods are GET, HEAD, OPTIONS"),
        (["static"], "takes no body"),
        ("/predict", r"give a list of routes, as in \['/predict'\]"),
    ],
)
def test_routes_that_cannot_be_captured_are_refused(
    app: Flask, watch: mw.Watch, routes: Any, message: str
) -> None:
    """The error names the route and the remedy, and leaves the app as it was."""
    views = dict(app.view_functions)
    with pytest.raises(ConfigurationError, match=message):
        modelwatch_flask.instrument(app, watch, routes=routes)
    assert app.view_functions == views
    assert "x-prediction-id" not in app.test_client().get("/health").headers


def test_two_watches_share_an_app(app: Flask, watch: mw.Watch, transport: FakeTransport) -> None:
    """Two models in one app: each is captured by its own watch, and a response has one id."""
    other_transport = FakeTransport()
    other = mw.Watch("other", version="1", transport=other_transport)
    for _ in range(2):  # a second time changes nothing
        modelwatch_flask.instrument(app, watch, routes=["/predict", "/later"])
    modelwatch_flask.instrument(app, other, routes=["/batch", "/later"])
    client = app.test_client()
    found = client.post("/predict", json=HOUSE)
    assert len(found.headers.getlist("x-prediction-id")) == 1
    client.post("/batch", json=[HOUSE])
    client.post("/later", json=HOUSE)
    for path in ("/predict", "/batch", "/later"):
        client.post(path, data="{", content_type="application/json")
    assert profile_of(watch, transport).predictions == {"": 2, "BadRequest": 2}
    assert profile_of(other, other_transport).predictions == {"": 2, "BadRequest": 2}
    other.shutdown(1.0)


def test_a_watch_is_shared_by_apps(watch: mw.Watch, transport: FakeTransport) -> None:
    """Two apps with one watch: both are captured, and letting one go leaves the other."""
    first, second = create_app(), create_app()
    for app in (first, second):
        modelwatch_flask.instrument(app, watch, routes=["/predict"])
        app.test_client().post("/predict", json=HOUSE)
    modelwatch_flask.uninstrument(first)
    for app in (first, second):
        app.test_client().post("/predict", json=HOUSE)
    assert profile_of(watch, transport).rows == 3


@pytest.mark.parametrize("with_context", [False, True])
def test_streams_are_not_held_up(
    with_context: bool, watch: mw.Watch, transport: FakeTransport
) -> None:
    """A part of a stream is sent before the next is made; the request is counted all the same."""
    app = Flask(__name__)
    made: list[str] = []
    ids: list[str] = []

    @watch
    def score(house: dict[str, Any]) -> float:
        prediction = mw.current_prediction()
        assert prediction is not None
        ids.append(prediction.id)
        return 0.5

    def parts(house: dict[str, Any]) -> Iterator[str]:
        for part in ("a", "b", "c"):
            made.append(part)
            yield part
            if part == "a":
                score(house)

    @app.post("/captured")
    def captured() -> Any:
        return parts(request.get_json())

    @app.post("/decorated")
    def decorated() -> Any:
        generator = parts(request.get_json())
        return stream_with_context(generator) if with_context else generator

    modelwatch_flask.instrument(app, watch, routes=["/captured"])
    client = app.test_client()
    assert client.post("/captured", json=HOUSE).text == "abc"
    made.clear()
    found = client.post("/decorated", json=HOUSE, buffered=False)
    chunks = found.iter_encoded()
    assert next(chunks) == b"a"
    assert made == ["a"]
    assert b"".join(chunks) == b"bc"
    found.close()
    assert found.headers["x-prediction-id"] == ids[-1]
    assert mw.current_prediction() is None
    profile = profile_of(watch, transport)
    assert profile.features["price"].missing == {"absent": 1}
    assert profile.predictions == {"": 3}


def test_a_stream_that_is_given_up_closes_its_scope(watch: mw.Watch) -> None:
    """A client that goes away leaves nothing open in the server's thread."""
    app = Flask(__name__)

    @app.get("/stream")
    def stream() -> Any:
        return iter_forever()

    modelwatch_flask.instrument(app, watch)
    found = app.test_client().get("/stream", buffered=False)
    assert next(found.iter_encoded()) == b"again"
    assert mw.current_prediction() is not None
    found.close()
    assert mw.current_prediction() is None


def iter_forever() -> Iterator[str]:
    """Yield without end."""
    while True:
        yield "again"


def test_a_stream_may_be_closed_by_another_thread(watch: mw.Watch) -> None:
    """A server that ends responses elsewhere gets no error for it."""
    app = Flask(__name__)
    app.add_url_rule("/stream", "stream", iter_forever)
    modelwatch_flask.instrument(app, watch)
    found = copy_context().run(app.test_client().get, "/stream", buffered=False)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(found.close).result(timeout=10)
    assert "x-prediction-id" in app.test_client().get("/absent").headers


def test_requests_side_by_side_keep_their_ids(
    app: Flask, watch: mw.Watch, transport: FakeTransport
) -> None:
    """In many threads at once each response carries the outliers and id of its own request."""
    modelwatch_flask.instrument(app, watch, routes=ROUTES)
    together = threading.Barrier(6, timeout=60)

    def ask(number: int) -> bool:
        client = app.test_client()
        area = 1e9 if number % 2 else 60.0
        headers = {"x-prediction-id": f"id-{number}"}
        path = ("/predict", "/later", NAMED)[number % 3]
        together.wait()
        found = client.post(path, json={"area": area, "city": "Rome"}, headers=headers)
        has_outliers = "x-modelwatch-outliers" in found.headers
        return found.headers["x-prediction-id"] == f"id-{number}" and has_outliers == number % 2

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(ask, range(60)))
    assert profile_of(watch, transport).rows == 60


def test_a_body_that_is_too_large_is_refused_by_the_view(
    app: Flask, watch: mw.Watch, transport: FakeTransport
) -> None:
    """MAX_CONTENT_LENGTH has its effect, and no more: a view that reads nothing goes on."""
    app.add_url_rule("/blind", "blind", lambda: {"price": 1.0}, methods=["POST"])
    app.config["MAX_CONTENT_LENGTH"] = 20
    modelwatch_flask.instrument(app, watch, routes=["/predict", "/blind"])
    client = app.test_client()
    assert client.post("/predict", json=HOUSE).status_code == 413
    assert client.post("/blind", json=HOUSE).status_code == 200
    profile = profile_of(watch, transport)
    assert profile.predictions == {"": 1, "RequestEntityTooLarge": 1}


def test_a_body_too_deep_for_the_parser_is_the_views_own(
    app: Flask, watch: mw.Watch, transport: FakeTransport
) -> None:
    """A body nested a hundred thousand times fails where the view reads it, not before."""
    app.add_url_rule("/blind", "blind", lambda: {"price": 1.0}, methods=["POST"])
    modelwatch_flask.instrument(app, watch, routes=["/predict", "/blind"])
    client = app.test_client()
    deep = "[" * 100_000
    answers = [
        client.post(path, data=deep, content_type="application/json").status_code
        for path in ("/predict", "/blind")
    ]
    assert answers == [500, 200]
    assert profile_of(watch, transport).predictions == {"": 1, "RecursionError": 1}


def test_a_watch_that_is_off_changes_no_answer(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """With MODELWATCH_ENABLED=false captured views answer as before."""
    monkeypatch.setenv("MODELWATCH_ENABLED", "false")
    off = mw.Watch("houses", version="1")
    modelwatch_flask.instrument(app, off, routes=ROUTES)
    client = app.test_client()
    assert client.post("/predict", json=HOUSE).json == {"price": 60.0}
    assert client.post("/predict", data="{", content_type="application/json").status_code == 400
    assert client.post(NAMED, json=HOUSE | {"city": "Atlantis"}).status_code == 404
