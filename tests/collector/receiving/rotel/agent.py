"""rotel, a collector of other makers, between those who send and ours."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from tests.server_process import PATIENCE_SECONDS, free_port

__all__ = ["PROGRAMS", "PROTOCOLS", "Protocol", "Rotel", "rotel"]

ROOT = Path(__file__).parents[4]
PROGRAMS = sorted(ROOT.glob(".frameworks/traces/lib/python3*/site-packages/rotel/rotel-agent"))
"""The program, where the environment of ``make test-traces`` has it."""

Protocol = Literal["grpc", "http"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


@dataclass(frozen=True, kw_only=True)
class Rotel:
    """Where a running rotel takes OTLP."""

    otlp: str
    grpc: str

    def endpoint(self, protocol: Protocol) -> str:
        """Return where it takes a protocol."""
        return self.grpc if protocol == "grpc" else self.otlp


@contextlib.contextmanager
def rotel(
    collector: str, protocol: Protocol, *options: str, batch_timeout: str = "50ms"
) -> Iterator[Rotel]:
    """Run rotel before a collector while the block runs.

    It sends again after 50 ms what was not taken.

    Args:
        collector: the address that it sends to.
        protocol: by which it does.
        options: of its command line.
        batch_timeout: how long it waits for more to send in one request.
    """
    http, grpc = free_port(), free_port()
    command = [
        str(PROGRAMS[-1]),
        "start",
        f"--otlp-http-endpoint=127.0.0.1:{http}",
        f"--otlp-grpc-endpoint=127.0.0.1:{grpc}",
        "--exporter=otlp",
        f"--otlp-exporter-protocol={protocol}",
        f"--otlp-exporter-endpoint={collector}",
        "--otlp-exporter-retry-initial-backoff=50ms",
        "--otlp-exporter-retry-max-backoff=100ms",
        f"--batch-timeout={batch_timeout}",
        *options,
    ]
    environment = {name: value for name, value in os.environ.items() if "OTEL" not in name}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        _wait_for(process, http, grpc)
        yield Rotel(otlp=f"http://127.0.0.1:{http}", grpc=f"http://127.0.0.1:{grpc}")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _wait_for(process: subprocess.Popen[bytes], *ports: int) -> None:
    pause = threading.Event()
    for port in ports:
        while True:
            assert process.poll() is None, f"rotel ended: {process.communicate()[0].decode()}"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            pause.wait(0.02)
