"""Sends a JSON document over HTTP, and turns every fault into one sentence without secrets.

The transport is used without httpx's client, which logs the whole address of each request: that of
a webhook is often a secret.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from types import TracebackType
from urllib.request import getproxies, proxy_bypass

import httpx

from modelwatch.errors import NotifyError
from modelwatch.telemetry.backoff import retry_after_seconds

__all__ = ["Poster"]

MOST_ANSWER_BYTES = 2_048
MOST_QUOTED = 200

FINAL_STATUSES = frozenset({400, 413, 415, 422})
"""What is said of the document itself, which will be no other next time. Others, such as 401 or
404, may be cured at the other end."""


class Poster:
    """Posts documents; keeps connections. Belongs to one event loop. Follows no redirects.

    The proxies that the environment names are used.
    """

    def __init__(self) -> None:
        self._transports: dict[str | None, httpx.AsyncHTTPTransport] = {}

    async def __aenter__(self) -> Poster:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for transport in self._transports.values():
            await transport.aclose()

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float
    ) -> str:
        """Post a document.

        Returns:
            What came back, in short.

        Raises:
            NotifyError: nobody answered in time, or the answer is no 2xx.
        """
        try:
            request = httpx.Request(
                "POST",
                url,
                content=body,
                headers={
                    "content-type": "application/json",
                    "user-agent": "modelwatch",
                    **headers,
                },
                extensions={"timeout": httpx.Timeout(timeout_seconds).as_dict()},
            )
            async with asyncio.timeout(timeout_seconds):
                response = await self._transport(url).handle_async_request(request)
                try:
                    text = await _beginning(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise NotifyError(f"no answer within {timeout_seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, ssl.SSLError) as error:
            raise NotifyError(_reason(error)) from None
        return _judged(response, text)

    def _transport(self, url: str) -> httpx.AsyncHTTPTransport:
        proxy = _proxy_of(url)
        if proxy not in self._transports:
            self._transports[proxy] = httpx.AsyncHTTPTransport(proxy=proxy)
        return self._transports[proxy]


async def _beginning(response: httpx.Response) -> str:
    content = b""
    async for part in response.aiter_bytes():
        content += part
        if len(content) >= MOST_ANSWER_BYTES:
            break
    words = content[:MOST_ANSWER_BYTES].decode("utf-8", "replace").split()
    return " ".join(words)[:MOST_QUOTED]


def _judged(response: httpx.Response, text: str) -> str:
    said = f"{response.status_code} {response.reason_phrase}".strip()
    if response.is_success:
        return said
    raise NotifyError(
        f"{said}: {text}" if text else said,
        is_final=response.status_code in FINAL_STATUSES,
        retry_seconds=retry_after_seconds(response.headers.get("retry-after", "")),
    )


def _reason(error: Exception) -> str:
    """Return what went wrong; where a URL itself is wrong, the message would quote it."""
    if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol):
        return f"{type(error).__name__}: {error}".rstrip(": ")
    return f"the address cannot be used ({type(error).__name__})"


def _proxy_of(url: str) -> str | None:
    parts = httpx.URL(url)
    if proxy_bypass(parts.host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
