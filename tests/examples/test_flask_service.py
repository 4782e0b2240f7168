from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import httpx
import pytest

from tests.otlp_receiver import OtlpReceiver

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0
HOUR = {"hour": 8, "temperature": 14.5, "rain": False, "weekday": "Mon"}


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """What the service sends to."""
    with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture
def service(receiver: OtlpReceiver) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The example under gunicorn, as its README says, and its address."""
    options = ["--bind", "127.0.0.1:0", "--workers", "2", "--no-control-socket"]
    folder = ROOT / "examples" / "flask_service"
    environment = {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "integrations")]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options, "service:create_app()"],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        addresses: SimpleQueue[str] = SimpleQueue()
        reader = threading.Thread(target=_read, args=(process, addresses))
        reader.start()
        try:
            yield process, addresses.get(timeout=PATIENCE_SECONDS)
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
            reader.join()


def _read(process: subprocess.Popen[str], addresses: SimpleQueue[str]) -> None:
    """Tell the address that gunicorn logs, and read on until it ends."""
    assert process.stderr is not None
    for line in process.stderr:
        address = line.partition("Listening at: ")[2].partition(" ")[0]
        if address:
            addresses.put(address)


@pytest.mark.slow
def test_the_service_is_watched(
    service: tuple[subprocess.Popen[str], str], receiver: OtlpReceiver
) -> None:
    """Its view has no line of modelwatch, and each request is answered, named and counted."""
    process, address = service
    url = f"{address}/v1/hours/harbour/rides"
    with httpx.Client(timeout=PATIENCE_SECONDS) as client:
        for _ in range(10):
            found = client.post(url, json=HOUR, headers={"x-prediction-id": "ride-7"})
            assert found.json() == {"place": "harbour", "rides": 195}
            assert found.headers["x-prediction-id"] == "ride-7"
            assert "x-modelwatch-outliers" not in found.headers
        odd = client.post(url, json=HOUR | {"temperature": 300.0})
        assert odd.headers["x-modelwatch-outliers"] == "temperature=range"
        assert client.post(url, json={"hour": 8}).status_code == 422
    process.send_signal(signal.SIGTERM)
    process.wait(PATIENCE_SECONDS)
    assert receiver.predictions() == {"": 11, "UnprocessableEntity": 1}
    observed = sum(profile.features["rides"].observed for profile in receiver.metrics())
    assert observed == 11
