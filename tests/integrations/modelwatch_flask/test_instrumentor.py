from __future__ import annotations

import sys
from pathlib import Path

import httpx

from tests.otlp_receiver import OtlpReceiver
from tests.server_process import free_port, served, watched_environment

PROGRAM = str(Path(sys.executable).with_name("opentelemetry-instrument"))
UNTOUCHED = Path(__file__).parent / "untouched"


def test_an_untouched_app() -> None:
    """A blueprint's route is captured in both workers of gunicorn, each request once."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [PROGRAM, sys.executable, "-m", "gunicorn", "--workers", "2"]
    command += ["--bind", f"127.0.0.1:{port}", "flask_app:create_app()"]
    named = {"MODELWATCH_MODEL": "churn", "MODELWATCH_VERSION": "3"}
    with OtlpReceiver() as receiver:
        variables = watched_environment(receiver.endpoint, MODELWATCH_ROUTES="/predict", **named)
        with (
            served(command, f"{address}/health", folder=UNTOUCHED, environment=variables),
            httpx.Client(base_url=address) as client,
        ):
            answers = [client.post("/predict", json={"age": age}) for age in range(30)]
            assert client.post("/predict", json={"age": -1}).status_code == 500
        assert receiver.predictions() == {"": 30, "ValueError": 1}
        assert receiver.rows() == 31
    assert [answer.json() for answer in answers] == [{"score": age / 100} for age in range(30)]
    assert len({answer.headers["x-prediction-id"] for answer in answers}) == 30
