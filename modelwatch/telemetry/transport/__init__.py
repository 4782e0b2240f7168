"""Delivery of serialised messages: what all transports share, one over HTTP and one over gRPC."""

from __future__ import annotations

from typing import Protocol

from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.transport.options import SignalOptions, TransportOptions
from modelwatch.telemetry.transport.otlp_http import HttpTransport
from modelwatch.telemetry.transport.outcome import Outcome, Signal, Status

__all__ = [
    "HttpTransport",
    "Outcome",
    "Signal",
    "SignalOptions",
    "Status",
    "Transport",
    "TransportOptions",
    "open_transport",
]


class Transport(Protocol):
    """Delivers one serialised message; never raises for what the network does."""

    def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Outcome:
        """Send a message and say what became of it."""

    def close(self) -> None:
        """Release what is held open."""


def open_transport(options: TransportOptions) -> Transport:
    """Return what speaks the protocols that were chosen; nothing is connected before it sends.

    Raises:
        ConfigurationError: where a certificate file cannot be read, or gRPC is not installed.
    """
    protocols = {options.metrics.protocol, options.logs.protocol}
    if protocols == {"http/protobuf"}:
        return HttpTransport(options)
    try:
        from modelwatch.telemetry.transport.otlp_grpc import GrpcTransport
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc', and {error.name} is not installed: "
            "run pip install 'modelwatch[grpc]', or give http/protobuf."
        ) from error
    if protocols == {"grpc"}:
        return GrpcTransport(options)
    return _MixedTransport(options, http=HttpTransport(options), grpc=GrpcTransport(options))


class _MixedTransport:
    """Sends metrics by one protocol and logs by the other."""

    def __init__(self, options: TransportOptions, *, http: Transport, grpc: Transport) -> None:
        self._by_signal: dict[Signal, Transport] = {
            "metrics": grpc if options.metrics.protocol == "grpc" else http,
            "logs": grpc if options.logs.protocol == "grpc" else http,
        }

    def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Outcome:
        """Send a message by the protocol of its kind."""
        return self._by_signal[signal].send(signal, body, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        """Close both."""
        for transport in self._by_signal.values():
            transport.close()
