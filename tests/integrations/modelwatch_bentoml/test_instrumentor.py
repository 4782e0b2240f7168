from __future__ import annotations

import sys
from pathlib import Path

import httpx

from tests.otlp_receiver import OtlpReceiver
from tests.server_process import free_port, served, watched_environment

PROGRAMS = Path(sys.executable).parent
SERVICES = Path(__file__).parent / "services"


def test_an_untouched_service() -> None:
    """A method named by its route is captured in both workers, each request once."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [str(PROGRAMS / "opentelemetry-instrument"), sys.executable, "-m", "bentoml", "serve"]
    command += ["untouched:Churn", "--host", "127.0.0.1", "--port", str(port)]
    named = {"MODELWATCH_MODEL": "churn", "MODELWATCH_VERSION": "3", "BENTOML_DO_NOT_TRACK": "true"}
    with OtlpReceiver() as receiver:
        variables = watched_environment(receiver.endpoint, MODELWATCH_ROUTES="/predict", **named)
        with (
            served(command, f"{address}/readyz", folder=SERVICES, environment=variables),
            httpx.Client(
                base_url=address, limits=httpx.Limits(max_keepalive_connections=0)
            ) as client,
        ):
            bodies = [{"features": {"age": age}} for age in range(30)]
            answers = [client.post("/predict", json=body) for body in bodies]
            assert client.post("/predict", json={"features": {"age": -1}}).is_server_error
        assert receiver.predictions() == {"": 30, "ValueError": 1}
        assert receiver.rows() == 31
    assert [float(answer.text) for answer in answers] == [age / 100 for age in range(30)]
    assert len({answer.headers["x-prediction-id"] for answer in answers}) == 30
