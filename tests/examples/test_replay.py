from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import data
import replay

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


def test_boards_hold_each_flight_once(flights: pd.DataFrame) -> None:
    """What is sent is the phase: each flight once, in time order, with its own values."""
    sent = data.phase_flights(flights, "calm").head(200)
    rows = [row for board in replay.boards(sent) for row in board]
    by_time = sent.sort_values("time_hour", kind="stable")
    assert [row["dest"] for row in rows] == by_time["dest"].tolist()
    assert [row["distance"] for row in rows] == by_time["distance"].tolist()


def test_missing_values_are_sent_as_null(flights: pd.DataFrame) -> None:
    """JSON has no NaN: what is missing is null, and nothing else is."""
    sent = data.phase_flights(flights, "broken pipeline").head(50)
    board = json.loads(json.dumps(list(replay.boards(sent)), allow_nan=False))[0]
    assert {row["visib"] for row in board} == {None}
    assert None not in {row["distance"] for row in board}


class Service:
    """Answers like the app, and remembers how many requests were under way at once."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.under_way = 0
        self.most_under_way = 0
        self.app = Starlette(routes=[Route("/predict", self.predict, methods=["POST"])])

    async def predict(self, request: Request) -> Response:
        """Answer a board after the others had their turn."""
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        board: list[dict[str, Any]] = await request.json()
        for _ in range(20):
            await asyncio.sleep(0)
        self.under_way -= 1
        if self.fails:
            return Response(status_code=503)
        return JSONResponse([{"late": row["late"], "score": 0.5} for row in board])


async def test_every_board_is_sent_and_counted(serve: Callable[[Starlette], str]) -> None:
    """The outcome counts flights sent, answered and predicted late."""
    service = Service()
    boards = [[{"late": True}, {"late": False}, {"late": False}]] * 50
    outcome = await replay.replay(boards, serve(service.app))
    assert (outcome.sent, outcome.answered, outcome.late) == (150, 150, 50)
    assert outcome.statuses == {"200": 50}


async def test_requests_under_way_are_bounded(serve: Callable[[Starlette], str]) -> None:
    """However many boards there are, no more than the stated number is under way."""
    service = Service()
    await replay.replay([[{"late": True}]] * 100, serve(service.app))
    assert 1 < service.most_under_way <= replay.CONCURRENT_REQUESTS


async def test_refusals_are_counted_not_hidden(serve: Callable[[Starlette], str]) -> None:
    """A refused board counts as sent and not as answered."""
    outcome = await replay.replay([[{"late": True}]] * 3, serve(Service(fails=True).app))
    assert (outcome.sent, outcome.answered) == (3, 0)
    assert outcome.statuses == {"503": 3}


async def test_a_service_that_is_down_is_counted(free_port: int) -> None:
    """No connection is an outcome, not a crash."""
    outcome = await replay.replay([[{"late": True}]] * 3, f"http://127.0.0.1:{free_port}")
    assert outcome.statuses == {httpx.ConnectError.__name__: 3}


def test_waiting_for_the_past_returns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that has passed is no reason to wait."""
    waits: list[float] = []
    monkeypatch.setattr("replay.time.sleep", waits.append)
    replay.wait_until(0.0)
    assert waits == [0.0]
