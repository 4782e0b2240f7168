"""How a collector receives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelwatch.collector.receiving.clocks import ClockRules
from modelwatch.collector.receiving.forwarding import ForwardOptions
from modelwatch.collector.receiving.limits import read_limits
from modelwatch.errors import ConfigurationError

__all__ = ["ReceivingOptions"]


@dataclass(frozen=True, kw_only=True)
class ReceivingOptions:
    """What the receiver takes, and where besides HTTP. Checked when it is made.

    Attributes:
        otlp_grpc_port: port of the OTLP/gRPC receiver; 0 takes a free one, None has none.
        limits: how many names of each kind are taken, by the names of `IngestLimits`; they go
            before those of the configuration file.
        clocks: what is done with times that cannot be.
        forward: where all that comes in is sent on to; nowhere where None.

    Raises:
        ConfigurationError: the port is none, or a limit is unknown or cannot be.
    """

    otlp_grpc_port: int | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    clocks: ClockRules = field(default_factory=ClockRules)
    forward: ForwardOptions | None = None

    def __post_init__(self) -> None:
        if self.otlp_grpc_port is not None and not 0 <= self.otlp_grpc_port <= 65_535:
            raise ConfigurationError(f"otlp_grpc_port is {self.otlp_grpc_port}: give 0 to 65535.")
        read_limits({}, self.limits)
