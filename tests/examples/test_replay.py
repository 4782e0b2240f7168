from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import data
import replay

if TYPE_CHECKING:
    from collections.abc import Callable


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


def test_what_became_of_flights_is_in_the_order_of_the_boards(flights: pd.DataFrame) -> None:
    """One answer a flight, in the same order; None of those that never arrived."""
    sent = data.phase_flights(flights, "calm").head(400)
    became = [late for board in replay.arrivals(sent) for late in board]
    by_time = sent.sort_values("time_hour", kind="stable")["arrived_late"]
    assert became == [None if pd.isna(late) else bool(late) for late in by_time]
    assert [len(board) for board in replay.arrivals(sent)] == [len(b) for b in replay.boards(sent)]


async def test_labels_have_the_ids_of_their_rows(
    serve: Callable[[Starlette], str], tmp_path: Path
) -> None:
    """Each flight that arrived has the id of its answer, and of its row where there are several."""
    labels: replay.Labels = []
    boards = [[{"late": True}, {"late": False}], [{"late": True}]]
    became: list[replay.Arrivals] = [[None, True], [False]]
    await replay.replay(boards, serve(Service().app), became=became, labels=labels)
    assert sorted(labels) == [("2-rows/1", True), ("1-rows", False)][::-1]
    path = tmp_path / "labels.csv"
    replay.add_labels(path, labels[:1])
    replay.add_labels(path, labels[1:])
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "prediction_id,label"
    assert sorted(lines[1:]) == ["1-rows,false", "2-rows/1,true"]


async def test_flights_without_an_answer_have_no_label(serve: Callable[[Starlette], str]) -> None:
    """A refused board has no predictions whose label could be told."""
    labels: replay.Labels = []
    service = Service(fails=True)
    await replay.replay([[{"late": True}]], serve(service.app), became=[[True]], labels=labels)
    assert labels == []


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
        answer = [{"late": row["late"], "score": 0.5} for row in board]
        return JSONResponse(answer, headers={replay.PREDICTION_ID: f"{len(board)}-rows"})


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
