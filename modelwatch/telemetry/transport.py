"""OTLP over HTTP: bytes to a collector, and what became of them.

Settings come from the standard ``OTEL_EXPORTER_OTLP_*`` variables. The protocol: protobuf bodies,
gzip; 429, 502, 503, 504 and connection faults are worth another attempt (with Retry-After where
given), all other refusals are final.
"""

from __future__ import annotations

import gzip
import os
import ssl
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

import httpx
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

from modelwatch import settings
from modelwatch.errors import ConfigurationError

__all__ = ["HttpTransport", "Outcome", "Signal", "Status", "TransportOptions"]

Signal = Literal["metrics", "logs"]
Status = Literal["accepted", "partial", "refused", "unreachable"]

SPOKEN_PROTOCOL: Final = "http/protobuf"

_RETRYABLE: Final = frozenset({429, 502, 503, 504})
_LONGEST_WAIT_SECONDS: Final = 3_600.0
_MOST_MESSAGE_CHARACTERS: Final = 200


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one request.

    Attributes:
        status: ``accepted``; ``partial``, where some of it was refused; ``refused``, where all was
            and another attempt would be too; ``unreachable``, where another attempt may succeed.
        message: what was wrong, for the log.
        retry_after_seconds: how long the receiver asks to wait, or None.
    """

    status: Status
    message: str = ""
    retry_after_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class TransportOptions:
    """How the collector is reached.

    Attributes:
        endpoint: base address; ``/v1/metrics`` and ``/v1/logs`` are appended.
        metrics_endpoint: full address for metrics, where it is another.
        logs_endpoint: full address for logs, where it is another.
        headers: sent with every request; not shown in `repr`, as they may hold secrets.
        timeout_seconds: for one request.
        compression: ``gzip`` or ``none``.
        certificate: PEM file with the trusted certificates; the system's where empty.

    Raises:
        ConfigurationError: where a value cannot work.
    """

    endpoint: str
    metrics_endpoint: str = ""
    logs_endpoint: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    timeout_seconds: float = 10.0
    compression: str = "gzip"
    certificate: str = ""

    def __post_init__(self) -> None:
        for address in (self.address("metrics"), self.address("logs")):
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.netloc:
                raise ConfigurationError(
                    f"endpoint is {address!r}: give the address of an OTLP/HTTP receiver, "
                    "as in 'http://127.0.0.1:4318'."
                )
        if self.compression not in ("gzip", "none"):
            raise ConfigurationError(
                f"OTEL_EXPORTER_OTLP_COMPRESSION is {self.compression!r}: give gzip or none."
            )

    @classmethod
    def from_environment(cls, endpoint: str | None = None) -> TransportOptions:
        """Read the settings; `endpoint`, where given, goes before all of the environment's."""
        protocol = settings.read("OTEL_EXPORTER_OTLP_PROTOCOL")
        if endpoint is None and protocol != SPOKEN_PROTOCOL:
            raise ConfigurationError(
                f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}, and modelwatch speaks "
                f"{SPOKEN_PROTOCOL}: give Watch(endpoint=...) the address of a receiver that does."
            )
        metrics = logs = ""
        if endpoint is None:
            metrics = settings.read("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
            logs = settings.read("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT")
        return cls(
            endpoint=endpoint or settings.read("OTEL_EXPORTER_OTLP_ENDPOINT"),
            metrics_endpoint=metrics,
            logs_endpoint=logs,
            headers=_parse_headers(settings.read("OTEL_EXPORTER_OTLP_HEADERS")),
            timeout_seconds=settings.read_number("OTEL_EXPORTER_OTLP_TIMEOUT"),
            compression=settings.read("OTEL_EXPORTER_OTLP_COMPRESSION").lower(),
            certificate=settings.read("OTEL_EXPORTER_OTLP_CERTIFICATE"),
        )

    def address(self, signal: Signal) -> str:
        """Return where messages of one kind go."""
        own = self.metrics_endpoint if signal == "metrics" else self.logs_endpoint
        return own or f"{self.endpoint.rstrip('/')}/v1/{signal}"

    def __repr__(self) -> str:
        return f"<TransportOptions {self.endpoint}, {len(self.headers)} headers>"


class HttpTransport:
    """Sends OTLP messages to one collector.

    For one thread at a time. A connection is opened when it is first needed and kept.

    Args:
        options: how the collector is reached.

    Raises:
        ConfigurationError: where the certificate file cannot be read.
    """

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._verify: ssl.SSLContext | bool = True
        if options.certificate:
            try:
                self._verify = ssl.create_default_context(cafile=options.certificate)
            except (OSError, ssl.SSLError) as error:
                raise ConfigurationError(
                    f"OTEL_EXPORTER_OTLP_CERTIFICATE is {options.certificate!r}, which cannot be "
                    f"read: {error}."
                ) from error
        self._client: httpx.Client | None = None
        self._process_id = os.getpid()
        # A forked child must neither use nor close the connection of its parent.
        self._inherited: list[httpx.Client] = []

    def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Outcome:
        """Send one serialised message; never raises for what the network or receiver does.

        Args:
            signal: which kind of request the message is.
            body: the message, uncompressed.
            timeout_seconds: for this request, where shorter than the option's.
        """
        limit = self._options.timeout_seconds
        if timeout_seconds is not None:
            limit = min(limit, max(timeout_seconds, 0.001))
        headers = {"content-type": "application/x-protobuf"}
        if self._options.compression == "gzip":
            body = gzip.compress(body, compresslevel=6, mtime=0)
            headers["content-encoding"] = "gzip"
        url = self._options.address(signal)
        try:
            response = self._opened().post(url, content=body, headers=headers, timeout=limit)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            reason = str(error) or type(error).__name__
            return Outcome(status="unreachable", message=f"{url}: {reason}")
        return _outcome(signal, url, response)

    def close(self) -> None:
        """Close the connection; `send` would open it again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _opened(self) -> httpx.Client:
        if self._client is not None and self._process_id != os.getpid():
            self._inherited.append(self._client)
            self._client = None
        if self._client is None:
            self._process_id = os.getpid()
            self._client = httpx.Client(headers=list(self._options.headers), verify=self._verify)
        return self._client


def _outcome(signal: Signal, url: str, response: httpx.Response) -> Outcome:
    code = response.status_code
    if response.is_success:
        return _accepted(signal, url, response)
    text = response.text[:_MOST_MESSAGE_CHARACTERS] if _is_text(response) else ""
    message = f"{url} answered {code} {text}".rstrip()
    if code in _RETRYABLE:
        return Outcome(
            status="unreachable", message=message, retry_after_seconds=_retry_after(response)
        )
    return Outcome(status="refused", message=message)


def _accepted(signal: Signal, url: str, response: httpx.Response) -> Outcome:
    """Look for a ``partial_success`` in the answer; one that cannot be read is a plain success."""
    try:
        if signal == "metrics":
            metrics = ExportMetricsServiceResponse.FromString(response.content).partial_success
            rejected, message = metrics.rejected_data_points, metrics.error_message
        else:
            logs = ExportLogsServiceResponse.FromString(response.content).partial_success
            rejected, message = logs.rejected_log_records, logs.error_message
    except DecodeError:
        return Outcome(status="accepted")
    if not rejected:
        return Outcome(status="accepted")
    return Outcome(status="partial", message=f"{url} refused {rejected} items: {message}")


def _is_text(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "")
    return kind.startswith("text/") or "json" in kind


def _retry_after(response: httpx.Response) -> float | None:
    """Return how long to wait, in seconds, from a number or a date."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        if text.isdigit():
            seconds = float(text)
        else:
            seconds = parsedate_to_datetime(text).timestamp() - time()
    except ValueError:
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)


def _parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    """Read ``name=value,name=value`` with URL-encoded values."""
    headers = []
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            raise ConfigurationError(
                "OTEL_EXPORTER_OTLP_HEADERS cannot be read: give name=value pairs joined by commas."
            )
        headers.append((unquote(name.strip()), unquote(value.strip())))
    return tuple(headers)
