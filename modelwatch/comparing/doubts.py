"""Estimates of performance whose own condition is seen to be broken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from modelwatch.report.findings import FeatureDrift, PerformanceMetric
from modelwatch.report.harm import is_unknown

__all__ = ["doubted"]


def doubted(
    metrics: Mapping[str, PerformanceMetric], features: Iterable[FeatureDrift]
) -> Mapping[str, PerformanceMetric]:
    """Take the intervals from estimates that rest on inputs which mean something else now.

    What is estimated without labels holds where inputs drifted to where the baseline had rows. A
    fault of the pipeline, and rows that are missing or outlying in more than a few, break that: the
    estimate stays, without an interval, and its condition says which input it is.

    Args:
        metrics: by name; the realised values of those that have one stay as they are.
        features: findings of the same rows.
    """
    broken = [
        feature.name
        for feature in features
        if feature.role == "input"
        and feature.severity in ("warning", "drift")
        and is_unknown(feature)
        and not feature.harmless
    ]
    if not broken:
        return metrics
    condition = (
        f"Not to be trusted: {' and '.join(broken[:2])} no longer means what it did on the "
        "baseline, or lies where that had no rows, so that nothing is known of the errors there."
    )
    return {name: _doubted(metric, condition) for name, metric in metrics.items()}


def _doubted(metric: PerformanceMetric, condition: str) -> PerformanceMetric:
    if metric.estimated is None:
        return metric
    found = replace(metric, estimated_lower=None, estimated_upper=None, condition=condition)
    return found if metric.realized is not None else replace(found, lower=None, upper=None)
