"""What labels told of each model version, as metrics of Prometheus. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric

from modelwatch.collector.showing.label_values import label_value
from modelwatch.collector.showing.standing import Standing
from modelwatch.collector.windows import NANOSECONDS

__all__ = ["label_metrics"]

_VERSION = ("model", "version")


def label_metrics(standings: Iterable[Standing]) -> list[Metric]:
    """Return how many labels came, how late, and since when errors are higher."""
    end = GaugeMetricFamily(
        "modelwatch_realized_window_end_timestamp_seconds",
        "End of the latest window with enough labels, which realized performance is of.",
        labels=_VERSION,
    )
    coverage = GaugeMetricFamily(
        "modelwatch_label_coverage_ratio",
        "Share of that window's predictions that have a label; of the latest judged window's where "
        "there never were enough.",
        labels=_VERSION,
    )
    delay = GaugeMetricFamily(
        "modelwatch_label_delay_seconds",
        "Time from prediction to label that a share of that window's labels took at most.",
        labels=(*_VERSION, "quantile"),
    )
    since = GaugeMetricFamily(
        "modelwatch_concept_changed_timestamp_seconds",
        "Since which predictions errors are higher; absent where no such change was found.",
        labels=_VERSION,
    )
    for found in standings:
        version = [label_value(found.model), label_value(found.version)]
        labels = found.labelled.labels if found.labelled else found.report.labels
        if found.labelled is not None:
            end.add_metric(version, found.labelled.window.end_ns / NANOSECONDS)
        if found.worse_since_ns is not None:
            since.add_metric(version, found.worse_since_ns / NANOSECONDS)
        if labels is None:
            continue
        if labels.coverage is not None:
            coverage.add_metric(version, labels.coverage)
        for share, seconds in (
            ("0.5", labels.delay_median_seconds),
            ("0.9", labels.delay_most_seconds),
        ):
            if seconds is not None:
                delay.add_metric([*version, share], seconds)
    return [end, coverage, delay, since]
