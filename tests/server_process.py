"""A server as a process of its own, which is waited for and stopped in good order."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx

__all__ = ["PATIENCE_SECONDS", "Output", "free_port", "served", "watched_environment"]

PATIENCE_SECONDS = 120.0
_GRACE_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.02
_NEVER_MILLISECONDS = "3600000"


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def watched_environment(endpoint: str, **variables: str) -> dict[str, str]:
    """Return the environment of a process that exports when it ends, and not before."""
    return {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "MODELWATCH_EXIT_TIMEOUT": "60",  # a busy machine needs its time
        "OTEL_METRIC_EXPORT_INTERVAL": _NEVER_MILLISECONDS,
        **variables,
    }


class Output:
    """What a process and its children write, until the last of them has ended.

    Args:
        process: a process with a pipe for its output.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._chunks: list[bytes] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __str__(self) -> str:
        return b"".join(self._chunks).decode(errors="replace")

    def wait_for_end(self) -> None:
        """Wait until all who write have ended."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), f"it goes on: {self}"

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            self._chunks.extend(iter(pipe.readline, b""))


@contextlib.contextmanager
def served(
    command: Sequence[str],
    ready: str,
    *,
    folder: Path,
    environment: Mapping[str, str],
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[Output]:
    """Run a server while the block runs; at its end the server has stopped, with its children.

    Args:
        command: what starts it.
        ready: an address that answers once it is up.
        folder: where it runs.
        environment: its environment variables.
        stop: the signal by which it stops in good order.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    output = Output(process)
    try:
        _wait_for(ready, process, output)
        yield output
        process.send_signal(stop)
        output.wait_for_end()
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that a failure has left running; in good order, for the sake of its workers."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes], output: Output) -> None:
    end, pause = time.monotonic() + PATIENCE_SECONDS, threading.Event()
    with httpx.Client(timeout=PATIENCE_SECONDS) as client:
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if not client.get(address).is_server_error:
                    return
            pause.wait(_LOOK_AGAIN_SECONDS)  # leaves the core to the server
    raise AssertionError(f"{address} does not answer: {output}")
