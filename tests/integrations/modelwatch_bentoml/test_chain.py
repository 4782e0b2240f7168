"""A service that asks another one, stopped by INT, and in one process as in development."""

from __future__ import annotations

import signal

import httpx

from tests.integrations.modelwatch_bentoml.serving import Served, serve

SIDES = {"length": 2.0, "width": 3.0}
REQUESTS = 10


def ask(client: httpx.Client) -> int:
    """Ask for prices, then for a doubled one, which the service asks itself for.

    Returns:
        How many processes the two services run in, as one worker sees it.
    """
    answers = [client.post("price", json=SIDES) for _ in range(REQUESTS)]
    assert [answer.json() for answer in answers] == [60.0] * REQUESTS
    assert len({answer.headers["x-prediction-id"] for answer in answers}) == REQUESTS
    assert client.post("twice", json=SIDES).json() == 120.0
    return len(set(client.post("processes").json()))


def check(chain: Served) -> None:
    """Check that each prediction of either service was told of once."""
    for model in ("areas", "prices"):
        assert chain.predictions(model) == {"": REQUESTS + 1}
        assert chain.rows(model) == REQUESTS + 1
        assert {"length", "width"} < chain.features(model)


def test_dependency_with_workers_of_its_own() -> None:
    """Services in processes of their own tell of all their predictions when stopped by INT."""
    with serve("chain:Prices", stop=signal.SIGINT) as chain:
        assert ask(chain.client) == 2
    check(chain)


def test_dependency_in_one_process() -> None:
    """Where a dependency has no process of its own, its predictions are told at the end too."""
    with serve("chain:Prices", "--development") as chain:
        assert ask(chain.client) == 1
    check(chain)
