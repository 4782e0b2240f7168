"""How receivers are reached: the standard ``OTEL_EXPORTER_OTLP_*`` variables, for each signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from modelwatch import settings
from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.transport.headers import read_headers, require_sendable
from modelwatch.telemetry.transport.outcome import Signal

__all__ = ["Protocol", "SignalOptions", "TransportOptions"]

Protocol = Literal["http/protobuf", "grpc"]

_DEFAULT_GRPC_ENDPOINT: Final = "http://127.0.0.1:4317"
_EXAMPLES: Final[dict[Protocol, str]] = {
    "http/protobuf": "'http://127.0.0.1:4318'",
    "grpc": "'http://127.0.0.1:4317' or 'collector:4317'",
}


@dataclass(frozen=True, kw_only=True, repr=False)
class SignalOptions:
    """How messages of one kind are delivered.

    Attributes:
        address: for HTTP the full URL; for gRPC a URL, of which the path counts for nothing, or any
            target that gRPC knows.
        protocol: what is spoken there.
        headers: sent with every request; not shown in `repr`, as they may hold secrets.
        timeout_seconds: for one request.
        compression: ``gzip`` or ``none``.
        certificate: PEM file with the trusted certificates; the system's where empty.
        client_certificate: PEM file with the certificate that is shown to the receiver.
        client_key: PEM file with its private key; where empty, it is in the same file.
        insecure: whether gRPC does without TLS where the address names neither http nor https.

    Raises:
        ConfigurationError: where a value cannot work.
    """

    address: str
    protocol: Protocol = "http/protobuf"
    headers: tuple[tuple[str, str], ...] = ()
    timeout_seconds: float = 10.0
    compression: str = "gzip"
    certificate: str = ""
    client_certificate: str = ""
    client_key: str = ""
    insecure: bool = False

    def __post_init__(self) -> None:
        if self.protocol not in get_args(Protocol):
            raise ConfigurationError(
                f"OTEL_EXPORTER_OTLP_PROTOCOL is {self.protocol!r}: give http/protobuf or grpc."
            )
        if not self._is_usable():
            raise ConfigurationError(
                f"endpoint is {self.address!r}: give the address of an OTLP receiver over "
                f"{self.protocol}, as in {_EXAMPLES[self.protocol]}."
            )
        if self.compression not in ("gzip", "none"):
            raise ConfigurationError(
                f"OTEL_EXPORTER_OTLP_COMPRESSION is {self.compression!r}: give gzip or none."
            )
        require_sendable(self.headers, source="OTEL_EXPORTER_OTLP_HEADERS")
        if self.timeout_seconds <= 0:
            raise ConfigurationError(
                "OTEL_EXPORTER_OTLP_TIMEOUT leaves no time: give a positive number of seconds."
            )
        if self.client_key and not self.client_certificate:
            raise ConfigurationError(
                "OTEL_EXPORTER_OTLP_CLIENT_KEY is set without a certificate: set "
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE too."
            )

    @property
    def is_url(self) -> bool:
        """Whether the address is an HTTP URL, which a gRPC target need not be."""
        return self.address.lower().startswith(("http://", "https://"))

    @property
    def is_secure(self) -> bool:
        """Whether TLS is spoken."""
        if self.is_url:
            return self.address.lower().startswith("https://")
        return not self.insecure

    def _is_usable(self) -> bool:
        if self.is_url:
            return bool(urlsplit(self.address).netloc)
        is_target = bool(self.address) and not self.address.startswith("ftp://")
        return self.protocol == "grpc" and is_target and not self.address.isspace()

    def __repr__(self) -> str:
        return f"<SignalOptions {self.protocol} {self.address}, {len(self.headers)} headers>"


@dataclass(frozen=True, kw_only=True)
class TransportOptions:
    """How the collector is reached, for each kind of message.

    Attributes:
        metrics: for metrics.
        logs: for logs.
    """

    metrics: SignalOptions
    logs: SignalOptions

    @classmethod
    def from_environment(cls, endpoint: str | None = None) -> TransportOptions:
        """Read the settings; `endpoint`, where given, goes before all of the environment's.

        Raises:
            ConfigurationError: where a variable cannot work.
        """
        return cls(metrics=_of_signal("metrics", endpoint), logs=_of_signal("logs", endpoint))

    def of(self, signal: Signal) -> SignalOptions:
        """Return the options of one kind of message."""
        return self.metrics if signal == "metrics" else self.logs


def _of_signal(signal: Signal, endpoint: str | None) -> SignalOptions:
    prefix = f"OTEL_EXPORTER_OTLP_{signal.upper()}"
    protocol = _protocol(f"{prefix}_PROTOCOL")
    return SignalOptions(
        address=_address(signal, protocol, endpoint),
        protocol=protocol,
        headers=read_headers(f"{prefix}_HEADERS"),
        timeout_seconds=settings.read_number(f"{prefix}_TIMEOUT"),
        compression=settings.read(f"{prefix}_COMPRESSION").lower(),
        certificate=settings.read(f"{prefix}_CERTIFICATE"),
        client_certificate=settings.read(f"{prefix}_CLIENT_CERTIFICATE"),
        client_key=settings.read(f"{prefix}_CLIENT_KEY"),
        insecure=settings.read_boolean(f"{prefix}_INSECURE"),
    )


def _protocol(name: str) -> Protocol:
    match settings.read(name).lower():
        case "http/protobuf":
            return "http/protobuf"
        case "grpc":
            return "grpc"
        case other:
            raise ConfigurationError(
                f"{settings.deciding(name)} is {other!r}: give http/protobuf or grpc."
            )


def _address(signal: Signal, protocol: Protocol, endpoint: str | None) -> str:
    own = settings.read(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
    if endpoint is None and own:
        return own
    base = endpoint or settings.read("OTEL_EXPORTER_OTLP_ENDPOINT")
    if protocol == "http/protobuf":
        return f"{base.rstrip('/')}/v1/{signal}"
    is_default = endpoint is None and not settings.is_set("OTEL_EXPORTER_OTLP_ENDPOINT")
    return _DEFAULT_GRPC_ENDPOINT if is_default else base
