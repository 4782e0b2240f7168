"""What the collector's command says of receiving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelwatch.collector.receiving.options import ReceivingOptions

__all__ = ["receiving_options"]


def receiving_options(
    *,
    otlp_grpc_port: int,
    forward_endpoint: str | None,
    limits: Mapping[str, int | None],
) -> ReceivingOptions:
    """Return how a collector receives: by flags and the environment.

    Raises:
        ConfigurationError: where something of it cannot be.
    """
    from modelwatch.collector.receiving.forwarding import ForwardOptions
    from modelwatch.collector.receiving.options import ReceivingOptions
    from modelwatch.telemetry.transport.headers import read_headers

    forward = None
    if forward_endpoint is not None:
        headers = dict(read_headers("MODELWATCH_FORWARD_HEADERS"))
        forward = ForwardOptions(endpoint=forward_endpoint, headers=headers)
    return ReceivingOptions(
        otlp_grpc_port=otlp_grpc_port,
        limits={name: most for name, most in limits.items() if most is not None},
        forward=forward,
    )
