from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.otlp_receiver import OtlpReceiver
from tests.told_outcomes import label_rows, prediction_rows

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "labels"
PATIENCE_SECONDS = 60.0
PAYMENT = {"amount": 420.0, "hour": 3, "country": "PT", "is_new_card": True}


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """What both halves send to."""
    with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture
def environment(receiver: OtlpReceiver) -> dict[str, str]:
    """The environment of both."""
    return {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "integrations")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
    }


@pytest.fixture
def service(free_port: int, environment: dict[str, str]) -> Iterator[str]:
    """The service under uvicorn, as its README says, and its address."""
    command = [sys.executable, "-m", "uvicorn", "service:app", "--port", str(free_port)]
    address = f"http://127.0.0.1:{free_port}"
    with subprocess.Popen(command, cwd=FOLDER, env=environment) as process:
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while not answers(address):
                assert process.poll() is None
                assert time.monotonic() < until
            yield address
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def answers(address: str) -> bool:
    """Tell whether the service is there, and wait a little where it is not."""
    try:
        return httpx.get(f"{address}/openapi.json").status_code == 200
    except httpx.TransportError:
        time.sleep(0.05)
        return False


@pytest.mark.slow
def test_labels_meet_their_predictions(
    service: str, receiver: OtlpReceiver, environment: dict[str, str], tmp_path: Path
) -> None:
    """By the id that the service answered with, from another process."""
    with httpx.Client(timeout=PATIENCE_SECONDS) as client:
        given = client.post(
            f"{service}/payments", json=PAYMENT, headers={"x-prediction-id": "order-7"}
        )
        made = client.post(f"{service}/payments", json=PAYMENT | {"amount": 5.0})
    ids = [answer.headers["x-prediction-id"] for answer in (given, made)]
    assert ids[0] == "order-7"
    file = tmp_path / "chargebacks.csv"
    known = ["true,2026-03-01T12:00:00Z", "false,2026-03-02T12:00:00Z"]
    lines = [f"{one},{more}" for one, more in zip(ids, known, strict=True)]
    file.write_text("\n".join(["prediction_id,charged_back,known_at", *lines]))
    job = subprocess.run(
        [sys.executable, "tell.py", str(file)],
        cwd=FOLDER,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert job.stdout == "2 labels told.\n", job.stderr
    (labels,) = label_rows(receiver.bodies("logs"))
    assert (list(labels.ids), list(labels.labels)) == (ids, [True, False])
    expected = {one: answer.json() for one, answer in zip(ids, (given, made), strict=True)}
    until = time.monotonic() + PATIENCE_SECONDS
    while len(outputs := told_outputs(receiver)) < len(ids):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert outputs == expected


def told_outputs(receiver: OtlpReceiver) -> dict[str, dict[str, object]]:
    """Return the outputs of the predictions that came, by id."""
    return {
        one: {name: column[at] for name, column in rows.outputs.items()}
        for rows in prediction_rows(receiver.bodies("logs"))
        for at, one in enumerate(rows.ids)
    }
