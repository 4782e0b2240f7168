"""What stands below a verdict: how sure, how much it matters, the probable cause. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from modelwatch.report.drift_report import DriftReport, FeatureDrift
from modelwatch.report.findings import MultivariateDrift, PerformanceMetric
from modelwatch.report.harm import is_surely_worse
from modelwatch.report.label_words import concept_words, headline_metric
from modelwatch.report.wording import (
    cause_words,
    changed_words,
    interval,
    metric_name,
    number,
    p_value,
    percent,
    statistic_name,
)

__all__ = ["Remark", "importance_share", "main_metrics", "remarks", "without_performance"]

MAIN_METRICS = ("roc_auc", "f1", "accuracy", "mae", "rmse", "average_precision", "log_loss")
"""What is told first of performance, where none of it changed."""

UNTOLD = frozenset({"no change", "not told"})
"""Verdicts on a measure that are no news."""

_SUBJECTS = {
    "concept drift": "Concept drift",
    "data drift": "Data drift",
    "both": "Data and concept drift",
}

LEAST_OUTLIERS = 0.005
MORE_OUTLIERS = 2.0
"""Rows with an outlier are spoken of from this share, and so many times the baseline's, on."""


@dataclass(frozen=True, kw_only=True)
class Remark:
    """One sentence and what it is about."""

    subject: str
    text: str


def remarks(report: DriftReport) -> list[Remark]:
    """Return a few sentences: on the worst feature, on all inputs together, on performance."""
    return list(_remarks(report))


def _remarks(report: DriftReport) -> Iterator[Remark]:
    worst = next(iter(report.ranked()), None)
    if worst is not None and worst.severity in ("drift", "warning"):
        yield Remark(subject=worst.name, text=_of_feature(report, worst))
    rate, before = report.outlier_rate or 0.0, report.baseline_outlier_rate or 0.0
    if rate >= LEAST_OUTLIERS and rate >= MORE_OUTLIERS * before:
        was = f", where the baseline has them in {percent(before)}"
        yield Remark(subject="Outliers", text=f"in {percent(rate)} of rows{was}")
    together = [item for item in report.multivariate.values() if item.severity == "drift"]
    together += [item for item in report.multivariate.values() if item.severity == "warning"]
    if together:
        yield Remark(subject="All inputs together", text=_of_all(together[0]))
    metrics = main_metrics(report)
    if metrics and (text := _of_performance(metrics[0])):
        yield Remark(subject=metric_name(metrics[0].name), text=text)
    yield from _of_labels(report)


def _of_labels(report: DriftReport) -> Iterator[Remark]:
    """Say what labels told that is no measure: what explains a change, and whether errors rose."""
    metric = headline_metric(report.performance)
    if metric is not None and metric.explained and metric.verdict not in UNTOLD:
        subject = _SUBJECTS.get(metric.verdict or "", "By labels")
        yield Remark(subject=subject, text=f"{metric_name(metric.name)}: {metric.explained}")
    latest = next(iter(report.concept), None)
    if latest is not None and latest.is_worse:
        yield Remark(subject="Errors", text=concept_words(latest))
    if report.labels is not None and report.labels.bias:
        yield Remark(subject="Labels", text=report.labels.bias)


def importance_share(report: DriftReport, feature: FeatureDrift) -> float | None:
    """Return a feature's part of the summed importances, in [0, 1]; None where unknown."""
    total = sum(other.importance or 0.0 for other in report.features.values())
    if feature.importance is None or total <= 0:
        return None
    return feature.importance / total


def main_metrics(report: DriftReport) -> list[PerformanceMetric]:
    """Return the measures of performance: surely worse ones, changed ones, those most looked at."""

    def rank(metric: PerformanceMetric) -> tuple[bool, bool, bool, int]:
        known = metric.name in MAIN_METRICS
        place = MAIN_METRICS.index(metric.name) if known else len(MAIN_METRICS)
        unknown = metric.estimated is None and metric.realized is None
        return unknown, not is_surely_worse(metric), not metric.changed, place

    return sorted(report.performance.values(), key=rank)


def without_performance(report: DriftReport) -> str:
    """Say why no performance is told where one would look for it; empty where none is due."""
    baseline = report.baseline
    if report.performance or baseline is None or not baseline.outputs:
        return ""
    if baseline.label is None:
        return (
            "Performance is not estimated: the baseline was fitted without labels. Give "
            "Baseline.fit a label to have it."
        )
    return ""


def _of_feature(report: DriftReport, feature: FeatureDrift) -> str:
    parts = [feature.diagnosis or "the distribution changed"]
    if feature.cause is not None:
        parts.append(f"probable cause: {cause_words(feature.cause)}")
    if feature.effect is not None and feature.effect > 0:
        bounds = interval(feature.intervals.get("psi"))
        sure = f" (95% interval {bounds})" if bounds else ""
        parts.append(f"effect {number(feature.effect)}{sure}")
    parts.append(f"p {_p(feature.p_value)}")
    share = importance_share(report, feature)
    if share is not None:
        parts.append(f"{percent(share)} of the model's importance")
    if feature.segment is not None:
        parts.append(f"mostly in {feature.segment}")
    return "; ".join(parts)


def _of_all(item: MultivariateDrift) -> str:
    told = item.diagnosis or f"{statistic_name(item.name).lower()} changed"
    return f"{told}; p {_p(item.p_value)}"


def _of_performance(metric: PerformanceMetric) -> str:
    realized = metric.realized is not None
    value = metric.realized if realized else metric.estimated
    if value is None:
        return ""
    bounds = interval((metric.lower, metric.upper))
    text = f"{'' if realized else 'estimated at '}{number(value)}"
    text += f" (95% interval {bounds})" if bounds else ""
    if metric.reference is not None:
        text += f", {number(metric.reference)} on the baseline"
    said = changed_words(metric)
    return f"{text}: {said}" if said else text


def _p(value: float | None) -> str:
    told = p_value(value)
    return told if told.startswith("<") else f"= {told}"
