"""A real gunicorn, with its workers of each kind, stopped in each way: every row comes once."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from tests.otlp_receiver import OtlpReceiver

ROOT = Path(__file__).parents[3]
REQUESTS = 200
CLIENTS = 4
PATIENCE_SECONDS = 60.0
SERVICE = """
    import os

    import modelwatch as mw
    import modelwatch_flask
    from flask import Blueprint, Flask, request

    def predict():
        return {"score": request.get_json()["number"] / 2}

    async def predict_later():
        return predict()

    def create_app():
        watch = mw.Watch("halves", version="1")
        blueprint = Blueprint("v1", __name__, url_prefix="/v1")
        blueprint.post("/predict")(predict)
        blueprint.post("/later")(predict_later)
        app = Flask(__name__)
        app.register_blueprint(blueprint)
        modelwatch_flask.instrument(app, watch, routes=["/v1/predict", "v1.predict_later"])
        if "WARM_UP" in os.environ:
            assert app.test_client().post("/v1/predict", json={"number": -1.0}).status_code == 200
        return app
"""


class Gunicorn:
    """A gunicorn that was started.

    Args:
        process: the arbiter.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._port: SimpleQueue[int] = SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            self.port = self._port.get(timeout=PATIENCE_SECONDS)
        except Empty:
            process.kill()
            raise AssertionError(self.log()) from None

    def stop(self, signal_number: int) -> None:
        """End it, and wait until all of it is gone."""
        self.process.send_signal(signal_number)
        self._wait()

    def stop_by_keyboard(self) -> None:
        """Press Ctrl-C: the arbiter and each worker get SIGINT, and each worker SIGQUIT too."""
        os.killpg(self.process.pid, signal.SIGINT)
        self._wait()

    def log(self) -> str:
        """Return what it has written."""
        return "\n".join(self.lines)

    def workers(self) -> int:
        """Return how many workers it has started, in all its life."""
        return sum("Booting worker" in line for line in self.lines)

    def _wait(self) -> None:
        self.process.wait(PATIENCE_SECONDS)
        self._reader.join()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            found = re.search(r"Listening at: http://127.0.0.1:(\d+)", line)
            if found:
                self._port.put(int(found[1]))


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """What the service sends to."""
    with OtlpReceiver() as receiver:
        yield receiver


@contextmanager
def serving(
    folder: Path, receiver: OtlpReceiver, arguments: Sequence[str], **variables: str
) -> Iterator[Gunicorn]:
    """Run the service under gunicorn; it exports at its orderly stop alone."""
    (folder / "service.py").write_text(textwrap.dedent(SERVICE), encoding="utf-8")
    environment = {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "MODELWATCH_EXIT_TIMEOUT": "60",  # a busy machine needs its time
        "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "integrations")]),
        **variables,
    }
    command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--no-control-socket"]
    with subprocess.Popen(
        [*command, *arguments, "service:create_app()"],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Gunicorn(process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def ask(port: int, path: str, number: int) -> bool:
    """Send one request on a connection of its own, once; True where it was answered by 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    body = json.dumps({"number": float(number)})
    headers = {"content-type": "application/json", "connection": "close"}
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        answer = json.load(response)
    except (OSError, http.client.HTTPException):  # a worker that was going took it
        return False
    finally:
        connection.close()
    return response.status == 200 and answer == {"score": number / 2}


def ask_all(port: int, path: str = "/v1/predict", requests: int = REQUESTS) -> int:
    """Send all requests, several at once; return how many were answered."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(lambda number: ask(port, path, number), range(requests)))


def ask_until_replaced(gunicorn: Gunicorn, replacements: int) -> int:
    """Send requests until workers were replaced so often; return how many were answered.

    A worker of gevent looks once a second whether it has had its fill, and serves until then.
    """
    workers = 2 + replacements
    deadline = time.monotonic() + PATIENCE_SECONDS
    answered = 0
    while gunicorn.workers() < workers and time.monotonic() < deadline:
        answered += ask_all(gunicorn.port, requests=50)
    assert gunicorn.workers() >= workers, gunicorn.log()
    return answered


WORKERS = {
    "sync": ["--workers", "2"],
    "gthread": ["--workers", "2", "--worker-class", "gthread", "--threads", "4"],
    "gevent": ["--workers", "2", "--worker-class", "gevent"],
}


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
@pytest.mark.parametrize("kind", WORKERS)
def test_every_row_comes_once(
    kind: str, stop: signal.Signals, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """Whatever the workers and the signal: what was answered was captured, and comes once."""
    with serving(tmp_path, receiver, WORKERS[kind]) as gunicorn:
        assert ask_all(gunicorn.port) == REQUESTS
        gunicorn.stop(stop)
    assert_received(REQUESTS, receiver, gunicorn)
    assert not receiver.dropped()
    assert len(receiver.instances()) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORKERS)
def test_every_row_comes_once_after_a_key(
    kind: str, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """Ctrl-C tells a worker twice to exit, the second time while it sends its last."""
    with serving(tmp_path, receiver, WORKERS[kind]) as gunicorn:
        assert ask_all(gunicorn.port) == REQUESTS
        gunicorn.stop_by_keyboard()
    assert_received(REQUESTS, receiver, gunicorn)


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORKERS)
def test_every_row_comes_once_while_workers_are_replaced(
    kind: str, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """Workers that end after some requests each send what they captured before they go."""
    recycling = ["--max-requests", "20", "--max-requests-jitter", "5"]
    with serving(tmp_path, receiver, [*WORKERS[kind], *recycling]) as gunicorn:
        answered = ask_until_replaced(gunicorn, replacements=2)
        gunicorn.stop(signal.SIGTERM)
    assert_received(answered, receiver, gunicorn)
    assert len(receiver.instances()) > 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORKERS)
def test_every_row_comes_once_of_an_app_loaded_before_the_fork(
    kind: str, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """With --preload, what the arbiter captured before it forked is sent by it alone."""
    arguments = [*WORKERS[kind], "--max-requests", "50", "--preload"]
    with serving(tmp_path, receiver, arguments, WARM_UP="1") as gunicorn:
        answered = ask_until_replaced(gunicorn, replacements=2)
        gunicorn.stop(signal.SIGTERM)
    assert_received(answered + 1, receiver, gunicorn)


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORKERS)
def test_every_row_comes_once_when_stopped_amid_requests(
    kind: str, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """When TERM comes amid requests, a row is captured where its request was answered."""
    halfway = threading.Event()

    def ask_and_tell(number: int) -> bool:
        is_answered = ask(gunicorn.port, "/v1/predict", number)
        if number == REQUESTS // 2:
            halfway.set()
        return is_answered

    with (
        serving(tmp_path, receiver, WORKERS[kind]) as gunicorn,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        answers = pool.map(ask_and_tell, range(REQUESTS))
        assert halfway.wait(PATIENCE_SECONDS), gunicorn.log()
        gunicorn.stop(signal.SIGTERM)
        answered = sum(answers)
    assert answered >= REQUESTS // 2 - CLIENTS, gunicorn.log()
    assert_received(answered, receiver, gunicorn)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_every_row_of_an_async_view_comes_once(
    kind: str, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """Async views run in threads and contexts of asgiref's, and are captured as the others."""
    with serving(tmp_path, receiver, WORKERS[kind]) as gunicorn:
        assert ask_all(gunicorn.port, "/v1/later") == REQUESTS
        gunicorn.stop(signal.SIGTERM)
    assert_received(REQUESTS, receiver, gunicorn)


def assert_received(rows: int, receiver: OtlpReceiver, gunicorn: Gunicorn) -> None:
    """Assert that so many rows and predictions came, and that no fault of ours was logged."""
    assert receiver.predictions() == {"": rows}, gunicorn.log()
    assert receiver.rows() == rows, gunicorn.log()
    assert "fault of its own" not in gunicorn.log()
    assert "modelwatch/capture" not in gunicorn.log()  # in no traceback of an exit
