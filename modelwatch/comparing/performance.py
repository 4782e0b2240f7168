"""How well the model does now: by labels where there are some, else as far as it can be estimated.

From summaries alone, whatever the rows: about 1 ms for each scored class, .1 ms for a regression.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from modelwatch.baseline import Baseline
from modelwatch.comparing.thresholds import Thresholds
from modelwatch.errors import ConfigurationError, DataError, ProfileMismatch
from modelwatch.performance import (
    CBPE_CONDITIONS,
    DLE_CONDITIONS,
    Estimate,
    estimate_classification,
    estimate_regression,
    realized,
)
from modelwatch.performance_baseline import PerformanceBaseline
from modelwatch.profile import Profile
from modelwatch.report.findings import PerformanceMetric

__all__ = ["performance_of"]

_logger = logging.getLogger("modelwatch")


def performance_of(
    baseline: Baseline, current: Profile, thresholds: Thresholds
) -> dict[str, PerformanceMetric]:
    """Return the metrics that are known of the current rows, by name.

    Rows come in clusters: intervals hold for the design effect, at that number of rows, of the
    share of right predictions, or of large errors, on the baseline.

    Returns:
        Empty where the baseline had no labels, and where there are fewer current rows than are
        judged. Without what cannot be told: an estimate where more than 1% of the scores are no
        probabilities, or were counted for another baseline (a log record says so), and metrics
        that have no meaning on the rows.
    """
    known = baseline.performance
    if known is None:
        return {}
    estimates = _told("estimated", lambda: _estimated(known, current, thresholds))
    labelled = current.labelled
    realised: dict[str, Estimate] = {}
    if labelled is not None and labelled.rows >= thresholds.minimum_rows:
        effect = known.effect.phi_at(labelled.rows)
        realised = _told("realised", lambda: realized(labelled, design_effect=effect))
    if not estimates and not realised:
        return {}
    reference = _told("reference", lambda: known.realized)
    condition = CBPE_CONDITIONS if known.task == "classification" else DLE_CONDITIONS
    return {
        name: _metric(name, reference.get(name), estimates.get(name), realised.get(name), condition)
        for name in dict.fromkeys([*reference, *realised, *estimates])
        if name in realised or name in estimates
    }


def _estimated(
    known: PerformanceBaseline, current: Profile, thresholds: Thresholds
) -> dict[str, Estimate]:
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


def _told(what: str, measure: Callable[[], dict[str, Estimate]]) -> dict[str, Estimate]:
    """Return the metrics; none where the rows do not allow it, and say why."""
    try:
        return measure()
    except (ConfigurationError, DataError, ProfileMismatch) as error:
        _logger.warning("%s performance cannot be told: %s", what, error)
        return {}


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
    )
