"""Documents that a collector keeps, asked for again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from random import SystemRandom
from typing import TYPE_CHECKING, Final, Literal, Protocol
from urllib.parse import quote, urlsplit

from modelwatch import settings
from modelwatch.capture.guard import Guard
from modelwatch.errors import CollectorError, ConfigurationError
from modelwatch.file_names import is_url
from modelwatch.late_modules import load_modules

if TYPE_CHECKING:  # loaded by the thread that asks
    import httpx

__all__ = ["Answer", "CollectorPoll", "Polled", "PolledUrl", "version_url"]

_NEEDED: Final = ("httpx", "modelwatch.baseline_format", "modelwatch.performance_baseline")
"""Modules that asking loads, and reading the answer."""

_TIMEOUT_SECONDS: Final = 2.0
_FIRST_BACKOFF_SECONDS: Final = 1.0
_LONGEST_BACKOFF_SECONDS: Final = 300.0
_ABSENT: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE)
_REFUSED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

_chance: Final = SystemRandom()


def version_url(url: str, *, model: str, version: str, argument: str = "baseline") -> str:
    """Return the address of a model version in a collector's API.

    Args:
        url: the collector's, or the baseline's own, which ends in ``/baseline``.
        model: the model's name.
        version: its version.
        argument: what gave the URL, for the message.

    Raises:
        ConfigurationError: where the URL names no host.

    >>> version_url("http://c:4319/", model="churn", version="3")
    'http://c:4319/api/v1/models/churn/versions/3'
    """
    if not is_url(url) or not urlsplit(url).netloc:
        raise ConfigurationError(
            f"{argument} is {url!r}, which names no host: give the URL of a collector, as in "
            "'http://127.0.0.1:4319'."
        )
    base = url.rstrip("/")
    if base.endswith("/baseline"):
        return base.removesuffix("/baseline")
    return f"{base}/api/v1/models/{quote(model, safe='')}/versions/{quote(version, safe='')}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a collector said of a document.

    Attributes:
        status: ``"new"`` where it is another than the one before, ``"absent"`` where there is none.
        content: its bytes where it is new.
    """

    status: Literal["new", "unchanged", "absent"]
    content: bytes = b""


class PolledUrl:
    """One document, whose content is sent only where its entity tag is another than before.

    Args:
        address: where it is.
        most_bytes: a longer answer is refused.
    """

    def __init__(self, address: str, *, most_bytes: int) -> None:
        self.address = address
        self._most_bytes = most_bytes
        self._etag = ""

    def fetch(self, client: httpx.Client) -> Answer:
        """Ask for the document.

        Raises:
            CollectorError: where the collector cannot be reached, or fails.
        """
        import httpx

        headers = {**_authorization(), **({"If-None-Match": self._etag} if self._etag else {})}
        try:
            with client.stream("GET", self.address, headers=headers) as response:
                return self._read(response)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise CollectorError(
                f"no answer from {self.address}: {str(error) or type(error).__name__}."
            ) from error

    def reset(self) -> None:
        """Ask for the content whatever it is: what a fork has cut short is done again."""
        self._etag = ""

    def _read(self, response: httpx.Response) -> Answer:
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            return Answer(status="unchanged")
        if response.status_code in _ABSENT:
            self._etag = ""
            return Answer(status="absent")
        if response.status_code in _REFUSED:
            raise CollectorError(
                f"{self.address} answered {response.status_code}: give a token with the scope "
                "ingest or read in MODELWATCH_TOKEN."
            )
        if response.status_code != HTTPStatus.OK:
            raise CollectorError(f"{self.address} answered {response.status_code}.")
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > self._most_bytes:
                raise CollectorError(f"the answer of {self.address} is too long.")
        self._etag = response.headers.get("etag", "")
        return Answer(status="new", content=bytes(content))


def _authorization() -> dict[str, str]:
    token = settings.read("MODELWATCH_TOKEN")
    if not (token.isascii() and token.isprintable()):
        raise CollectorError("MODELWATCH_TOKEN holds what no token holds: copy it again.")
    return {"Authorization": f"Bearer {token}"} if token else {}


class Polled(Protocol):
    """Something that a collector is asked for."""

    def poll(self, client: httpx.Client) -> None:
        """Ask, and hand over what is new.

        Raises:
            CollectorError: where the collector cannot be reached, or fails.
        """

    def reset(self) -> None:
        """Begin anew, as a forked child must."""


class CollectorPoll:
    """Asks a collector for documents, in a daemon thread, one round at a time. Thread-safe.

    A collector that hangs holds up nobody. While one cannot be reached, rounds are left out for a
    pause that doubles up to five minutes, and that is drawn at random from its upper half, so that
    a fleet does not come back all at once.

    Args:
        documents: what is asked for, in this order.
        guard: logs what goes wrong.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        documents: Sequence[Polled],
        *,
        guard: Guard,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._documents = documents
        self._guard = guard
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget the thread: what a forked child needs, as it has not inherited it."""
        self._lock = threading.Lock()  # guards the four below; nothing is asked under it
        self._thread: threading.Thread | None = None
        self._is_asking = False
        self._failures = 0
        self._not_before = 0.0
        for document in self._documents:
            document.reset()

    def start_round(self, *, wait_seconds: float = 0.0) -> None:
        """Ask for all documents, unless that is going on or was in vain a short while ago.

        Args:
            wait_seconds: how long to wait for the answers, which are handed over when they come in
                any case.
        """
        if wait_seconds > 0:
            load_modules(*_NEEDED)  # before the clock of those who wait runs
        with self._lock:
            if not self._is_asking and self._clock() >= self._not_before:
                self._is_asking = True
                self._thread = threading.Thread(
                    target=self._ask, name="modelwatch-poll", daemon=True
                )
                self._thread.start()
            thread = self._thread
        if thread is not None and wait_seconds > 0:
            thread.join(wait_seconds)

    def _ask(self) -> None:
        load_modules(*_NEEDED)
        import httpx

        failed = True
        with (
            self._guard,
            httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=True) as client,
        ):
            answered = [self._has_answered(document, client) for document in self._documents]
            failed = not all(answered)
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
            self._not_before = self._clock() + self._pause_seconds()
            self._is_asking = False

    def _has_answered(self, document: Polled, client: httpx.Client) -> bool:
        try:
            document.poll(client)
        except CollectorError as error:
            self._guard.notice("collector", f"the collector cannot be asked: {error}")
            return False
        return True

    def _pause_seconds(self) -> float:
        if not self._failures:
            return 0.0
        longest = _FIRST_BACKOFF_SECONDS * 2.0 ** min(self._failures - 1, 10)
        return min(longest, _LONGEST_BACKOFF_SECONDS) * _chance.uniform(0.5, 1.0)
