"""The requests to the service of all kinds of API methods, and what it answered."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx

__all__ = [
    "BATCHES",
    "GIVEN_ID",
    "HOUSE",
    "REQUESTS",
    "UNLIKE",
    "Answers",
    "ask_all",
]

Answers = Mapping[str, Sequence[httpx.Response]]

REQUESTS: Final = 6
HOUSE: Final = {"area": 50.0, "rooms": 3}
UNLIKE: Final = {"area": -9_000.0, "rooms": 3}
GIVEN_ID: Final = "order-1.a:b"
BATCHES: Final = [1 + number % 3 for number in range(60)]
"""How many rows each request to a batchable method has."""

_PATIENCE_SECONDS: Final = 60.0
_ROWS: Final = [[50.0, 3.0], [60.0, 4.0]]
_BODIES: Final[Mapping[str, Any]] = {
    "above": HOUSE,
    "above/async": {"house": HOUSE},
    "array": {"rows": _ROWS},
    "below": HOUSE,
    "frame": {"rows": [HOUSE, HOUSE]},
    "inside": HOUSE,
    "keywords": HOUSE,
    "model": {"house": HOUSE},
    "refuse": HOUSE,
    "root": HOUSE,
    "stream": {"house": HOUSE},
    "stream_async": {"house": HOUSE},
}


def ask_all(client: httpx.Client) -> dict[str, list[httpx.Response]]:
    """Ask each method some times, then with what is special, and return the answers by path."""
    answers = {
        path: [client.post(path, json=body) for _ in range(REQUESTS)]
        for path, body in _BODIES.items()
    }
    headers = {"x-prediction-id": GIVEN_ID}
    answers["given id"] = [client.post("below", json=HOUSE, headers=headers)]
    answers["unusable id"] = [
        client.post("below", json=HOUSE, headers={"x-prediction-id": "two words"})
    ]
    answers["outlier"] = [client.post("below", json=UNLIKE)]
    answers["refused"] = [client.post("refuse", json=UNLIKE)]
    answers["failed"] = [client.post("keywords", json={"area": 0.0})]
    answers["invalid"] = [
        client.post("keywords", json={"area": "large"}),
        client.post("keywords", content=b"{"),
    ]
    answers["health"] = [client.get("livez")]
    answers["worker"] = _ask_workers(client)
    answers["batch"] = _ask_batches(client, "batch", HOUSE)
    answers["batch_array"] = _ask_batches(client, "batch_array", [50.0, 3.0])
    answers["task"] = _ask_task(client)
    return answers


def _ask_workers(client: httpx.Client) -> list[httpx.Response]:
    """Ask until both workers have answered."""
    answers: list[httpx.Response] = []
    end = time.monotonic() + _PATIENCE_SECONDS
    while len({answer.text for answer in answers}) < 2:
        assert time.monotonic() < end, "one worker does not answer"
        answers.append(client.post("worker", json={"house": HOUSE}))
    return answers


def _ask_batches(client: httpx.Client, path: str, row: object) -> list[httpx.Response]:
    """Ask a batchable method many times at once."""
    with ThreadPoolExecutor(20) as pool:
        bodies = [{"rows": [row] * rows} for rows in BATCHES]
        return list(pool.map(lambda body: client.post(path, json=body), bodies))


def _ask_task(client: httpx.Client) -> list[httpx.Response]:
    """Submit a task, and return that answer, and the task's once it is done."""
    submitted = client.post("task/submit", json={"house": HOUSE})
    named = {"task_id": submitted.json()["task_id"]}
    end = time.monotonic() + _PATIENCE_SECONDS
    # What its status is called before a worker takes it up, and between its end and its result,
    # BentoML does not say.
    while "not completed" in (done := client.get("task/get", params=named)).text:
        assert time.monotonic() < end, "the task does not end"
    return [submitted, done]
