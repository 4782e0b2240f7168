"""Services and scripts that know nothing of modelwatch, watched by environment variables alone."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.otlp_receiver import OtlpReceiver
from tests.server_process import PATIENCE_SECONDS, Output, free_port, served, watched_environment

UNTOUCHED = Path(__file__).parent / "untouched"
INSTRUMENT = str(Path(sys.executable).with_name("opentelemetry-instrument"))


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """A receiver that says what was sent to it."""
    with OtlpReceiver() as running:
        yield running


def environment(receiver: OtlpReceiver, **variables: str) -> dict[str, str]:
    """Return the environment of a process that is watched, and exports at its end."""
    named = {"MODELWATCH_MODEL": "churn", "MODELWATCH_VERSION": "3"}
    return watched_environment(receiver.endpoint, **{**named, **variables})


@contextlib.contextmanager
def uvicorn(app: str, variables: dict[str, str], *options: str) -> Iterator[tuple[str, Output]]:
    """Serve an untouched app; yields its address and what it writes."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [INSTRUMENT, sys.executable, "-m", "uvicorn", app, "--port", str(port), *options]
    with served(command, f"{address}/health", folder=UNTOUCHED, environment=variables) as output:
        yield address, output


def ask(address: str, times: int) -> str:
    """Ask for so many predictions and for one that fails each way; return a prediction's id.

    Over a connection each, so that all workers are asked.
    """
    with httpx.Client(base_url=address, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        assert client.post("/predict", json={"age": "old"}).status_code == 422
        assert client.post("/predict", json={"age": -1, "country": "de"}).status_code == 500
        for age in range(times):
            found = client.post("/predict", json={"age": age, "country": "de"})
            assert found.json() == {"score": age / 100}
    return str(found.headers.get("x-prediction-id", ""))


@pytest.mark.parametrize("workers", [1, 2])
def test_untouched_fastapi_app(receiver: OtlpReceiver, workers: int) -> None:
    """A route named by the environment is captured, each call once, whatever worker it came to."""
    variables = environment(receiver, MODELWATCH_ROUTES="/predict")
    with uvicorn("fastapi_app:app", variables, "--workers", str(workers)) as (address, _):
        assert len(ask(address, 30)) == 36
    assert receiver.predictions() == {"": 30, "RequestValidationError": 1, "ValueError": 1}
    profiles = receiver.metrics()
    assert {(profile.model, profile.version) for profile in profiles} == {("churn", "3")}
    assert receiver.rows() == 31
    assert set().union(*(profile.features for profile in profiles)) == {"age", "country", "score"}


def test_an_app_that_nobody_named_a_model_for(receiver: OtlpReceiver) -> None:
    """Installed but not told what to watch, it says so, and the app serves as it would without."""
    variables = environment(receiver, MODELWATCH_MODEL="", MODELWATCH_ROUTES="/predict")
    with uvicorn("fastapi_app:app", variables) as (address, output):
        assert ask(address, 3) == ""
    assert str(output).count("nothing is watched: set MODELWATCH_MODEL.") == 1
    assert receiver.metrics() == []


def test_routes_that_the_app_lacks(receiver: OtlpReceiver) -> None:
    """A path that is no route is named in the log, and the app serves all the same."""
    variables = environment(receiver, MODELWATCH_ROUTES="/prediction")
    with uvicorn("fastapi_app:app", variables) as (address, output):
        ask(address, 3)
    assert "'/prediction' is no route" in str(output)


@pytest.mark.slow
def test_untouched_script(receiver: OtlpReceiver) -> None:
    """Behind the gate, predictions of estimators are counted once each, in child processes too.

    Neither what training and scoring predict is counted, nor what a pipeline's steps and a forest's
    trees do, in whatever thread.
    """
    run = subprocess.run(
        [INSTRUMENT, sys.executable, "script.py"],
        cwd=UNTOUCHED,
        env=environment(receiver, MODELWATCH_SERVING="true"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    assert run.stdout == "2\n"
    assert receiver.predictions() == {"": 5}
    assert receiver.rows() == 10 + 20 + 1 + 2 * 30
