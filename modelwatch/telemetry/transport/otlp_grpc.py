"""OTLP over gRPC; needs the extra ``modelwatch[grpc]``.

CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE and DATA_LOSS are worth another
attempt, RESOURCE_EXHAUSTED where the receiver says when (RetryInfo), all other refusals are final.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status as RpcStatus

from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.backoff import bounded_wait
from modelwatch.telemetry.transport.options import SignalOptions, TransportOptions
from modelwatch.telemetry.transport.outcome import Outcome, Signal, read_answer

__all__ = ["GrpcTransport"]

_GRACE_SECONDS: Final = 1.0
"""How long after its deadline a call is given up that gRPC itself has not ended."""

_METHODS: Final[dict[Signal, str]] = {
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_RETRYABLE: Final = frozenset(
    {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DATA_LOSS,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
    }
)
_STATUS_DETAILS: Final = "grpc-status-details-bin"
_LARGER_THAN_TAKEN: Final = "larger than max"
"""In what gRPC's own servers and clients say of a message beyond their limit."""

_MOST_MESSAGE_CHARACTERS: Final = 200

_CHANNEL_OPTIONS: Final = (
    ("grpc.max_send_message_length", -1),
    # Channels of one address would share connections, and a forked child those of its parent.
    ("grpc.use_local_subchannel_pool", 1),
)


if TYPE_CHECKING:
    _Method = grpc.UnaryUnaryMultiCallable[bytes, bytes]


class GrpcTransport:
    """Sends OTLP messages over gRPC.

    For one thread at a time. A channel is opened when it is first needed in a process; where the
    receiver cannot be reached it is let go, so that the next attempt waits for none of the
    channel's own.

    Args:
        options: how the collector is reached.

    Raises:
        ConfigurationError: where a certificate file cannot be read.
    """

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._credentials = {
            one: _credentials(one) for one in (options.metrics, options.logs) if one.is_secure
        }
        self._channels: dict[SignalOptions, grpc.Channel] = {}
        self._process_id = os.getpid()
        # A forked child must neither use nor close the channels of its parent.
        self._inherited: list[grpc.Channel] = []

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
        call = self._method(signal, options).future(
            body,
            timeout=limit,
            metadata=tuple((name.lower(), value) for name, value in options.headers),
        )
        try:
            answer = call.result(timeout=limit + _GRACE_SECONDS)
        except grpc.RpcError:
            if call.code() is grpc.StatusCode.UNAVAILABLE:
                self.close()
            return _failure(options.address, call)
        except (grpc.FutureTimeoutError, grpc.FutureCancelledError) as error:
            self.close()
            reason = type(error).__name__
            return Outcome(status="unreachable", message=f"{options.address}: {reason}")
        return read_answer(signal, options.address, answer)

    def close(self) -> None:
        """Close the channels; `send` would open them again."""
        self._leave_inherited()
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            channel.close()

    def _leave_inherited(self) -> None:
        if self._process_id != os.getpid():
            self._process_id = os.getpid()
            self._inherited.extend(self._channels.values())
            self._channels = {}

    def _method(self, signal: Signal, options: SignalOptions) -> _Method:
        self._leave_inherited()
        channel = self._channels.get(options)
        if channel is None:
            channel = self._channels[options] = self._open(options)
        return channel.unary_unary(_METHODS[signal], bytes, bytes)

    def _open(self, options: SignalOptions) -> grpc.Channel:
        gzip = options.compression == "gzip"
        compression = grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression
        target = _target(options)
        if not options.is_secure:
            return grpc.insecure_channel(target, _CHANNEL_OPTIONS, compression)
        credentials = self._credentials[options]
        return grpc.secure_channel(target, credentials, _CHANNEL_OPTIONS, compression)


def _target(options: SignalOptions) -> str:
    if not options.is_url:
        return options.address
    return urlsplit(options.address).netloc.rpartition("@")[2]


def _credentials(options: SignalOptions) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=_read("OTEL_EXPORTER_OTLP_CERTIFICATE", options.certificate),
        private_key=_read(
            "OTEL_EXPORTER_OTLP_CLIENT_KEY", options.client_key or options.client_certificate
        ),
        certificate_chain=_read(
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", options.client_certificate
        ),
    )


def _read(name: str, path: str) -> bytes | None:
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigurationError(f"{name} is {path!r}, which cannot be read: {error}.") from error


def _failure(address: str, call: grpc.Call) -> Outcome:
    code, details = call.code(), call.details() or ""
    message = f"{address}: {code.name} {details}"[:_MOST_MESSAGE_CHARACTERS].rstrip()
    delay = _retry_delay(call)
    if code in _RETRYABLE or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and delay is not None):
        return Outcome(status="unreachable", message=message, retry_after_seconds=delay)
    too_large = code is grpc.StatusCode.RESOURCE_EXHAUSTED and _LARGER_THAN_TAKEN in details
    return Outcome(status="too_large" if too_large else "refused", message=message)


def _retry_delay(call: grpc.Call) -> float | None:
    """Return how long the receiver asks to wait, in seconds; None where it does not."""
    for key, value in call.trailing_metadata() or ():
        if key == _STATUS_DETAILS and isinstance(value, bytes):
            return _delay_of(value)
    return None


def _delay_of(status: bytes) -> float | None:
    try:
        for detail in RpcStatus.FromString(status).details:
            retry = RetryInfo()
            if detail.Unpack(retry):
                return bounded_wait(retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9)
    except DecodeError:
        return None
    return None
