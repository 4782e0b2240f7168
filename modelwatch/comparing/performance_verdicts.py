"""What the baseline's, the estimated and the realised value of a measure say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from modelwatch.errors import ConfigurationError, DataError, ProfileMismatch
from modelwatch.performance.explaining import MEASURES, expected_of, explained
from modelwatch.performance.intervals import Estimate
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance_baseline import PerformanceBaseline
from modelwatch.report.findings import PerformanceMetric

__all__ = ["with_verdicts"]

Labelled = LabelledSummary | RegressionSummary


def with_verdicts(
    metrics: Mapping[str, PerformanceMetric],
    known: PerformanceBaseline | None,
    labelled: Labelled | None,
) -> dict[str, PerformanceMetric]:
    """Return measures with what is said of those of which all three values are known.

    What scores promise is asked of the very rows that have a label, as far as they have any: which
    rows these are, and chance in their scores, then is no part of the difference.

    Args:
        metrics: by name; those whose estimate has no interval, as its condition is seen to be
            broken, stay as they are.
        known: of the baseline; None where it had no labels.
        labelled: the rows that were realised; None where there are none.
    """
    if known is None or labelled is None:
        return dict(metrics)
    judged = [name for name, one in metrics.items() if name in MEASURES and _is_told(one)]
    if not judged:
        return dict(metrics)
    promised = _promised(known, labelled)
    found = {name: _with_verdict(metrics[name], promised.get(name)) for name in judged}
    return {**metrics, **found}


def _is_told(metric: PerformanceMetric) -> bool:
    values = (metric.reference, metric.realized, metric.estimated_lower, metric.estimated_upper)
    return None not in values


def _promised(known: PerformanceBaseline, labelled: Labelled) -> Mapping[str, Estimate]:
    """Return what scores promise of the labelled rows; nothing where they cannot."""
    if not isinstance(labelled, LabelledSummary) or not known.calibrations:
        return {}
    effect = known.effect.phi_at(max(labelled.rows, 1))
    try:
        return expected_of(labelled, known.calibrations, design_effect=effect)
    except (ConfigurationError, DataError, ProfileMismatch):
        return {}


def _with_verdict(metric: PerformanceMetric, promised: Estimate | None) -> PerformanceMetric:
    verdict = explained(
        metric.name,
        reference=_estimate(metric.reference, metric.reference_lower, metric.reference_upper),
        estimated=promised
        or _estimate(metric.estimated, metric.estimated_lower, metric.estimated_upper),
        realized=_estimate(metric.realized, metric.lower, metric.upper, metric.rows),
        same_rows=promised is not None,
    )
    return replace(metric, verdict=verdict.kind, explained=verdict.text)


def _estimate(
    value: float | None, lower: float | None, upper: float | None, rows: int = 1
) -> Estimate | None:
    """Return an estimate; exact where it has no interval."""
    if value is None:
        return None
    low = value if lower is None else lower
    return Estimate(value, low, value if upper is None else upper, max(rows, 1))
