"""The end of a process, with a collector that is down."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest

from modelwatch.errors import ConfigurationError
from tests.watched import MakeWatch

MOST_SECONDS = 2.0

Down = Callable[[], AbstractContextManager[tuple[int, threading.Event]]]

# The first registered is the last that runs, so that the two enclose what a watch does at the end.
SERVICE = """
import atexit, os, sys, time
import modelwatch as mw

begun = []
atexit.register(lambda: print(time.monotonic() - begun[0], flush=True))
watches = [mw.Watch("m", version=str(number)) for number in range(int(sys.argv[1]))]
for watch in watches:
    @watch
    def predict(features):
        return 0.5

    for number in range(500):
        predict({"a": float(number), "b": "x"})
atexit.register(lambda: begun.append(time.monotonic()))
if len(sys.argv) > 2:
    sys.stdin.readline()
"""


@contextmanager
def refusing() -> Iterator[tuple[int, threading.Event]]:
    """Give a port where nobody listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1], threading.Event()


@contextmanager
def black_hole() -> Iterator[tuple[int, threading.Event]]:
    """Give a port where connections are taken and never answered, and tell of the first."""
    connections: list[socket.socket] = []
    connected = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connections.append(server.accept()[0])
                    connected.set()

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1], connected
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    for connection in connections:
        connection.close()


def start(port: int, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a service that captures rows for a collector on a port."""
    return subprocess.Popen(
        [sys.executable, "-c", SERVICE, *arguments],
        env={
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            **environment,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("collector", [refusing, black_hole])
@pytest.mark.parametrize("watches", ["1", "3"])
def test_a_process_ends_in_two_seconds(collector: Down, protocol: str, watches: str) -> None:
    """A collector that refuses or never answers holds up the end of no service."""
    with collector() as (port, _):
        service = start(port, watches, OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
        out, errors = service.communicate(timeout=120)
    assert service.returncode == 0, errors
    assert float(out) <= MOST_SECONDS
    assert "Traceback" not in errors


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_request_under_way_holds_up_no_end(protocol: str) -> None:
    """A process that ends while an export hangs ends in the same time."""
    with black_hole() as (port, connected):
        service = start(
            port,
            "1",
            "wait",
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
            OTEL_METRIC_EXPORT_INTERVAL="100",
        )
        assert connected.wait(60)
        started = time.monotonic()
        out, errors = service.communicate("go on\n", timeout=120)
        whole = time.monotonic() - started
    assert service.returncode == 0, errors
    assert float(out) <= MOST_SECONDS
    assert whole < 10 * MOST_SECONDS
    assert "Traceback" not in errors


def test_the_wait_can_be_set() -> None:
    """MODELWATCH_EXIT_TIMEOUT=0 waits for nothing."""
    with black_hole() as (port, _):
        service = start(port, "1", MODELWATCH_EXIT_TIMEOUT="0")
        out, errors = service.communicate(timeout=120)
    assert service.returncode == 0, errors
    assert float(out) < 1.0


def test_a_wait_that_is_no_number_is_refused(
    make_watch: MakeWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told when the watch is made, not when the process ends."""
    monkeypatch.setenv("MODELWATCH_EXIT_TIMEOUT", "soon")
    with pytest.raises(ConfigurationError, match="MODELWATCH_EXIT_TIMEOUT is 'soon'"):
        make_watch()


def test_a_watch_that_was_let_go_sends_what_it_has() -> None:
    """Rows of a watch that nobody refers to any more are delivered when the process ends."""
    script = (
        "import modelwatch as mw\n"
        "from modelwatch.telemetry.transport import Outcome\n"
        "class Printing:\n"
        "    def send(self, signal, body, *, timeout_seconds=None):\n"
        "        print(signal, flush=True)\n"
        "        return Outcome(status='accepted')\n"
        "    def close(self):\n"
        "        pass\n"
        "def serve():\n"
        "    mw.Watch('m', version='1', transport=Printing()).log({'a': 1.0}, 0.5)\n"
        "serve()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.splitlines() == ["metrics", "logs"]
