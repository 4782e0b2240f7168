"""What watching adds to a request of a FastAPI app, in microseconds.

Run as ``python tests/benchmarks/run.py bench_fastapi.py``. Requests with a row of 22 floats, 2
integers and 6 texts are put to an async endpoint without a server, captured at 100% with inline
checks against a fitted baseline. All cases are measured in random order, many times over, in one
run; the medians are given, and the median of what each round had above its plain app. Time is that
of the event loop's thread, so that other processes do not count. Rows are folded between the
measurements.

Each case is measured twice: "after others", where some requests to one app follow those to another,
so that the processor's caches hold what the others ran; and "in a row", where one app serves a
hundred requests, as a service does. The floors say what is the framework's price of any middleware
and of any wrapper, whatever they do: of a middleware that wraps ``send``, of a wrapper of wrapt's
around the endpoint, of both, and of both where the wrapper keeps the values of each row alive.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
from collections.abc import Awaitable, Callable
from time import thread_time
from typing import Any

import wrapt
from fastapi import FastAPI
from pydantic import BaseModel, create_model
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import modelwatch as mw
import modelwatch_fastapi
from modelwatch_fastapi import CaptureMiddleware
from tests.benchmarks.bench_capture import Discarding, training_data

PATH = "/predict"
WARMING_REQUESTS = 5
REQUESTS_AND_ROUNDS = {"after others": (20, 150), "in a row": (100, 40)}
LIMIT_MICROSECONDS = 15.0


Decorator = Callable[[Any], Any]


class PassingMiddleware:
    """Wraps ``send``, and does nothing else.

    Args:
        app: the next ASGI app.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""

        def passing(message: Message) -> Awaitable[None]:
            return send(message)

        await self._app(scope, receive, passing)


def behind_passing(app: Starlette) -> ASGIApp:
    """Return the app with a middleware that does nothing."""
    app.add_middleware(PassingMiddleware)
    return app


async def passing_call(wrapped: Any, _instance: object, args: Any, kwargs: Any) -> Any:
    """Call a function."""
    return await wrapped(*args, **kwargs)


class Keeping:
    """A decorator's caller that keeps each row's values alive, as all do that summarise later."""

    def __init__(self) -> None:
        self.kept: list[tuple[Any, ...]] = []

    async def __call__(self, wrapped: Any, _instance: object, args: Any, kwargs: Any) -> Any:
        """Call a function."""
        values = tuple(kwargs["features"].__dict__.values())
        output = await wrapped(*args, **kwargs)
        self.kept.append((values, output))
        return output


def fastapi_app(row: dict[str, Any], decorator: Decorator | None = None) -> FastAPI:
    """Return an app whose endpoint is cheap, decorated where there is a decorator."""
    app = FastAPI()
    fields: dict[str, Any] = {name: (type(value), ...) for name, value in row.items()}
    body: Any = create_model("Row", **fields)

    async def predict(features: BaseModel) -> dict[str, float]:
        return {"score": 0.5}

    predict.__annotations__["features"] = body
    app.post(PATH)(decorator(predict) if decorator is not None else predict)
    return app


def starlette_app() -> Starlette:
    """Return an app whose endpoint reads its request itself."""

    async def predict(request: Request) -> Response:
        await request.json()
        return JSONResponse({"score": 0.5})

    return Starlette(routes=[Route(PATH, predict, methods=["POST"])])


def instrumented(app: Starlette, watch: mw.Watch, routes: list[str] | None = None) -> ASGIApp:
    """Return the app, tied to the watch."""
    modelwatch_fastapi.instrument(app, watch, routes=routes)
    return app


def captured(app: ASGIApp, watch: mw.Watch, sample_rate: float = 1.0) -> ASGIApp:
    """Return the app behind the middleware."""
    return CaptureMiddleware(app, watch=watch, routes=[PATH], sample_rate=sample_rate)


class Client:
    """Puts one request again and again.

    Args:
        row: its body.
    """

    def __init__(self, row: dict[str, Any]) -> None:
        self._message = {"type": "http.request", "body": json.dumps(row).encode()}
        self._headers = [
            (b"host", b"127.0.0.1:8000"),
            (b"accept", b"*/*"),
            (b"accept-encoding", b"gzip, deflate"),
            (b"connection", b"keep-alive"),
            (b"user-agent", b"python-httpx/0.28.1"),
            (b"content-length", str(len(self._message["body"])).encode()),
            (b"content-type", b"application/json"),
        ]
        self.status = 0

    async def microseconds(self, app: ASGIApp, requests: int) -> float:
        """Return what one request takes, after some that are not measured."""
        await self._put(app, WARMING_REQUESTS)
        started = thread_time()
        await self._put(app, requests)
        taken = thread_time() - started
        if self.status != 200:
            raise RuntimeError(f"the app answered {self.status}")
        return taken / requests * 1e6

    async def _put(self, app: ASGIApp, requests: int) -> None:
        for _ in range(requests):
            await app(self._scope(), self._receive, self._send)

    def _scope(self) -> Scope:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": PATH,
            "raw_path": PATH.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": list(self._headers),
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8_000),
            "state": {},
        }

    async def _receive(self) -> Message:
        return {**self._message, "more_body": False}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]


Taken = dict[str, list[float]]


async def measure() -> dict[str, Taken]:
    """Return what each case took in each round, in microseconds a request, in either way."""
    data = training_data()
    baseline = mw.Baseline.fit(data, model="bench", version="1", score="score")
    watch = mw.Watch("bench", version="1", baseline=baseline, transport=Discarding())
    row = {
        name: value.item() if hasattr(value := data[name][0], "item") else value
        for name in baseline.inputs
    }
    keeping = Keeping()
    passing: Decorator = wrapt.decorator(passing_call)
    cases: dict[str, ASGIApp] = {
        "FastAPI, plain": fastapi_app(row),
        "FastAPI, floor: a middleware": behind_passing(fastapi_app(row)),
        "FastAPI, floor: a wrapper": fastapi_app(row, passing),
        "FastAPI, floor: both": behind_passing(fastapi_app(row, passing)),
        "FastAPI, floor: both, rows kept": behind_passing(
            fastapi_app(row, lambda function: wrapt.FunctionWrapper(function, keeping.__call__))
        ),
        "FastAPI, @watch and instrument": instrumented(fastapi_app(row, watch), watch),
        "FastAPI, instrument with routes": instrumented(fastapi_app(row), watch, [PATH]),
        "FastAPI, CaptureMiddleware": captured(fastapi_app(row), watch),
        "FastAPI, CaptureMiddleware, not in the sample": captured(fastapi_app(row), watch, 0.0),
        "Starlette, plain": starlette_app(),
        "Starlette, floor: a middleware": behind_passing(starlette_app()),
        "Starlette, instrument with routes": instrumented(starlette_app(), watch, [PATH]),
    }
    client = Client(row)
    taken: dict[str, Taken] = {}
    order = random.Random(7)
    for way, (requests, rounds) in REQUESTS_AND_ROUNDS.items():
        found = taken[way] = {name: [] for name in cases}
        for _ in range(rounds):
            for name in order.sample(list(cases), len(cases)):
                found[name].append(await client.microseconds(cases[name], requests))
                watch.flush()
                keeping.kept.clear()
    watch.shutdown()
    return taken


def figures() -> list[tuple[str, str, str]]:
    """Return what each case takes, and what it adds to its plain app."""
    return [row for way, taken in asyncio.run(measure()).items() for row in _rows(way, taken)]


def _rows(way: str, taken: Taken) -> list[tuple[str, str, str]]:
    rows = []
    for name, values in taken.items():
        whole = f"{statistics.median(values):.1f} us a request"
        plain = taken[f"{name.partition(',')[0]}, plain"]
        if values is plain:
            rows.append((f"{name}, {way}", "", whole))
        else:
            pairs = zip(values, plain, strict=True)
            added = statistics.median(value - floor for value, floor in pairs)
            target = "" if ", floor" in name else f"at most {LIMIT_MICROSECONDS:g} us added"
            rows.append((f"{name}, {way}", target, f"{whole}, {added:.1f} us added"))
    return rows


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures():
        print(f"{what:60} {target:22} {measured}")


if __name__ == "__main__":
    main()
