"""What watching adds to a request of a FastAPI app, in microseconds.

Run as ``python tests/benchmarks/run.py bench_fastapi.py``. Requests with a row of 22 floats, 2
integers and 6 texts are put to an async endpoint without a server, captured at 100% with inline
checks against a fitted baseline. All cases are measured in random order, many times over, in one
run; the medians are given, and the median of what each round had above its plain app. Time is that
of the event loop's thread, so that other processes do not count. Rows are folded between the
measurements.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
from time import thread_time
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, create_model
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Scope

import modelwatch as mw
import modelwatch_fastapi
from modelwatch_fastapi import CaptureMiddleware
from tests.benchmarks.bench_capture import Discarding, training_data

PATH = "/predict"
WARMING_REQUESTS = 5
REQUESTS = 20
ROUNDS = 300
LIMIT_MICROSECONDS = 15.0


def fastapi_app(row: dict[str, Any], watch: mw.Watch | None = None) -> FastAPI:
    """Return an app whose endpoint is cheap, watched where there is a watch."""
    app = FastAPI()
    fields: dict[str, Any] = {name: (type(value), ...) for name, value in row.items()}
    body: Any = create_model("Row", **fields)

    async def predict(features: BaseModel) -> dict[str, float]:
        return {"score": 0.5}

    predict.__annotations__["features"] = body
    app.post(PATH)(watch(predict) if watch is not None else predict)
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

    async def microseconds(self, app: ASGIApp) -> float:
        """Return what one request takes, after some that are not measured."""
        await self._put(app, WARMING_REQUESTS)
        started = thread_time()
        await self._put(app, REQUESTS)
        taken = thread_time() - started
        if self.status != 200:
            raise RuntimeError(f"the app answered {self.status}")
        return taken / REQUESTS * 1e6

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


async def measure() -> dict[str, list[float]]:
    """Return what each case took in each round, in microseconds a request."""
    data = training_data()
    baseline = mw.Baseline.fit(data, model="bench", version="1", score="score")
    watch = mw.Watch("bench", version="1", baseline=baseline, transport=Discarding())
    row = {
        name: value.item() if hasattr(value := data[name][0], "item") else value
        for name in baseline.inputs
    }
    cases: dict[str, ASGIApp] = {
        "FastAPI, plain": fastapi_app(row),
        "FastAPI, @watch and instrument": instrumented(fastapi_app(row, watch), watch),
        "FastAPI, instrument with routes": instrumented(fastapi_app(row), watch, [PATH]),
        "FastAPI, CaptureMiddleware": captured(fastapi_app(row), watch),
        "FastAPI, CaptureMiddleware, not in the sample": captured(fastapi_app(row), watch, 0.0),
        "Starlette, plain": starlette_app(),
        "Starlette, instrument with routes": instrumented(starlette_app(), watch, [PATH]),
    }
    client = Client(row)
    taken: dict[str, list[float]] = {name: [] for name in cases}
    order = random.Random(7)
    for _ in range(ROUNDS):
        for name in order.sample(list(cases), len(cases)):
            taken[name].append(await client.microseconds(cases[name]))
            watch.flush()
    watch.shutdown()
    return taken


def figures() -> list[tuple[str, str, str]]:
    """Return what each case takes, and what it adds to its plain app."""
    taken = asyncio.run(measure())
    rows = []
    for name, values in taken.items():
        whole = f"{statistics.median(values):.1f} us a request"
        plain = taken[f"{name.partition(',')[0]}, plain"]
        if values is plain:
            rows.append((name, "", whole))
        else:
            pairs = zip(values, plain, strict=True)
            added = statistics.median(value - floor for value, floor in pairs)
            target = f"at most {LIMIT_MICROSECONDS:g} us added"
            rows.append((name, target, f"{whole}, {added:.1f} us added"))
    return rows


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures():
        print(f"{what:46} {target:22} {measured}")


if __name__ == "__main__":
    main()
