"""How good a model's predictions are, with labels and without, from summaries that merge. No I/O.

With labels: `LabelledSummary` or `RegressionSummary`, and `realized`. Without: `ScoreSummary`,
`fit_calibration` and `estimate_classification` (CBPE), or `fit_loss_model`, `QuadraticMoments` and
`estimate_regression` (DLE). Each metric comes as an `Estimate`, with its 95% interval.
"""

from __future__ import annotations

from modelwatch.performance.calibration import Calibration, bin_edges_for, fit_calibration
from modelwatch.performance.cbpe import estimate_classification
from modelwatch.performance.conditions import CBPE_CONDITIONS, DLE_CONDITIONS
from modelwatch.performance.dle import LossModel, estimate_regression, fit_loss_model
from modelwatch.performance.intervals import Estimate
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.quadratic_moments import QuadraticMoments
from modelwatch.performance.realized import realized
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance.score_summary import ScoreSummary

__all__ = [
    "CBPE_CONDITIONS",
    "DLE_CONDITIONS",
    "Calibration",
    "Estimate",
    "LabelledSummary",
    "LossModel",
    "QuadraticMoments",
    "RegressionSummary",
    "ScoreSummary",
    "bin_edges_for",
    "estimate_classification",
    "estimate_regression",
    "fit_calibration",
    "fit_loss_model",
    "realized",
]
