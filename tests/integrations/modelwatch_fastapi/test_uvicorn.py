from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.otlp_receiver import OtlpReceiver

ROOT = Path(__file__).parents[3]
READY_SECONDS = 120.0
STOP_SECONDS = 60.0
MOST_REQUESTS = 50
REQUESTS = 120
CLIENTS = 4
HOUSE = b'{"area": 60.0, "city": "Rome"}'
HEADERS = {"content-type": "application/json", "connection": "close"}

# Instrumented: an app with a lifespan of its own; plain, decorated and mounted endpoints.
INSTRUMENTED = """
    from contextlib import asynccontextmanager

    import modelwatch as mw
    import modelwatch_fastapi
    from fastapi import FastAPI

    watch = mw.Watch("houses", version="1")

    @asynccontextmanager
    async def lifespan(app):
        yield {"model": "loaded"}

    app, inner = FastAPI(lifespan=lifespan), FastAPI()

    @app.post("/predict")
    def predict(house: dict[str, float | str]) -> float:
        return 0.5

    @app.post("/decorated")
    @watch
    async def decorated(house: dict[str, float | str]) -> float:
        return 0.5

    @inner.post("/predict")
    async def mounted(house: dict[str, float | str]) -> float:
        return 0.5

    app.mount("/v1", inner)
    modelwatch_fastapi.instrument(app, watch, routes=["/predict", "/v1/predict"])
"""

# Untouched: an app that knows nothing but HTTP, behind the middleware; it exports all the while.
UNTOUCHED = """
    import modelwatch as mw
    from modelwatch_fastapi import CaptureMiddleware

    async def model(scope, receive, send):
        assert scope["type"] == "http"
        while (await receive()).get("more_body", False):
            pass
        headers = [(b"content-type", b"application/json"), (b"content-length", b"3")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"0.5"})

    watch = mw.Watch("houses", version="1", export_interval_seconds=0.2)
    routes = ["/predict", "/decorated", "/v1/predict"]
    app = CaptureMiddleware(model, watch=watch, routes=routes)
"""

PATHS = ["/predict", "/decorated", "/v1/predict"]


class Uvicorn:
    """A server as a process of its own.

    Args:
        folder: where its module is written.
        service: the module's source.
        options: of its command line.
        endpoint: where it exports to.
    """

    def __init__(self, folder: Path, service: str, options: list[str], endpoint: str) -> None:
        (folder / "service.py").write_text(textwrap.dedent(service), encoding="utf-8")
        self._workers = int(options[options.index("--workers") + 1])
        self.address = ""
        self.lines: list[str] = []
        self._is_ready = threading.Event()
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "integrations")]),
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "MODELWATCH_EXIT_TIMEOUT": "60",  # a busy machine needs its time
            "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "service:app", "--port", "0", *options],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        assert self._is_ready.wait(READY_SECONDS), self.lines
        assert self.address, self.lines
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def ask(self, requests: int) -> int:
        """Put so many requests, each on a connection of its own; return how many succeeded."""

        def ask_one(number: int) -> bool:
            connection = http.client.HTTPConnection(self.address, timeout=READY_SECONDS)
            try:
                connection.request("POST", PATHS[number % 3], HOUSE, HEADERS)
                found = connection.getresponse()
                answer = found.read()
            except (OSError, http.client.HTTPException):
                return False  # the server is gone, or its worker is being replaced
            finally:
                connection.close()
            assert (found.status, answer) == (200, b"0.5")
            assert found.headers["x-prediction-id"]
            return True

        with ThreadPoolExecutor(CLIENTS) as clients:
            return sum(clients.map(ask_one, range(requests)))

    def stop(self, number: signal.Signals | None) -> None:
        """Wait until the server ends, after a signal if any."""
        if number is not None:
            self.process.send_signal(number)
        self.process.wait(STOP_SECONDS)

    def _read(self) -> None:
        assert self.process.stderr is not None
        started = 0
        for line in self.process.stderr:
            self.lines.append(line)
            self.address = self.address or line.partition("running on http://")[2].partition(" ")[0]
            started += "startup complete" in line
            # A single server tells its address once it listens; a supervisor tells it first.
            if self.address and (self._workers == 1 or started >= self._workers):
                self._is_ready.set()
        self._is_ready.set()  # it has ended


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """What all workers export to."""
    with OtlpReceiver() as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("service", [INSTRUMENTED, UNTOUCHED], ids=["instrumented", "untouched"])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "max-requests"])
def test_every_answer_is_counted_once(
    end: str, workers: int, service: str, tmp_path: Path, receiver: OtlpReceiver
) -> None:
    """Whatever ends the workers, what they answered is at the receiver, once."""
    options = ["--workers", str(workers)]
    if end == "max-requests":
        options += ["--limit-max-requests", str(MOST_REQUESTS)]
    with Uvicorn(tmp_path, service, options, receiver.endpoint) as server:
        answered = server.ask(REQUESTS)
        if end != "max-requests":
            assert answered == REQUESTS
            server.stop(signal.Signals[end])
        else:
            assert answered >= MOST_REQUESTS
            server.stop(signal.SIGTERM if workers > 1 else None)
    assert receiver.predictions() == Counter({"": answered})
    assert (receiver.rows(), receiver.dropped()) == (answered, Counter())


@pytest.mark.slow
@pytest.mark.parametrize("end", ["SIGINT", "max-requests"])
def test_without_lifespans_the_interpreters_exit_flushes(
    end: str, tmp_path: Path, receiver: OtlpReceiver
) -> None:
    """Where the server runs no lifespan, all is delivered if the interpreter exits in order."""
    options = ["--workers", "1", "--lifespan", "off"]
    options += ["--limit-max-requests", str(MOST_REQUESTS)] if end == "max-requests" else []
    with Uvicorn(tmp_path, INSTRUMENTED, options, receiver.endpoint) as server:
        answered = server.ask(REQUESTS if end == "max-requests" else 20)
        assert answered
        server.stop(signal.SIGINT if end == "SIGINT" else None)
    assert receiver.predictions() == Counter({"": answered})
