"""OTLP over HTTP: protobuf bodies, gzip.

429, 502, 503, 504 and connection faults are worth another attempt (with Retry-After where given),
413 is worth one with smaller messages, all other refusals are final.
"""

from __future__ import annotations

import os
import zlib
from time import monotonic
from typing import TYPE_CHECKING, Final

from modelwatch.errors import ConfigurationError
from modelwatch.late_modules import load_modules
from modelwatch.telemetry.backoff import retry_after_seconds
from modelwatch.telemetry.transport.options import SignalOptions, TransportOptions
from modelwatch.telemetry.transport.outcome import (
    RETRIED_STATUSES,
    Outcome,
    Signal,
    read_answer,
)

if TYPE_CHECKING:  # a service that starts has more urgent things to load; the thread that sends can
    import ssl

    import httpx

__all__ = ["HttpTransport"]

_TOO_LARGE: Final = 413
_MOST_MESSAGE_CHARACTERS: Final = 200
_MOST_ANSWER_BYTES: Final = 65_536

_GZIP_WINDOW: Final = 31
_MEMORY_LEVEL: Final = 8
_COMPRESSION_LEVEL: Final = 6
"""40 features take 5 ms; level 9 is 3% smaller and takes 59. With more memory than 8, blocks are
longer and fit their codes less closely: 1% larger."""

_HEADERS: Final = (("content-type", "application/x-protobuf"), ("accept-encoding", "identity"))

_Files = tuple[str, str, str]


class HttpTransport:
    """Sends OTLP messages over HTTP.

    For one thread at a time. A connection is opened when it is first needed and kept.

    Args:
        options: how the collector is reached.

    Raises:
        ConfigurationError: where a certificate file cannot be read.
    """

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._contexts: dict[_Files, ssl.SSLContext | bool] = {}
        for one in (options.metrics, options.logs):
            self._contexts[_files(one)] = _ssl_context(one)
        self._clients: dict[_Files, httpx.Client] = {}
        self._process_id = os.getpid()
        # A forked child must neither use nor close the connections of its parent.
        self._inherited: list[httpx.Client] = []

    def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Outcome:
        """Send one serialised message; never raises for what the network or receiver does.

        Args:
            signal: which kind of request the message is.
            body: the message, uncompressed.
            timeout_seconds: for this request, where shorter than the option's.
        """
        options = self._options.of(signal)
        limit = options.timeout_seconds
        if timeout_seconds is not None:
            limit = min(limit, max(timeout_seconds, 0.001))
        headers = [*options.headers, *_HEADERS]
        if options.compression == "gzip":
            body = _compressed(body)
            headers.append(("content-encoding", "gzip"))
        deadline = monotonic() + limit
        load_modules("httpx")
        import httpx

        try:
            with self._opened(options).stream(
                "POST", options.address, content=body, headers=headers, timeout=limit
            ) as response:
                answer = _read(response, deadline)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            reason = str(error) or type(error).__name__
            return Outcome(status="unreachable", message=f"{options.address}: {reason}")
        return _outcome(signal, options.address, response, answer)

    def close(self) -> None:
        """Close the connections; `send` would open them again."""
        self._leave_inherited()
        clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _leave_inherited(self) -> None:
        if self._process_id != os.getpid():
            self._process_id = os.getpid()
            self._inherited.extend(self._clients.values())
            self._clients = {}

    def _opened(self, options: SignalOptions) -> httpx.Client:
        import httpx

        self._leave_inherited()
        files = _files(options)
        if files not in self._clients:
            self._clients[files] = httpx.Client(verify=self._contexts[files])
        return self._clients[files]


def _files(options: SignalOptions) -> _Files:
    return options.certificate, options.client_certificate, options.client_key


def _ssl_context(options: SignalOptions) -> ssl.SSLContext | bool:
    if not any(_files(options)):
        return True
    import ssl  # likewise, where no certificate is given

    name, value = "OTEL_EXPORTER_OTLP_CERTIFICATE", options.certificate
    try:
        context = ssl.create_default_context(cafile=options.certificate or None)
        if options.client_certificate:
            name, value = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", options.client_certificate
            context.load_cert_chain(options.client_certificate, options.client_key or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"{name} is {value!r}, which cannot be read: {error}.") from error
    return context


def _compressed(body: bytes) -> bytes:
    """Return the body as gzip, without a time: the same bytes for the same body."""
    compress = zlib.compressobj(_COMPRESSION_LEVEL, zlib.DEFLATED, _GZIP_WINDOW, _MEMORY_LEVEL)
    return compress.compress(body) + compress.flush()


def _read(response: httpx.Response, deadline: float) -> bytes:
    """Read the answer, of bounded size and in bounded time, however slowly it comes."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_raw():
        parts.append(part)
        size += len(part)
        if size > _MOST_ANSWER_BYTES:
            break
        if monotonic() >= deadline:
            raise TimeoutError("the answer did not end in time")
    return b"".join(parts)[:_MOST_ANSWER_BYTES]


def _outcome(signal: Signal, url: str, response: httpx.Response, answer: bytes) -> Outcome:
    code = response.status_code
    if response.is_success:
        return read_answer(signal, url, answer)
    text = ""
    if _is_text(response):
        text = answer.decode(response.encoding or "utf-8", "replace")[:_MOST_MESSAGE_CHARACTERS]
    message = f"{url} answered {code} {text}".rstrip()
    if code in RETRIED_STATUSES:
        asked = retry_after_seconds(response.headers.get("retry-after", ""))
        return Outcome(status="unreachable", message=message, retry_after_seconds=asked)
    return Outcome(status="too_large" if code == _TOO_LARGE else "refused", message=message)


def _is_text(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "")
    return kind.startswith("text/") or "json" in kind
