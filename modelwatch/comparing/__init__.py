"""Compare a baseline with current data. Pure: two summaries in, findings out."""

from __future__ import annotations

from modelwatch.comparing.comparison import compare
from modelwatch.comparing.thresholds import Thresholds

__all__ = ["Thresholds", "compare"]
