"""What a collector asks of the watches of a model version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Steering"]


@dataclass(frozen=True, kw_only=True)
class Steering:
    """How a collector wishes a model version to be captured; None where it has no wish."""

    enabled: bool | None = None
    sample_rate: float | None = None
    max_rows_per_second: float | None = None
    outlier_limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
