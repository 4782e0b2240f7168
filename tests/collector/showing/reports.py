"""Findings and windows of models that were never run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from modelwatch.collector.evaluating.evaluation import state_of
from modelwatch.collector.showing.standing import Standing, follow
from modelwatch.collector.windows import NANOSECONDS, TimeWindow
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport, FeatureDrift, Severity
from modelwatch.report.findings import PerformanceMetric

__all__ = ["feature", "profile", "report", "standing", "window"]


def window(number: int) -> TimeWindow:
    """Return a minute."""
    return TimeWindow.aligned(number, seconds=60)


def feature(name: str, severity: Severity = "none", psi: float | None = 0.1) -> FeatureDrift:
    """Return what was found of one feature."""
    return FeatureDrift(
        name=name,
        role="input",
        kind="numeric",
        rows=100,
        psi=psi,
        js=0.2,
        ks=0.3,
        wasserstein=0.4,
        hellinger=0.5,
        severity=severity,
        missing_rate=0.25,
        outlier_rate=0.125,
        diagnosis=f"{name} is 1,000 times as large" if severity == "drift" else None,
    )


def report(
    severities: Mapping[str, Severity],
    *,
    model: str = "m",
    version: str = "1",
    baseline_id: str = "b",
    number: int = 1,
) -> DriftReport:
    """Return what was found of several features in a minute."""
    auc = PerformanceMetric(name="roc_auc", reference=0.9, estimated=0.8, realized=0.7)
    return DriftReport(
        model=model,
        version=version,
        baseline_id=baseline_id,
        start_ns=window(number).start_ns,
        end_ns=window(number).end_ns,
        rows=100,
        features={name: feature(name, severity) for name, severity in severities.items()},
        performance={"roc_auc": auc},
        outlier_rate=0.5,
    )


def standing(
    severities: Mapping[str, Severity], *, model: str = "m", version: str = "1", number: int = 1
) -> Standing:
    """Return how a version stands after one minute."""
    found = report(severities, model=model, version=version, number=number)
    return follow(None, window(number), state_of(severities.values()), found)


def profile(calls: Mapping[str, int], durations_seconds: tuple[float, ...] = ()) -> Profile:
    """Return the calls of a window."""
    found = Profile("m", "1", start_ns=0, end_ns=60 * NANOSECONDS)
    found.predictions = Counter(calls)
    for seconds in durations_seconds:
        found.duration.counts[found.duration.bin_edges.searchsorted(seconds)] += 1
        found.duration_sum_seconds += seconds
    return found
