"""What came in, sent on to another OTLP endpoint, as it came.

Best effort: what is acknowledged is committed here, and waits in memory for the endpoint. What the
queue has no place for, what the endpoint refuses, what it does not take within the time that is
allowed, and what still waits when the collector ends, is lost to the endpoint and counted. What was
sent twice, or whose answer was lost, may arrive there twice. An acknowledgement never waits.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.backoff import Backoff, retry_after_seconds
from modelwatch.telemetry.transport.headers import require_sendable
from modelwatch.telemetry.transport.outcome import RETRIED_STATUSES

__all__ = ["FORWARDED", "ForwardOptions", "Forwarded", "Forwarder"]

FORWARDED: Final = "modelwatch-forwarded"
"""Header of what was sent on once: it is not sent on again, or two collectors could be a circle."""

FIRST_BACKOFF_SECONDS: Final = 0.5
LONGEST_BACKOFF_SECONDS: Final = 30.0
_OVERHEAD_BYTES: Final = 512


@dataclass(frozen=True, kw_only=True)
class ForwardOptions:
    """Where to send on what comes in, and how much of it may wait. Checked when it is made.

    Attributes:
        endpoint: URL of an OTLP/HTTP endpoint; ``/v1/metrics`` and so on is put after it.
        headers: sent with each request; may be secret.
        max_bytes: of what waits.
        max_seconds: how long one request is tried.
        timeout_seconds: of one attempt.
        senders: requests under way at a time.

    Raises:
        ConfigurationError: an option has a value that cannot work.
    """

    endpoint: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_bytes: int = 64 * 2**20
    max_seconds: float = 300.0
    timeout_seconds: float = 10.0
    senders: int = 4

    def __post_init__(self) -> None:
        parts = urlsplit(self.endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ConfigurationError(
                "--forward-endpoint is no address of an OTLP/HTTP endpoint: give one such as "
                "http://localhost:4318, without /v1/metrics."
            )
        if (
            min(self.max_bytes, self.senders) < 1
            or min(self.max_seconds, self.timeout_seconds) <= 0
        ):
            raise ConfigurationError("limits of forwarding must be greater than 0.")
        require_sendable(self.headers.items(), source="MODELWATCH_FORWARD_HEADERS")


@dataclass
class Forwarded:
    """What became of what was to be sent on. Only the collector's event loop writes it.

    Attributes:
        sent: requests that the endpoint took.
        retried: attempts that failed and were repeated.
        refused: requests that the endpoint would not take.
        overflowed: requests for which there was no place.
        expired: requests that were tried for too long, or still waited at the end.
        waiting: requests that wait or are under way.
        waiting_bytes: their size.
    """

    sent: int = 0
    retried: int = 0
    refused: int = 0
    overflowed: int = 0
    expired: int = 0
    waiting: int = 0
    waiting_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    path: str
    body: bytes
    media_type: str
    encoding: str
    until: float

    @property
    def nbytes(self) -> int:
        return len(self.body) + _OVERHEAD_BYTES


class Forwarder:
    """Sends requests on, in the background. Belongs to one event loop.

    Memory: ``max_bytes`` of what waits.

    Args:
        options: where to, and how much may wait.
        random_: gives numbers in [0, 1), for the waits between attempts.
    """

    def __init__(
        self, options: ForwardOptions, *, random_: Callable[[], float] = random.random
    ) -> None:
        self.counts = Forwarded()
        self._options = options
        self._random = random_
        self._queue: deque[_Waiting] = deque()
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._logger = logging.getLogger(__name__)

    def offer(self, path: str, body: bytes, *, media_type: str, encoding: str) -> None:
        """Have a request sent on; never waits.

        Args:
            path: as in ``/v1/metrics``.
            body: as it came.
            media_type: of the body.
            encoding: how the body is compressed.
        """
        until = asyncio.get_running_loop().time() + self._options.max_seconds
        waiting = _Waiting(path, body, media_type, encoding, until)
        if self.counts.waiting_bytes + waiting.nbytes > self._options.max_bytes:
            self.counts.overflowed += 1
            return
        self.counts.waiting += 1
        self.counts.waiting_bytes += waiting.nbytes
        self._queue.append(waiting)
        self._filled.set()
        self._empty.clear()

    def shown(self) -> dict[str, Any]:
        """Return the counts, for the API."""
        return asdict(self.counts)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until ``stop`` is set; then what waits is tried once more for a second."""
        async with httpx.AsyncHTTPTransport() as transport, asyncio.TaskGroup() as tasks:
            senders = [
                tasks.create_task(self._send_all(transport)) for _ in range(self._options.senders)
            ]
            await stop.wait()
            try:
                async with asyncio.timeout(1.0):
                    await self._drained()
            except TimeoutError:
                pass
            for sender in senders:
                sender.cancel()
        self.counts.expired += self.counts.waiting
        if self.counts.waiting:
            self._logger.warning("%d requests were not sent on", self.counts.waiting)

    async def _drained(self) -> None:
        await self._empty.wait()

    async def _send_all(self, transport: httpx.AsyncHTTPTransport) -> None:
        while True:
            while not self._queue:
                self._filled.clear()
                await self._filled.wait()
            waiting = self._queue.popleft()
            await self._send(transport, waiting)
            self.counts.waiting -= 1
            self.counts.waiting_bytes -= waiting.nbytes
            if not self.counts.waiting:
                self._empty.set()

    async def _send(self, transport: httpx.AsyncHTTPTransport, waiting: _Waiting) -> None:
        backoff = Backoff(
            self._random,
            first_seconds=FIRST_BACKOFF_SECONDS,
            longest_seconds=LONGEST_BACKOFF_SECONDS,
        )
        loop = asyncio.get_running_loop()
        while True:
            status, asked = await self._attempt(transport, waiting)
            if status is not None and 200 <= status < 300:
                self.counts.sent += 1
                return
            if status is not None and status not in RETRIED_STATUSES:
                self.counts.refused += 1
                self._logger.warning("what was sent on was refused with %d", status)
                return
            pause = backoff.next_seconds(asked)
            if loop.time() + pause > waiting.until:
                self.counts.expired += 1
                return
            self.counts.retried += 1
            await asyncio.sleep(pause)

    async def _attempt(
        self, transport: httpx.AsyncHTTPTransport, waiting: _Waiting
    ) -> tuple[int | None, float | None]:
        """Return the answer's status, None where there was none, and the wait that it asks for."""
        headers = {
            "user-agent": "modelwatch",
            **{name.lower(): value for name, value in self._options.headers.items()},
            "content-type": waiting.media_type,
            FORWARDED: "1",
        }
        if waiting.encoding != "identity":
            headers["content-encoding"] = waiting.encoding
        request = httpx.Request(
            "POST",
            self._options.endpoint.rstrip("/") + waiting.path,
            headers=headers,
            content=waiting.body,
            extensions={"timeout": httpx.Timeout(self._options.timeout_seconds).as_dict()},
        )
        try:
            async with asyncio.timeout(self._options.timeout_seconds):
                response = await transport.handle_async_request(request)
                await response.aclose()
        except (TimeoutError, httpx.HTTPError):
            return None, None
        return response.status_code, retry_after_seconds(response.headers.get("retry-after", ""))
