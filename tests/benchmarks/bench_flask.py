"""What watching adds to a request of a Flask app, in microseconds.

Run as ``python tests/benchmarks/run.py bench_flask.py``. Requests with a row of 22 floats, 2
integers and 6 texts are put to a view as a WSGI server puts them, without a socket, captured at
100% with inline checks against a fitted baseline. All cases are measured in random order, many
times over, in one run; the medians are given, and the median of what each round had above its plain
app. Time is that of the thread, so that other processes do not count. Rows are folded between the
rounds.
"""

from __future__ import annotations

import io
import json
import random
import statistics
from collections.abc import Callable, Iterable
from time import thread_time
from typing import Any

import numpy as np
from flask import Flask, request
from werkzeug.test import EnvironBuilder

import modelwatch as mw
import modelwatch_flask
from tests.benchmarks.bench_capture import Discarding, predict_named, training_data

WARMING_REQUESTS = 5
REQUESTS = 20
ROUNDS = 200

Call = Callable[[], object]
Predict = Callable[[dict[str, Any]], dict[str, Any]]


def app_of(predict: Predict = predict_named) -> Flask:
    """Return an app with a view that answers a row with a score, and one that predicts nothing."""
    app = Flask(__name__)

    @app.post("/predict")
    def view() -> dict[str, Any]:
        return predict(request.get_json())

    @app.get("/health")
    def health() -> str:
        return "fine"

    return app


def requests_of(app: Flask, path: str, body: bytes) -> Call:
    """Return what puts one request to an app."""
    builder = EnvironBuilder(path, method="POST" if body else "GET", data=body)
    environ = {**builder.get_environ(), "CONTENT_TYPE": "application/json"}

    def start(status: str, headers: Any, exc_info: Any = None, /) -> Callable[[bytes], object]:
        assert status == "200 OK"
        return bytes.__len__

    def serve() -> None:
        answer: Iterable[bytes] = app({**environ, "wsgi.input": io.BytesIO(body)}, start)
        b"".join(answer)
        close: Call = getattr(answer, "close", tuple)
        close()

    return serve


def microseconds(call: Call) -> float:
    """Return what one request takes."""
    for _ in range(WARMING_REQUESTS):
        call()
    started = thread_time()
    for _ in range(REQUESTS):
        call()
    return (thread_time() - started) / REQUESTS * 1e6


def measure() -> dict[str, list[float]]:
    """Return what each case took in each round; a plain app comes before those like it."""
    data = training_data()
    baseline = mw.Baseline.fit(data, model="bench", version="1", score="score")
    watch = mw.Watch("bench", version="1", baseline=baseline, transport=Discarding())
    row = {name: np.asarray(data[name])[0].item() for name in baseline.inputs}
    body = json.dumps(row).encode()
    plain, captured, decorated = app_of(), app_of(), app_of(watch(predict_named))
    modelwatch_flask.instrument(captured, watch, routes=["/predict"])
    modelwatch_flask.instrument(decorated, watch)
    watch.recorder._start = lambda: None  # no thread of ours competes with the caller
    watch.recorder.ensure_started()
    cases = {
        "plain view": requests_of(plain, "/predict", body),
        "view captured by routes=": requests_of(captured, "/predict", body),
        "view with a function under @watch": requests_of(decorated, "/predict", body),
        "plain view without a prediction": requests_of(plain, "/health", b""),
        "the same in an instrumented app": requests_of(captured, "/health", b""),
    }
    taken: dict[str, list[float]] = {name: [] for name in cases}
    order = list(cases)
    shuffle = random.Random(7).shuffle
    for _ in range(ROUNDS):
        shuffle(order)
        for name in order:
            taken[name].append(microseconds(cases[name]))
        watch.recorder.folder.fold()
    return taken


def figures() -> list[tuple[str, str, str]]:
    """Return what each case takes, and what it adds to the same app without a watch."""
    rows: list[tuple[str, str, str]] = []
    floors: list[float] = []
    for name, taken in measure().items():
        median = statistics.median(taken)
        if name.startswith("plain"):
            floors = taken
            rows.append((name, "", f"{median:.0f} us a request"))
            continue
        added = statistics.median(value - floor for value, floor in zip(taken, floors, strict=True))
        ratio = median / statistics.median(floors)
        rows.append((name, "", f"{added:.1f} us added, {ratio:.2f} x"))
    return rows


def main() -> None:
    """Measure and print."""
    for what, _, measured in figures():
        print(f"{what:34} {measured}")


if __name__ == "__main__":
    main()
