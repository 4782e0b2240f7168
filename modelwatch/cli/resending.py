"""Requests that are sent again while the collector has no time for them."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final

import httpx

from modelwatch.cli.collector_client import (
    Collector,
    authorization,
    collector_url,
    no_answer,
    refusal,
)

__all__ = ["ResendingClient"]

TIMEOUT_SECONDS: Final = 120.0
MOST_PAUSE_SECONDS: Final = 30.0
TRIES: Final = 8
"""With pauses of 1, 2, 4 and so on up to 30 seconds: two minutes in all."""

_TEMPORARY: Final = frozenset({408, 429, 502, 503, 504})


class ResendingClient:
    """Posts over one connection. Not thread-safe; `with` closes it.

    For what may be sent twice only: whether a request that was cut off was taken is not known.

    Args:
        collector: whom to ask.
        pause: waits so many seconds.
    """

    def __init__(
        self, collector: Collector, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._url = collector_url(collector)
        self._pause = pause
        self._has_answered = False  # until then the address may be wrong
        headers = {"accept": "application/json", **authorization(collector)}
        self._client = httpx.Client(headers=headers, timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> ResendingClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def post(
        self, path: str, body: bytes, *, media_type: str, parameters: Mapping[str, str]
    ) -> tuple[int, Any]:
        """Post a body, compressed; return the status, 200 or 422, and what was answered.

        Raises:
            CollectorError: the collector was not reached once, or not for two minutes, refuses, or
                has no time for it for that long.
        """
        headers = {"content-type": media_type, "content-encoding": "gzip"}
        packed = zlib.compress(body, level=1, wbits=31)
        for left in reversed(range(TRIES)):
            asked_seconds = ""
            try:
                response = self._client.post(
                    self._url + path, params=dict(parameters), content=packed, headers=headers
                )
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                failure = no_answer(self._url, error)
                if not self._has_answered:
                    raise failure from error
            else:
                self._has_answered = True
                if response.status_code in (200, 422):
                    return response.status_code, _document(response)
                failure = refusal(self._url, response)
                if response.status_code not in _TEMPORARY:
                    raise failure
                asked_seconds = response.headers.get("retry-after", "")
            if left:
                self._pause(_pause_seconds(TRIES - left, asked_seconds))
        raise failure


def _document(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return {}


def _pause_seconds(tries: int, asked: str) -> float:
    """Return how long to wait, at least as long as was asked for.

    >>> _pause_seconds(1, ""), _pause_seconds(3, ""), _pause_seconds(1, "7"), _pause_seconds(9, "x")
    (1.0, 4.0, 7.0, 30.0)
    """
    own_seconds = 2.0 ** (tries - 1)
    asked_seconds = float(asked) if asked.isdecimal() else 0.0
    return min(max(own_seconds, asked_seconds), MOST_PAUSE_SECONDS)
