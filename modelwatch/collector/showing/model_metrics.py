"""What is known of each model version, as metrics of Prometheus. Pure.

Severity is one number (-1, 0, 1, 2) and not one series for each state: an alert is a comparison, a
model's is the maximum over its features, and a chart or a heat map colours it as it is. Too little
data is below zero, so that it is never taken for calm nor for a warning.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from modelwatch.collector.evaluating.evaluation import State
from modelwatch.collector.showing.durations import cumulative
from modelwatch.collector.showing.label_metrics import label_metrics
from modelwatch.collector.showing.label_values import label_value
from modelwatch.collector.showing.standing import Standing
from modelwatch.collector.showing.traffic import Traffic
from modelwatch.collector.storing.store import VersionSeen
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.profile import DURATION_BOUNDS_SECONDS
from modelwatch.report.findings import FeatureDrift, Severity

__all__ = [
    "METHODS",
    "SEVERITY_VALUES",
    "STATE_VALUES",
    "features_left_out",
    "received_metrics",
    "standing_metrics",
    "traffic_metrics",
]

METHODS: Final = ("psi", "js", "ks", "wasserstein", "hellinger")
"""Distances that are shown of each feature, as far as they have a meaning for it."""

SEVERITY_VALUES: Final[Mapping[Severity, int]] = {
    "none": 0,
    "warning": 1,
    "drift": 2,
    "insufficient_data": -1,
}

STATE_VALUES: Final[Mapping[State, int]] = {
    "no_drift": 0,
    "warning": 1,
    "drift": 2,
    "insufficient_data": -1,
    "no_data": -1,
    "incomparable": -1,
    "no_baseline": -1,
}

_VERSION = ("model", "version")
_FEATURE = (*_VERSION, "feature", "role")
_NUMBERS = "0 none, 1 warning, 2 drift, -1 too little data to judge"


def standing_metrics(standings: Iterable[Standing], *, most_features: int) -> list[Metric]:
    """Return what the latest judged window of each version came to.

    Args:
        standings: one a version.
        most_features: features shown of each version, the worst first.
    """
    standings = list(standings)
    return [
        *_version_metrics(standings),
        *label_metrics(standings),
        *_feature_metrics(standings, most_features),
    ]


def features_left_out(standings: Iterable[Standing], *, most_features: int) -> int:
    """Return how many features `standing_metrics` leaves out."""
    return sum(max(0, len(found.report.features) - most_features) for found in standings)


def traffic_metrics(totals: Mapping[tuple[str, str], Traffic]) -> list[Metric]:
    """Return the calls of each version."""
    calls = CounterMetricFamily(
        "modelwatch_predictions",
        "Calls in judged windows since the collector was started; error_type is empty for success.",
        labels=(*_VERSION, "error_type"),
    )
    dropped = CounterMetricFamily(
        "modelwatch_rows_dropped",
        "Rows that services lost, in judged windows since the collector was started.",
        labels=(*_VERSION, "reason"),
    )
    durations = HistogramMetricFamily(
        "modelwatch_prediction_duration_seconds",
        "Duration of calls in judged windows since the collector was started.",
        labels=_VERSION,
    )
    for (model, version), traffic in totals.items():
        labels = [label_value(model), label_value(version)]
        for error_type, count in traffic.predictions.items():
            calls.add_metric([*labels, label_value(error_type)], count)
        for reason, count in traffic.dropped.items():
            dropped.add_metric([*labels, label_value(reason)], count)
        buckets = cumulative(DURATION_BOUNDS_SECONDS, traffic.durations.tolist())
        seconds = None if math.isnan(traffic.duration_seconds) else traffic.duration_seconds
        durations.add_metric(labels, buckets, seconds)
    return [calls, dropped, durations]


def received_metrics(seen: Iterable[VersionSeen]) -> list[Metric]:
    """Return what was received of each version, judged or not."""
    rows = CounterMetricFamily("modelwatch_rows", "Rows captured and received.", labels=_VERSION)
    last = GaugeMetricFamily(
        "modelwatch_last_received_timestamp_seconds",
        "End of the latest interval of which a service sent data.",
        labels=_VERSION,
    )
    baseline = GaugeMetricFamily(
        "modelwatch_has_baseline",
        "1 where there is a baseline, else 0.",
        labels=_VERSION,
    )
    for found in seen:
        labels = [label_value(found.model), label_value(found.version)]
        rows.add_metric(labels, found.rows)
        baseline.add_metric(labels, float(found.baseline_id is not None))
        if found.last_seen_ns is not None:
            last.add_metric(labels, found.last_seen_ns / NANOSECONDS)
    return [rows, last, baseline]


def _version_metrics(standings: Sequence[Standing]) -> list[Metric]:
    def gauge(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(name, documentation, labels=(*_VERSION, *labels))

    severity = gauge("modelwatch_model_severity", f"The worst of all features: {_NUMBERS}.")
    since = gauge(
        "modelwatch_drift_since_timestamp_seconds",
        "Start of the first window of the run of windows in which some feature drifts.",
    )
    rows = gauge("modelwatch_window_rows", "Rows in the latest judged window.")
    senders = gauge("modelwatch_instances", "Senders in the latest judged window.")
    end = gauge("modelwatch_window_end_timestamp_seconds", "End of the latest judged window.")
    outliers = gauge("modelwatch_outlier_ratio", "Share of rows of which some input is an outlier.")
    usual_outliers = gauge("modelwatch_baseline_outlier_ratio", "The same share of the baseline's.")
    performance = gauge(
        "modelwatch_performance_value",
        "Performance; kind is estimated (without labels, in the latest judged window), realized "
        "(by labels, in the latest window with enough of them) or reference (the baseline's).",
        "metric",
        "kind",
    )
    joint = gauge(
        "modelwatch_joint_drift_score", "Change of all numeric inputs together.", "method"
    )
    joint_severity = gauge(
        "modelwatch_joint_drift_severity", f"What that change comes to: {_NUMBERS}.", "method"
    )
    for found in standings:
        labels = [label_value(found.model), label_value(found.version)]
        report = found.report
        severity.add_metric(labels, STATE_VALUES[found.state])
        if found.since_ns is not None:
            since.add_metric(labels, found.since_ns / NANOSECONDS)
        rows.add_metric(labels, report.rows)
        _add(senders, labels, found.instances)
        end.add_metric(labels, found.window.end_ns / NANOSECONDS)
        _add(outliers, labels, report.outlier_rate)
        _add(usual_outliers, labels, report.baseline_outlier_rate)
        for name, kind, value in found.performance():
            performance.add_metric([*labels, label_value(name), kind], value)
        for name, change in report.multivariate.items():
            of_method = [*labels, label_value(name)]
            _add(joint, of_method, change.value)
            joint_severity.add_metric(of_method, SEVERITY_VALUES[change.severity])
    ratios = [outliers, usual_outliers]
    return [severity, since, rows, senders, end, *ratios, performance, joint, joint_severity]


def _feature_metrics(standings: Sequence[Standing], most_features: int) -> list[Metric]:
    def gauge(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(name, documentation, labels=(*_FEATURE, *labels))

    score = gauge(
        "modelwatch_drift_score",
        "Distance of a feature in the latest judged window from the baseline.",
        "method",
    )
    severity = gauge("modelwatch_drift_severity", f"What the distance comes to: {_NUMBERS}.")
    since = gauge(
        "modelwatch_feature_drift_since_timestamp_seconds",
        "Start of the first window of the run of windows in which the feature drifts.",
    )
    missing = gauge("modelwatch_feature_missing_ratio", "Share of rows without a usable value.")
    outliers = gauge("modelwatch_feature_outlier_ratio", "Share of rows with an outlying value.")
    mean = gauge(
        "modelwatch_feature_mean_shift",
        "Change of the mean from the baseline, in its standard deviations.",
    )
    spread = gauge(
        "modelwatch_feature_std_ratio", "Standard deviation in proportion to the baseline's."
    )
    for found in standings:
        version = [label_value(found.model), label_value(found.version)]
        for feature in _shown(found, most_features):
            labels = [*version, label_value(feature.name), str(feature.role)]
            for method in METHODS:
                _add(score, [*labels, method], getattr(feature, method))
            severity.add_metric(labels, SEVERITY_VALUES[feature.severity])
            _add(mean, labels, feature.mean_shift)
            _add(spread, labels, feature.std_ratio)
            if feature.name in found.onsets:
                since.add_metric(labels, found.onsets[feature.name] / NANOSECONDS)
            if feature.rows:
                missing.add_metric(labels, feature.missing_rate)
                outliers.add_metric(labels, feature.outlier_rate)
    return [score, severity, since, missing, outliers, mean, spread]


def _shown(found: Standing, most_features: int) -> Iterable[FeatureDrift]:
    if len(found.report.features) <= most_features:
        return found.report.features.values()
    return found.report.ranked()[:most_features]


def _add(family: GaugeMetricFamily, labels: Sequence[str], value: float | None) -> None:
    if value is not None:
        family.add_metric(labels, value)
