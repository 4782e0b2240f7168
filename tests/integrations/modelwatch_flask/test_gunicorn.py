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
            raise AssertionError("\n".join(self.lines)) from None

    def stop(self, signal_number: int) -> None:
        """End it, and wait until all of it is gone."""
        self.process.send_signal(signal_number)
        self.process.wait(PATIENCE_SECONDS)
        self._reader.join()

    def workers(self) -> int:
        """Return how many workers it has started, in all its life."""
        return sum("Booting worker" in line for line in self.lines)

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
    ) as process:
        try:
            yield Gunicorn(process)
        finally:
            process.kill()


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


def ask_all(port: int, path: str = "/v1/predict") -> list[int]:
    """Send all requests, several at once; return the numbers of those that were answered."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        answered = pool.map(lambda number: ask(port, path, number), range(REQUESTS))
        return [number for number, is_answered in enumerate(answered) if is_answered]


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
        answered = ask_all(gunicorn.port)
        gunicorn.stop(stop)
    assert len(answered) == REQUESTS, gunicorn.lines
    assert receiver.predictions() == {"": REQUESTS}, gunicorn.lines
    assert receiver.rows() == REQUESTS
    assert not receiver.dropped()
    assert len(receiver.instances()) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORKERS)
def test_every_row_comes_once_while_workers_are_replaced(
    kind: str, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """Workers that end after some requests each send what they captured before they go."""
    recycling = ["--max-requests", "20", "--max-requests-jitter", "5"]
    with serving(tmp_path, receiver, [*WORKERS[kind], *recycling]) as gunicorn:
        answered = ask_all(gunicorn.port)
        gunicorn.stop(signal.SIGTERM)
    assert len(answered) > REQUESTS / 2, gunicorn.lines
    assert gunicorn.workers() > 5, gunicorn.lines
    assert len(receiver.instances()) > 5
    assert receiver.predictions() == {"": len(answered)}, gunicorn.lines
    assert receiver.rows() == len(answered)


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORKERS)
def test_every_row_comes_once_of_an_app_loaded_before_the_fork(
    kind: str, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """With --preload, what the arbiter captured before it forked is sent by it alone."""
    recycling = ["--max-requests", "50", "--preload"]
    with serving(tmp_path, receiver, [*WORKERS[kind], *recycling], WARM_UP="1") as gunicorn:
        answered = ask_all(gunicorn.port)
        gunicorn.stop(signal.SIGTERM)
    assert len(answered) > REQUESTS / 2, gunicorn.lines
    assert gunicorn.workers() > 2, gunicorn.lines
    assert receiver.predictions() == {"": len(answered) + 1}, gunicorn.lines
    assert receiver.rows() == len(answered) + 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORKERS)
def test_every_row_comes_once_when_stopped_amid_requests(
    kind: str, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """A row is captured where its request was answered, and nowhere else, when TERM comes amid."""
    enough = threading.Event()

    def ask_and_tell(number: int) -> bool:
        is_answered = ask(gunicorn.port, "/v1/predict", number)
        if number == REQUESTS // 2:
            enough.set()
        return is_answered

    with (
        serving(tmp_path, receiver, WORKERS[kind]) as gunicorn,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        answers = pool.map(ask_and_tell, range(REQUESTS))
        assert enough.wait(PATIENCE_SECONDS)
        gunicorn.stop(signal.SIGTERM)
        answered = sum(answers)
    assert answered >= REQUESTS // 2 - CLIENTS, gunicorn.lines
    assert receiver.predictions() == {"": answered}, gunicorn.lines
    assert receiver.rows() == answered


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_every_row_of_an_async_view_comes_once(
    kind: str, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """Async views run in threads and contexts of asgiref's, and are captured as the others."""
    with serving(tmp_path, receiver, WORKERS[kind]) as gunicorn:
        answered = ask_all(gunicorn.port, "/v1/later")
        gunicorn.stop(signal.SIGTERM)
    assert len(answered) == REQUESTS, gunicorn.lines
    assert receiver.predictions() == {"": REQUESTS}, gunicorn.lines
    assert receiver.rows() == REQUESTS
