from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pandas as pd
import pytest

import data
import replay
from modelwatch.cli.demo_processes import Processes
from modelwatch.cli.demo_stage import example_folder
from tests import plain_http

READY_SECONDS = 60.0


@pytest.fixture
def app_url(model_folder: Path, tmp_path: Path, free_port: int) -> Iterator[str]:
    """The example's app under uvicorn, with no collector at the other end."""
    url = f"http://127.0.0.1:{free_port}"
    environment = {
        **os.environ,
        "FLIGHT_DELAYS_FOLDER": str(model_folder),
        "OMP_NUM_THREADS": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    folder = str(example_folder())
    uvicorn = [sys.executable, "-m", "uvicorn", "app:app", "--app-dir", folder]
    with Processes(tmp_path, environment) as processes:
        processes.start("app", [*uvicorn, "--port", str(free_port)])
        processes.wait_until(
            lambda: _answers(f"{url}/openapi.json"), what="ready", timeout_seconds=READY_SECONDS
        )
        yield url


def _answers(url: str) -> bool:
    try:
        return plain_http.get(url).is_success
    except httpx.TransportError:
        return False


def test_the_app_predicts_for_boards(app_url: str, flights: pd.DataFrame) -> None:
    """One flight or many, known or missing weather: each gets its answer, in its place."""
    boards = list(replay.boards(data.phase_flights(flights, "broken pipeline").head(40)))
    for board in [*boards, boards[0][:1]]:
        delays = plain_http.post(f"{app_url}/predict", json=board).raise_for_status().json()
        assert len(delays) == len(board)
        assert all(delay["late"] == (delay["score"] >= 0.5) for delay in delays)
        assert all(0.0 <= delay["score"] <= 1.0 for delay in delays)


def test_the_app_answers_while_no_collector_does(app_url: str, flights: pd.DataFrame) -> None:
    """Predictions go through, with their id, whatever becomes of the telemetry."""
    board = next(replay.boards(data.phase_flights(flights, "calm")))
    for _ in range(20):
        response = plain_http.post(f"{app_url}/predict", json=board)
        assert response.status_code == 200
        assert response.headers["x-prediction-id"]


def test_the_app_refuses_a_flight_without_a_field(app_url: str, flights: pd.DataFrame) -> None:
    """What is no flight is refused with the name of what is wrong."""
    (flight, *_) = next(replay.boards(data.phase_flights(flights, "calm")))
    del flight["distance"]
    response = plain_http.post(f"{app_url}/predict", json=[flight])
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][-1] == "distance"
