"""What the collector's command says of receiving."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from modelwatch.settings import read

if TYPE_CHECKING:
    from modelwatch.collector.receiving.options import ReceivingOptions

__all__ = ["receiving_options"]


def receiving_options(
    config_path: Path | None,
    *,
    otlp_grpc_port: int,
    forward_endpoint: str | None,
    limits: Mapping[str, int | None],
) -> ReceivingOptions:
    """Return how a collector receives: by flags, the environment and ``[limits]`` of a file.

    Raises:
        ConfigurationError: where something of it cannot be.
    """
    from modelwatch.collector.alerting.configuration import read_configuration
    from modelwatch.collector.receiving.forwarding import ForwardOptions, headers_of
    from modelwatch.collector.receiving.limits import read_limits
    from modelwatch.collector.receiving.options import ReceivingOptions

    table = read_configuration(config_path, dict(os.environ)).limits if config_path else {}
    forward = None
    if forward_endpoint is not None:
        headers = headers_of(read("MODELWATCH_FORWARD_HEADERS"))
        forward = ForwardOptions(endpoint=forward_endpoint, headers=headers)
    return ReceivingOptions(
        otlp_grpc_port=otlp_grpc_port, limits=read_limits(table, limits), forward=forward
    )
