"""How well the model does now: by labels where there are some, else as far as it can be estimated.

From summaries alone, whatever the rows: about 1 ms for each scored class, .1 ms for a regression.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from modelwatch.baseline import Baseline
from modelwatch.comparing.performance_notes import absence_note, unknown_classes_note
from modelwatch.comparing.thresholds import Thresholds
from modelwatch.errors import ConfigurationError, DataError, ProfileMismatch
from modelwatch.performance.cbpe import estimate_classification
from modelwatch.performance.conditions import CBPE_CONDITIONS, DLE_CONDITIONS
from modelwatch.performance.dle import estimate_regression
from modelwatch.performance.intervals import Estimate
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.realized import realized
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance_baseline import PerformanceBaseline
from modelwatch.profile import Profile
from modelwatch.report.findings import PerformanceMetric

__all__ = ["Performance", "performance_of", "realised_anew"]

Labelled = LabelledSummary | RegressionSummary
Metrics = dict[str, Estimate]

_logger = logging.getLogger("modelwatch")


class Performance(NamedTuple):
    """How well the model does.

    Attributes:
        metrics: what is known, by name.
        note: which measures are not told and why, and that labels or predictions are of classes
            that the baseline does not know; None where there is nothing to say.
    """

    metrics: dict[str, PerformanceMetric]
    note: str | None


def performance_of(baseline: Baseline, current: Profile, thresholds: Thresholds) -> Performance:
    """Return what is known of the current rows.

    Rows come in clusters: intervals hold for the design effect, at that number of rows, of the
    share of right predictions, or of large errors, on the baseline.

    Returns:
        No metric where the baseline had no labels, and where there are fewer current rows than are
        judged; none that has no meaning on the rows. Where more than 1% of the scores are no
        probabilities nothing is estimated from them, and of labelled rows what needs them has no
        value; what needs predictions alone is realised. Where scores were counted for another
        baseline, nothing is estimated. The note and a log record say so.
    """
    known = baseline.performance
    if known is None:
        return Performance({}, None)
    faults: dict[str, str] = {}
    estimates = _told("estimated", lambda: _estimated(known, current, thresholds), faults)
    labelled = current.labelled
    if labelled is not None and labelled.rows < thresholds.minimum_rows:
        labelled = None
    realised = _realised(known, labelled, faults) if labelled is not None else {}
    reference = _told("known of the baseline", lambda: known.realized, faults)
    bad_scores = isinstance(labelled, LabelledSummary) and bool(labelled.scores_fault)
    shown = {*realised, *estimates, *(reference if bad_scores and realised else ())}
    metrics = _metrics(known, shown, reference, estimates, realised)
    return Performance(metrics, _note(known, labelled, faults) or None)


def realised_anew(
    baseline: Baseline,
    metrics: Mapping[str, PerformanceMetric],
    labelled: Labelled,
    thresholds: Thresholds,
) -> dict[str, PerformanceMetric]:
    """Return what was known of rows, with what is known by their labels now.

    Args:
        baseline: what the rows were compared with.
        metrics: what was known; what they say of labels is let go.
        labelled: all rows of which the label is known now.
        thresholds: with fewer rows than its `minimum_rows` nothing is realised.
    """
    known = baseline.performance
    if known is None:
        return {}
    enough = labelled.rows >= thresholds.minimum_rows
    realised = _realised(known, labelled, {}) if enough else {}
    reference = _told("known of the baseline", lambda: known.realized, {}) if realised else {}
    found: dict[str, PerformanceMetric] = {}
    for name in dict.fromkeys([*reference, *metrics, *realised]):
        was, now = metrics.get(name), realised.get(name)
        if was is None and now is None:
            continue
        if was is None:
            found[name] = _metric(name, reference.get(name), None, now, "")
        else:
            found[name] = _with_realised(was, now)
    return found


def _with_realised(was: PerformanceMetric, now: Estimate | None) -> PerformanceMetric:
    return replace(
        was,
        realized=now.value if now else None,
        lower=now.lower if now else was.estimated_lower,
        upper=now.upper if now else was.estimated_upper,
        rows=now.rows if now else was.rows,
        verdict=None,
        explained=None,
    )


def _metrics(
    known: PerformanceBaseline,
    shown: set[str],
    reference: Metrics,
    estimates: Metrics,
    realised: Metrics,
) -> dict[str, PerformanceMetric]:
    condition = CBPE_CONDITIONS if known.task == "classification" else DLE_CONDITIONS
    return {
        name: _metric(name, reference.get(name), estimates.get(name), realised.get(name), condition)
        for name in dict.fromkeys([*reference, *realised, *estimates])
        if name in shown
    }


def _estimated(known: PerformanceBaseline, current: Profile, thresholds: Thresholds) -> Metrics:
    scores, moments = current.scores, current.quadratic
    if scores is not None and known.calibrations:
        rows = scores.rows + sum(scores.refused.values())
        if rows < thresholds.minimum_rows:
            return {}
        effect = known.effect.phi_at(max(scores.rows, 1))
        return estimate_classification(scores, known.calibrations, design_effect=effect)
    if moments is not None and known.loss_model is not None:
        if moments.rows < thresholds.minimum_rows:
            return {}
        effect = known.effect.phi_at(moments.rows)
        return estimate_regression(moments, known.loss_model, design_effect=effect)
    return {}


def _realised(known: PerformanceBaseline, labelled: Labelled, faults: dict[str, str]) -> Metrics:
    """Return the metrics of labelled rows, and say where their scores cannot be used."""
    effect = known.effect.phi_at(labelled.rows)
    if isinstance(labelled, LabelledSummary) and labelled.scores_fault:
        _fault("no measure that needs scores is realised", labelled.scores_fault, faults)
    return _told("realised", lambda: realized(labelled, design_effect=effect), faults)


def _told(what: str, measure: Callable[[], Metrics], faults: dict[str, str]) -> Metrics:
    """Return the metrics; none where the rows do not allow it, and say why."""
    try:
        return measure()
    except (ConfigurationError, DataError, ProfileMismatch) as error:
        _fault(f"no performance is {what}", str(error), faults)
        return {}


def _fault(what: str, why: str, faults: dict[str, str]) -> None:
    _logger.warning("%s: %s", what, why)
    faults[what] = why


def _note(known: PerformanceBaseline, labelled: Labelled | None, faults: dict[str, str]) -> str:
    unknown, reference = "", known.reference
    if isinstance(labelled, LabelledSummary) and isinstance(reference, LabelledSummary):
        unknown = unknown_classes_note(labelled, reference)
    return "; ".join(part for part in (unknown, absence_note(faults)) if part)


def _metric(
    name: str,
    reference: Estimate | None,
    estimate: Estimate | None,
    realised: Estimate | None,
    condition: str,
) -> PerformanceMetric:
    found = realised or estimate
    return PerformanceMetric(
        name=name,
        reference=reference.value if reference else None,
        reference_lower=reference.lower if reference else None,
        reference_upper=reference.upper if reference else None,
        estimated=estimate.value if estimate else None,
        realized=realised.value if realised else None,
        lower=found.lower if found else None,
        upper=found.upper if found else None,
        rows=found.rows if found else 0,
        condition=condition if estimate else None,
        estimated_lower=estimate.lower if estimate else None,
        estimated_upper=estimate.upper if estimate else None,
    )
