"""The options of alerting that the command line gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["AlertingOptions"]


@dataclass(frozen=True, kw_only=True)
class AlertingOptions:
    """How a collector alerts.

    Attributes:
        config_path: the configuration file; the rules that hold without one where None.
        environment: the variables that the file may name.
    """

    config_path: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
