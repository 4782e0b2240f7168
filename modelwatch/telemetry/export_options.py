"""What is exported and how much of it may wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from modelwatch import settings
from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.transport import Signal
from modelwatch.telemetry.wire import Temporality

__all__ = ["ExportOptions"]

DEFAULT_QUEUE_BYTES: Final = 8 * 1024 * 1024

_TEMPORALITIES: Final[dict[str, Temporality]] = {
    "delta": "delta",
    "lowmemory": "delta",
    "cumulative": "cumulative",
}
_EXPORTERS: Final[dict[Signal, str]] = {
    "metrics": "OTEL_METRICS_EXPORTER",
    "logs": "OTEL_LOGS_EXPORTER",
}


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What an exporter sends, and what bounds it.

    Attributes:
        temporality: ``delta``, which modelwatch's collector takes; or ``cumulative``, for backends
            such as Prometheus: all counts are then those since the start of the process.
        signals: what is sent at all.
        queue_bytes: how much may wait through an outage, in the size it has when it is sent.
        round_timeout_seconds: how long the requests of one interval may take.

    Raises:
        ConfigurationError: where a value cannot work.
    """

    temporality: Temporality = "delta"
    signals: frozenset[Signal] = frozenset({"metrics", "logs"})
    queue_bytes: int = DEFAULT_QUEUE_BYTES
    round_timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.round_timeout_seconds <= 0:
            raise ConfigurationError(
                "OTEL_METRIC_EXPORT_TIMEOUT leaves no time: give a positive number."
            )

    @classmethod
    def from_environment(cls) -> ExportOptions:
        """Read the settings.

        Raises:
            ConfigurationError: where a variable cannot work.
        """
        name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
        preference = settings.read(name).lower()
        if preference not in _TEMPORALITIES:
            raise ConfigurationError(
                f"{name} is {preference!r}: give delta, lowmemory or cumulative."
            )
        return cls(
            temporality=_TEMPORALITIES[preference],
            signals=frozenset(
                signal
                for signal, variable in _EXPORTERS.items()
                if settings.read(variable).lower() != "none"
            ),
            round_timeout_seconds=settings.read_number("OTEL_METRIC_EXPORT_TIMEOUT") / 1_000.0,
        )
