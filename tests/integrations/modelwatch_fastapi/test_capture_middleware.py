from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from modelwatch_fastapi import CaptureMiddleware
from tests.integrations.modelwatch_fastapi.asgi_calls import Request, answering
from tests.integrations.modelwatch_fastapi.houses import HOUSE, House, Price, profile_of
from tests.told_outcomes import ToldPrediction, told_predictions
from tests.watched import FakeTransport, Watched

BODY = json.dumps(HOUSE).encode()
PRICE = b'{"price": 60.0}'
MEGABYTE = 1 << 20


def captured(app: ASGIApp, watch: mw.Watch, **options: Any) -> CaptureMiddleware:
    """Return the app, captured."""
    return CaptureMiddleware(app, watch=watch, **{"routes": ["/predict"], **options})


def observed(profile: mw.Profile) -> dict[str, int]:
    """Return how many values of each feature were seen."""
    return {name: feature.observed for name, feature in profile.features.items()}


async def test_what_passes_is_captured(watch: mw.Watch, transport: FakeTransport) -> None:
    """The body is the inputs and the answer the output; id and outliers are in the headers."""
    app = captured(answering(PRICE), watch)
    found = await Request([BODY], headers={"x-prediction-id": "order-7"}).put(app)
    assert (found.body, found.headers["x-prediction-id"]) == (PRICE, "order-7")
    assert "x-modelwatch-outliers" not in found.headers
    far = await Request([json.dumps(HOUSE | {"area": 1e9}).encode()]).put(app)
    assert far.headers["x-modelwatch-outliers"] == "area=range"
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions) == (2, {"": 2})
    assert observed(profile) == {"area": 2, "city": 2, "price": 2}
    assert profile.duration.total == 2


async def test_a_batch_is_captured(watch: mw.Watch, transport: FakeTransport) -> None:
    """A list of rows is a batch, and one answer is one prediction."""
    app = captured(answering(b'[{"price": 60.0}, {"price": 61.0}]'), watch)
    await Request([json.dumps([HOUSE, HOUSE]).encode()]).put(app)
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions) == (2, {"": 1})
    assert observed(profile) == {"area": 2, "city": 2, "price": 2}


@pytest.mark.parametrize(
    ("path", "root_path", "method", "is_captured"),
    [
        ("/predict", "", "POST", True),
        ("/predict", "/api", "POST", True),
        ("/api/predict", "/api", "POST", True),
        ("/api/predict", "", "POST", False),
        ("/predict", "", "PUT", True),
        ("/predict", "", "GET", False),
        ("/predict/", "", "POST", False),
        ("/models/churn/predict", "", "POST", True),
        ("/models/a/b/predict", "", "POST", False),
        ("/numbers/7", "", "POST", True),
        ("/numbers/seven", "", "POST", False),
    ],
)
async def test_only_the_routes_are_captured(
    path: str,
    root_path: str,
    method: str,
    is_captured: bool,
    watch: mw.Watch,
    transport: FakeTransport,
) -> None:
    """By method and path, with parameters, below the root path; all else passes untouched."""
    routes = ["/predict", "/models/{name}/predict", "/numbers/{number:int}"]
    app = captured(answering(PRICE), watch, routes=routes, methods=["post", "PUT"])
    request = Request([BODY], path=path, method=method, root_path=root_path)
    found = await request.put(app)
    assert found.body == PRICE
    assert ("x-prediction-id" in found.headers) is is_captured
    watch.count()  # so that there is a profile in either case
    assert profile_of(watch, transport).rows == int(is_captured)


async def test_no_chunk_waits_for_another(watch: mw.Watch, transport: FakeTransport) -> None:
    """Each chunk of request and response passes before the next one exists."""
    request = Request(iter([BODY[:5], BODY[5:9], BODY[9:]]))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        message: Message = {"more_body": True}
        while message["more_body"]:
            message = await receive()
            request.events.append(("got", message["body"]))
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for chunk in (PRICE[:4], PRICE[4:]):
            request.events.append("made")
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    await request.put(captured(app, watch))
    assert request.events == [
        *("asked", ("got", BODY[:5]), "asked", ("got", BODY[5:9]), "asked", ("got", BODY[9:])),
        *("made", ("sent", PRICE[:4]), "made", ("sent", PRICE[4:]), ("sent", b"")),
    ]
    assert observed(profile_of(watch, transport)) == {"area": 1, "city": 1, "price": 1}


async def test_an_event_stream_passes_and_is_counted_once(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """Its inputs are captured, nothing of it is kept, and each event is sent when it is made."""
    headers = {"content-type": "text/event-stream"}
    app = captured(answering(*[b"data: 60.0\n\n"] * 3, headers=headers), watch)
    found = await Request([BODY]).put(app)
    assert found.body == b"data: 60.0\n\n" * 3
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions) == (1, {"": 1})
    assert observed(profile) == {"area": 1, "city": 1, "price": 0}


async def test_the_sample_is_chosen_by_id(watch: mw.Watch, transport: FakeTransport) -> None:
    """All are counted and timed, failures too; rows are taken of those that is_sampled names."""
    app = captured(answering(PRICE), watch, sample_rate=0.3)
    ids = [f"order-{number}" for number in range(100)]
    for name in ids:
        found = await Request([BODY], headers={"x-prediction-id": name}).put(app)
        assert found.headers["x-prediction-id"] == name
    chosen = sum(mw.is_sampled(name, 0.3) for name in ids)
    assert 0 < chosen < 100
    failing = captured(answering(b"{}", status=503), watch, sample_rate=0.0)
    await Request([BODY]).put(failing)
    profile = profile_of(watch, transport)
    assert profile.rows == profile.features["price"].observed == chosen
    assert profile.predictions == {"": 100, "HTTP 503": 1}
    assert profile.dropped == {"not_sampled": 100 - chosen}
    assert profile.duration.total == 101


async def test_predictions_are_told_by_the_header(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """Those in the sample, each by the id that its client has, with the share that they are."""
    app = captured(answering(PRICE), watch, sample_rate=0.3)
    ids = [f"order-{number}" for number in range(50)]
    for name in ids:
        await Request([BODY], headers={"x-prediction-id": name}).put(app)
    told = told_predictions(Watched(watch, transport))
    assert told == [
        ToldPrediction(name, {"price": 60.0}, sample_rate=0.3)
        for name in ids
        if mw.is_sampled(name, 0.3)
    ]


async def test_rows_of_a_batch_are_told_by_the_header(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """By the id that its client has, and their place in the batch."""
    app = captured(answering(b'[{"price": 60.0}, {"price": 61.0}]'), watch)
    found = await Request([json.dumps([HOUSE, HOUSE]).encode()]).put(app)
    name = found.headers["x-prediction-id"]
    assert told_predictions(Watched(watch, transport)) == [
        ToldPrediction(f"{name}/0", {"price": 60.0}),
        ToldPrediction(f"{name}/1", {"price": 61.0}),
    ]


async def test_failures_are_not_told(watch: mw.Watch, transport: FakeTransport) -> None:
    """By their status, or by an answer that has no outputs."""
    for answer in (answering(b"{}", status=503), answering(b"", status=204)):
        await Request([BODY]).put(captured(answer, watch))
    assert told_predictions(Watched(watch, transport)) == []


def upload(megabytes: int) -> Iterator[bytes]:
    """Make the chunks of a large body one by one."""
    for _ in range(megabytes * 16):
        yield b" " * (MEGABYTE // 16)


@pytest.mark.parametrize("sample_rate", [0.0, 1.0])
async def test_a_large_upload_is_never_held(sample_rate: float, watch: mw.Watch) -> None:
    """Nothing is copied of what is not in the sample, and of all else no more than the cap."""
    app = captured(answering(PRICE), watch, sample_rate=sample_rate, max_body_bytes=MEGABYTE // 4)
    await Request([BODY]).put(app)
    tracemalloc.start()
    try:
        await Request(upload(16)).put(app)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEGABYTE


@pytest.mark.parametrize(
    ("chunks", "headers", "reason"),
    [
        ([BODY + b" " * 1_000], {"content-length": "1040"}, "too large"),
        ([BODY + b" " * 500, b" " * 500], {}, "too large"),
        ([BODY], {"content-type": "text/csv"}, "not JSON"),
        ([BODY[:-1]], {}, "not JSON"),
        ([b"\xff"], {}, "not JSON"),
        ([b""], {}, "not JSON"),
        ([b"[" * 900], {}, "not JSON"),
        ([gzip.compress(b" " * 2_000_000)[:900]], {"content-encoding": "gzip"}, "too large"),
        ([gzip.compress(BODY)], {"content-encoding": "br"}, "not JSON"),
        ([BODY], {"content-encoding": "gzip"}, "not JSON"),
    ],
)
async def test_a_request_that_cannot_be_read_passes_and_is_counted(
    chunks: list[bytes],
    headers: dict[str, str],
    reason: str,
    watch: mw.Watch,
    transport: FakeTransport,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is counted, its row as unreadable, and once it is said why."""
    app = captured(answering(PRICE), watch, max_body_bytes=1_000)
    for _ in range(3):
        assert (await Request(chunks, headers=headers).put(app)).body == PRICE
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions) == (0, {"": 3})
    assert profile.dropped == {"unreadable": 3}
    told = [record.message for record in caplog.records if "the request is" in record.message]
    assert len(told) == 1
    assert f"the request is {reason}" in told[0]


@pytest.mark.parametrize(
    ("answer", "headers", "price"),
    [
        (PRICE, {"content-type": "application/vnd.prices+json; charset=utf-8"}, 1),
        (PRICE, {}, 1),
        (gzip.compress(PRICE), {"content-encoding": "gzip"}, 1),
        (gzip.compress(PRICE + b" " * 2_000), {"content-encoding": "gzip"}, 0),
        (PRICE + b" " * 2_000, {}, 0),
        (PRICE[:-1], {}, 0),
        (PRICE, {"content-type": "text/plain; kind=json"}, 0),
    ],
)
async def test_an_answer_that_cannot_be_read_passes_and_its_inputs_are_captured(
    answer: bytes, headers: dict[str, str], price: int, watch: mw.Watch, transport: FakeTransport
) -> None:
    """Where the output cannot be read, or is too large, it is missing; the row is there."""
    app = captured(answering(answer, headers=headers), watch, max_body_bytes=1_000)
    assert (await Request([BODY]).put(app)).body == answer
    profile = profile_of(watch, transport)
    assert (profile.rows, profile.predictions) == (1, {"": 1})
    assert observed(profile) == {"area": 1, "city": 1, "price": price}


@pytest.mark.parametrize(
    ("status", "error_type"),
    [(201, ""), (404, "HTTP 404"), (422, "RequestValidationError"), (503, "HTTP 503")],
)
async def test_failures_are_counted_by_status(
    status: int, error_type: str, watch: mw.Watch, transport: FakeTransport
) -> None:
    """The words of a refusal are no output of the model."""
    await Request([BODY]).put(captured(answering(PRICE, status=status), watch))
    profile = profile_of(watch, transport)
    assert profile.predictions == {error_type: 1}
    assert observed(profile).get("price", 0) == int(not error_type)


async def test_an_exception_tells_more_than_a_status(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """What passes through after a 500 is what is counted, and it passes."""
    failed = answering(b"{}", status=500)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await failed(scope, receive, send)
        raise KeyError("the user's own")

    with pytest.raises(KeyError, match="the user's own"):
        await Request([BODY]).put(captured(app, watch))
    assert profile_of(watch, transport).predictions == {"KeyError": 1}


async def test_an_app_that_never_answers(watch: mw.Watch, transport: FakeTransport) -> None:
    """A request that is given up, or left without an answer, is counted as that."""

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.Event().wait()

    await Request([BODY]).put(captured(silent, watch))
    task = asyncio.ensure_future(Request([BODY]).put(captured(waiting, watch)))
    await asyncio.wait([task], timeout=0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert profile_of(watch, transport).predictions == {"HTTP 500": 1, "CancelledError": 1}


async def test_an_app_that_reads_nothing(watch: mw.Watch, transport: FakeTransport) -> None:
    """Where nothing asks for the body there are no inputs; the prediction is counted."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 401})
        await send({"type": "http.response.body", "body": b""})

    found = await Request([BODY]).put(captured(app, watch))
    assert "x-prediction-id" in found.headers
    assert profile_of(watch, transport).predictions == {"HTTP 401": 1}


async def test_what_comes_after_the_answer_is_not_timed(
    watch: mw.Watch, transport: FakeTransport
) -> None:
    """A background task neither lengthens the prediction nor makes it a failure."""
    answered = answering(PRICE)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answered(scope, receive, send)
        assert profile_of(watch, transport).predictions == {"": 1}
        raise RuntimeError("in the background")

    with pytest.raises(RuntimeError, match="in the background"):
        await Request([BODY]).put(captured(app, watch))
    assert profile_of(watch, transport).predictions == {"": 1}


def test_it_can_be_added_to_an_app(watch: mw.Watch, transport: FakeTransport) -> None:
    """As a middleware of FastAPI's, outside of compression, and the shutdown flushes."""
    app = FastAPI()

    @app.post("/predict")
    def predict(house: House) -> list[Price]:
        return [Price(price=house.area)] * 100

    app.add_middleware(GZipMiddleware, minimum_size=10)
    app.add_middleware(CaptureMiddleware, watch=watch, routes=["/predict"])
    with TestClient(app) as client:
        found = client.post("/predict", json=HOUSE)
        assert found.headers["content-encoding"] == "gzip"
        assert client.post("/predict", json={}).status_code == 422
    (profile,) = transport.profiles()
    assert profile.predictions == {"": 1, "RequestValidationError": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"routes": "/predict"}, "give a list of paths"),
        ({"routes": []}, "give lists of one or more"),
        ({"routes": ["predict"]}, "'predict' is no path"),
        ({"routes": [7]}, "7 is no path"),
        ({"routes": ["/{name:colour}"]}, "'/{name:colour}' cannot be read"),
        ({"routes": ["/{a}/{a}"]}, "cannot be read"),
        ({"methods": "POST"}, "give lists of one or more"),
        ({"sample_rate": 1.5}, "sample_rate is 1.5"),
        ({"sample_rate": True}, "sample_rate is True"),
        ({"sample_rate": "0.5"}, "sample_rate is '0.5'"),
        ({"max_body_bytes": 0}, "max_body_bytes is 0"),
        ({"max_body_bytes": 1e6}, "max_body_bytes is 1000000.0"),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    options: dict[str, Any], message: str, watch: mw.Watch
) -> None:
    """The error names the argument and what to give."""
    with pytest.raises(ConfigurationError, match=message):
        captured(answering(PRICE), watch, **options)


async def test_a_disabled_watch_lets_all_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked at and nothing is added."""
    monkeypatch.setenv("MODELWATCH_ENABLED", "false")
    app = captured(answering(PRICE), mw.Watch("houses", version="1", transport=FakeTransport()))
    assert (await Request([BODY]).put(app)).headers == {"content-type": "application/json"}


async def test_websockets_pass(watch: mw.Watch) -> None:
    """Connections of other kinds are the app's alone."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    request = Request([], type="websocket")
    await request.put(captured(app, watch))
    assert seen == [request.scope]


async def test_nothing_is_logged_of_what_is_captured(
    watch: mw.Watch, caplog: pytest.LogCaptureFixture
) -> None:
    """In good order nothing is said."""
    await Request([BODY]).put(captured(answering(PRICE), watch))
    assert caplog.records == []
