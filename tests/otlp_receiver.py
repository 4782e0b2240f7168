"""A real OTLP/HTTP receiver in a thread of the test, which says what was sent to it."""

from __future__ import annotations

import gzip
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import modelwatch as mw
from modelwatch.telemetry.wire import Point, assemble, decode_metrics

__all__ = ["OtlpReceiver"]


class OtlpReceiver:
    """Accepts what exporters send; a point that comes twice is kept once.

    Attributes:
        endpoint: its base address, for ``OTEL_EXPORTER_OTLP_ENDPOINT``.
    """

    def __init__(self) -> None:
        self._points: dict[int, Point] = {}
        self._lock = threading.Lock()  # guards the points
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Take one export."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if self.path.endswith("/v1/metrics"):
                    receiver._take(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_request(self, code: object = "-", size: object = "-") -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> OtlpReceiver:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def metrics(self) -> list[mw.Profile]:
        """Return the profiles that were received, oldest first."""
        with self._lock:
            return assemble(self._points.values())

    def predictions(self) -> Counter[str]:
        """Return how many predictions were told of, by error type; "" for success."""
        return sum((profile.predictions for profile in self.metrics()), Counter())

    def rows(self) -> int:
        """Return how many captured rows were told of."""
        return sum(profile.rows for profile in self.metrics())

    def _take(self, body: bytes) -> None:
        with self._lock:
            self._points.update((point.key, point) for point in decode_metrics(body).points)
