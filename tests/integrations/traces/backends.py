"""Phoenix, which takes traces, rotel, which takes logs, and the example's service before both."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

__all__ = ["UNUSUAL", "USUAL", "Backends", "running", "wait_for"]

ROOT = Path(__file__).parents[3]
READY_SECONDS = 600.0  # at its first start Phoenix is compiled, which a busy machine needs time for
STOP_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.2

USUAL = {"amount": 20_000.0, "income": 60_000.0, "purpose": "car"}
UNUSUAL = {"amount": 9_000_000.0, "income": 60_000.0, "purpose": "yacht"}

_Found = TypeVar("_Found")


@dataclass(frozen=True, kw_only=True)
class Backends:
    """Where everything is.

    Attributes:
        phoenix: address of Phoenix's pages and API.
        service: address of the service.
        logs: the file into which rotel writes each log record that it takes.
    """

    phoenix: str
    service: str
    logs: Path

    def ask(self, loan: Mapping[str, Any]) -> None:
        """Ask the service for one prediction."""
        httpx.post(f"{self.service}/risk", json=loan, timeout=60.0).raise_for_status()

    def spans(self) -> list[dict[str, Any]]:
        """Return the spans that Phoenix has of the service."""
        answer = httpx.get(f"{self.phoenix}/v1/projects/default/spans", params={"limit": 1_000})
        found: list[dict[str, Any]] = answer.json()["data"] if answer.is_success else []
        return found


def wait_for(look: Callable[[], _Found | None], what: str) -> _Found:
    """Look again until something is found; fail with `what` where it takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(LOOK_AGAIN_SECONDS)
    raise TimeoutError(f"{what} was not there after {READY_SECONDS:g} seconds")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Backends]:
    """Run the three on free ports of the loopback, with their files in a folder."""
    phoenix, phoenix_grpc, rotel_http, rotel_grpc, service = _free_ports(5)
    backends = Backends(
        phoenix=f"http://127.0.0.1:{phoenix}",
        service=f"http://127.0.0.1:{service}",
        logs=folder / "rotel.log",
    )
    with contextlib.ExitStack() as stack:

        def start(name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
            stack.enter_context(_process(folder / f"{name}.log", command, environment))

        start("phoenix", [_script("phoenix"), "serve"], _phoenix(folder, phoenix, phoenix_grpc))
        start("rotel", _rotel(rotel_http, rotel_grpc), {})
        wait_for(lambda: _answers(f"{backends.phoenix}/healthz"), "Phoenix")
        wait_for(lambda: _listens(rotel_http), "rotel")
        start(
            "service",
            [sys.executable, "-m", "uvicorn", "examples.traces.app:app", "--port", str(service)],
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{rotel_http}",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{backends.phoenix}/v1/traces",
                "OTEL_METRIC_EXPORT_INTERVAL": "500",
            },
        )
        wait_for(lambda: _answers(f"{backends.service}/openapi.json"), "the service")
        yield backends


def _phoenix(folder: Path, port: int, grpc_port: int) -> dict[str, str]:
    return {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc_port),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }


def _rotel(http_port: int, grpc_port: int) -> list[str]:
    """Return the command of an agent that prints each log record and passes nothing on."""
    import rotel

    return [
        str(Path(rotel.__file__).with_name("rotel-agent")),
        "start",
        "--exporter=blackhole",
        "--debug-log=logs",
        "--debug-log-verbosity=detailed",
        f"--otlp-http-endpoint=127.0.0.1:{http_port}",
        f"--otlp-grpc-endpoint=127.0.0.1:{grpc_port}",
    ]


def _script(name: str) -> str:
    return str(Path(sysconfig.get_path("scripts")) / name)


@contextlib.contextmanager
def _process(log: Path, command: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "integrations")])
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def _answers(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.TransportError:
        return False


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
