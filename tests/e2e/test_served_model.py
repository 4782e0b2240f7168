"""The whole path with real processes: service, export, collector, answer."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import data
import replay
from modelwatch.cli.demo_processes import Processes
from modelwatch.cli.demo_stage import Ports, Stage, example_folder
from tests import plain_http

VERSION_PATH = "/api/v1/models/flight-delays/versions/1"
READY_SECONDS = 60.0
NEVER_MILLISECONDS = "3600000"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A stage on free ports."""
    with contextlib.ExitStack() as probes:
        sockets = [probes.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        otlp_http, api, app = (probe.getsockname()[1] for probe in sockets)
    return Stage(tmp_path, example_folder(), Ports(otlp_http=otlp_http, api=api, app=app))


@pytest.fixture
def collector(stage: Stage) -> Iterator[Processes]:
    """A collector as its own process, with the baseline of a freshly trained model."""
    with Processes(stage.folder, stage.environment()) as processes:
        processes.complete("training", stage.training())
        stage.rules.write_text("", encoding="utf-8")  # the default rules
        processes.start("collector", stage.collector())
        wait_for(f"{stage.api_url}/readyz", processes)
        pushed = plain_http.put(
            f"{stage.api_url}{VERSION_PATH}/baseline", content=stage.baseline.read_bytes()
        )
        assert pushed.status_code == 201, pushed.text
        yield processes


def wait_for(address: str, processes: Processes) -> None:
    """Wait until something answers at the address."""

    def answers() -> bool:
        try:
            return plain_http.get(address).is_success
        except httpx.TransportError:
            return False

    processes.wait_until(answers, what=address, timeout_seconds=READY_SECONDS)


def ask_drift(stage: Stage) -> dict[str, Any]:
    """Return the collector's answer on the last hour."""
    response = plain_http.get(f"{stage.api_url}{VERSION_PATH}/drift", params={"window": "1h"})
    answer: dict[str, Any] = response.raise_for_status().json()
    return answer


@pytest.mark.slow
async def test_what_workers_served_is_judged(stage: Stage, collector: Processes) -> None:
    """Each flight that was served is counted once, and only what was broken is at drift.

    The workers export at their orderly stop alone, so nothing that was waiting may be lost.
    """
    sent = data.phase_flights(data.load_flights(), "broken pipeline")
    with Processes(stage.folder, stage.environment()) as processes:
        processes.start(
            "service",
            stage.service(),
            environment={"OTEL_METRIC_EXPORT_INTERVAL": NEVER_MILLISECONDS},
        )
        wait_for(f"{stage.app_url}/openapi.json", processes)
        outcome = await replay.replay(list(replay.boards(sent))[::2], stage.app_url)
        assert outcome.statuses.keys() == {"200"}
        assert outcome.answered == outcome.sent > 3_000
    collector.check()
    answer = ask_drift(stage)
    assert answer["rows"] == outcome.sent
    assert answer["instances"] in (1, 2)  # the kernel may give all connections to one worker
    found = {name for name, drift in answer["features"].items() if drift["severity"] == "drift"}
    assert found == {"distance", "visib"}
    assert "miles to kilometres" in answer["features"]["distance"]["diagnosis"]
