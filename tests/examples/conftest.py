"""What the tests of the flight delay example share: its data, and a model of a part of it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import joblib
import pandas as pd
import pytest
import uvicorn
from starlette.applications import Starlette
from threadpoolctl import threadpool_limits

import data
import train

EVERY = 8
HOST = "127.0.0.1"


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Train on one thread: on a busy machine, several take the cores they wait for."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def flights() -> pd.DataFrame:
    """All flights of 2013."""
    return data.load_flights()


@pytest.fixture(scope="session")
def training_rows(flights: pd.DataFrame) -> pd.DataFrame:
    """Every eighth training row."""
    return data.training_flights(flights).iloc[::EVERY]


@pytest.fixture(scope="session")
def model_folder(training_rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of those rows, and its baseline."""
    folder = tmp_path_factory.mktemp("model")
    inputs, truth = training_rows[list(data.FEATURES)], training_rows["arrived_late"]
    joblib.dump(train.make_model().fit(inputs, truth), folder / "model.joblib")
    baseline = train.fit_baseline(training_rows, train.held_out_scores(training_rows))
    baseline.save(folder / "baseline.json")
    return folder


@pytest.fixture
def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serve() -> Iterator[Callable[[Starlette], str]]:
    """Serve an application in a thread until the test ends; returns its address."""
    with contextlib.ExitStack() as running:
        yield lambda app: running.enter_context(_served(app))


@contextlib.contextmanager
def _served(app: Starlette) -> Iterator[str]:
    listener = socket.create_server((HOST, 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://{HOST}:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=30)
    listener.close()
