"""How long after a prediction its label is waited for."""

from __future__ import annotations

from typing import Final

__all__ = ["DEFAULT_HORIZON_SECONDS", "LONGEST_HORIZON_SECONDS", "SHORTEST_HORIZON_SECONDS"]

_DAY: Final = 86_400

DEFAULT_HORIZON_SECONDS: Final = 90 * _DAY
SHORTEST_HORIZON_SECONDS: Final = 60
LONGEST_HORIZON_SECONDS: Final = 366 * _DAY
