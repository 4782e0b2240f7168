"""A real receiver of OTLP over HTTP, for tests that start a whole service.

It listens on the loopback address, accepts everything but what it is told to meet with trouble, and
keeps each message once, however often it was sent: a repetition has the same bytes.
"""

from __future__ import annotations

import gzip
import threading
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import modelwatch as mw
from modelwatch.telemetry.wire import decode_metrics
from tests.received_points import assemble, points_in

__all__ = ["OtlpReceiver", "Trouble"]


@dataclass(frozen=True)
class Trouble:
    """What a request meets with in place of being taken.

    Attributes:
        status: of the answer; 0 for none at all until the receiver's end.
        retry_after: value of that header, or empty for none.
    """

    status: int
    retry_after: str = ""


class OtlpReceiver:
    """Receives until its ``with`` block ends.

    Args:
        troubles: what the first requests meet with, one after the other.

    Attributes:
        endpoint: its address, for ``OTEL_EXPORTER_OTLP_ENDPOINT``.
    """

    def __init__(self, troubles: Iterable[Trouble] = ()) -> None:
        self._lock = threading.Lock()  # guards the three below
        self._bodies: dict[tuple[str, bytes], None] = {}
        self._troubles = deque(troubles)
        self._requests = 0
        self._ending = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def requests(self) -> int:
        """How many requests came, repetitions included."""
        with self._lock:
            return self._requests

    def bodies(self, signal: str) -> list[bytes]:
        """Return the different bodies of one signal, in the order in which they came."""
        with self._lock:
            return [body for kind, body in self._bodies if kind == signal]

    def metrics(self) -> list[mw.Profile]:
        """Return the profiles that came, each once."""
        bodies = self.bodies("metrics")
        return assemble(point for body in bodies for point in points_in(decode_metrics(body)))

    def rows(self) -> int:
        """Return how many captured rows came."""
        return sum(profile.rows for profile in self.metrics())

    def predictions(self) -> Counter[str]:
        """Return how many predictions came, by error type; the empty text is success."""
        return sum((profile.predictions for profile in self.metrics()), Counter[str]())

    def dropped(self) -> Counter[str]:
        """Return how many rows were said to be dropped, by reason."""
        return sum((profile.dropped for profile in self.metrics()), Counter[str]())

    def instances(self) -> set[str]:
        """Return the processes that sent."""
        return {str(profile.instance) for profile in self.metrics()}

    def _take(self, signal: str, body: bytes) -> Trouble | None:
        """Keep a message, or return what it meets with."""
        with self._lock:
            self._requests += 1
            if self._troubles:
                return self._troubles.popleft()
            self._bodies[signal, body] = None
            return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take, ending = self._take, self._ending

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                trouble = take(self.path.rpartition("/")[2], body)
                if trouble is not None and not trouble.status:
                    self.close_connection = ending.wait()
                    return
                self.send_response(trouble.status if trouble else 200)
                if trouble is not None and trouble.retry_after:
                    self.send_header("Retry-After", trouble.retry_after)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
