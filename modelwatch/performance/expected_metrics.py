"""A classifier's expected metrics, from the expected positives of score bins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.performance.confusion import binary_values
from modelwatch.performance.labelled_summary import SMALLEST_PROBABILITY
from modelwatch.performance.ranking import Ranking, average_precision, roc_auc
from modelwatch.performance.score_rows import NOT_PREDICTED, PREDICTED

__all__ = [
    "PREDICTED_SHARE",
    "TRUE_SHARE",
    "Expected",
    "Metrics",
    "class_shares",
    "confusion_metrics",
    "loss_metrics",
    "ranking_metrics",
]

FloatArray = npt.NDArray[np.float64]

Metrics = dict[str, tuple[float, float, float]]
"""Value, its variance by the chance of the labels, and rows, by metric."""

STEP = 1e-6
"""Share of the rows by which labels are moved to see how a metric follows."""

PREDICTED_SHARE, TRUE_SHARE = "share of predictions", "share of truths"
"""What each class adds to the Matthews correlation of several."""


@dataclass(frozen=True, eq=False)
class Expected:
    """Rows, and expected positives and label variances among them, by state and bin.

    `lead`, by bin, is by how much positives should score above negatives, in bin widths. Of a
    replicate the values alone are wanted, and variances are 0: they take half of the time.
    """

    rows: FloatArray
    positives: FloatArray
    mean_scores: FloatArray
    lead: FloatArray
    is_replicate: bool = False

    @property
    def variances(self) -> FloatArray:
        """Variance of the number of positives in each cell, its rows being independent."""
        if self.is_replicate:
            return np.zeros_like(self.rows)
        share = self.positives / np.maximum(self.rows, 1)
        return self.rows * share * (1 - share)


def confusion_metrics(expected: Expected) -> Metrics:
    """Return the metrics of expected confusion counts, of rows whose prediction is known."""
    rows = expected.rows.sum(axis=1)
    true = expected.positives.sum(axis=1)
    variance = expected.variances.sum(axis=1)
    known = float(rows[PREDICTED] + rows[NOT_PREDICTED])
    if not known:
        return {}

    def values(tp: float, fn: float) -> dict[str, float]:
        return binary_values(tp, rows[PREDICTED] - tp, fn, rows[NOT_PREDICTED] - fn)

    tp, fn = float(true[PREDICTED]), float(true[NOT_PREDICTED])
    if expected.is_replicate:
        return {name: (value, 0.0, known) for name, value in values(tp, fn).items()}
    by_tp = _slopes(lambda step: values(tp + step, fn), known)
    by_fn = _slopes(lambda step: values(tp, fn + step), known)
    return {
        name: (
            value,
            variance[PREDICTED] * by_tp.get(name, 0.0) ** 2
            + variance[NOT_PREDICTED] * by_fn.get(name, 0.0) ** 2,
            known,
        )
        for name, value in values(tp, fn).items()
    }


def _slopes(values: Callable[[float], dict[str, float]], rows: float) -> dict[str, float]:
    """Return the central difference quotients of metrics by a number of labels."""
    step = STEP * rows
    above, below = values(step), values(-step)
    return {name: (above[name] - below[name]) / (2 * step) for name in above if name in below}


def ranking_metrics(expected: Expected) -> Metrics:
    """Return ROC area and average precision of expected counts by bin."""
    positives = expected.positives.sum(axis=0)
    negatives = expected.rows.sum(axis=0) - positives
    variance = expected.variances.sum(axis=0)
    rankings: dict[str, Ranking | None] = {
        "roc_auc": roc_auc(positives, negatives, expected.lead),
        "average_precision": average_precision(
            positives, negatives, with_gradients=not expected.is_replicate
        ),
    }
    return {
        name: (
            found.value,
            0.0
            if expected.is_replicate
            else float((variance * (found.by_positives - found.by_negatives) ** 2).sum()),
            float(expected.rows.sum()),
        )
        for name, found in rankings.items()
        if found is not None
    }


def loss_metrics(expected: Expected) -> Metrics:
    """Return Brier score and log loss of one class, a bin's rows at their mean score."""
    rows, true, s = expected.rows, expected.positives, expected.mean_scores
    total = float(rows.sum())
    safe = np.clip(s, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    pairs = {"brier": ((1 - s) ** 2, s**2), "log_loss": (-np.log(safe), -np.log1p(-safe))}
    return {
        name: (
            float((true * if_true + (rows - true) * if_not).sum()) / total,
            float((expected.variances * (if_true - if_not) ** 2).sum()) / total**2,
            total,
        )
        for name, (if_true, if_not) in pairs.items()
    }


def class_shares(expected: Expected) -> Metrics:
    """Return what one class adds to metrics of all of them.

    Its rows rightly predicted, its share of predictions and truths; and, as the log loss of a row
    is that of its true class, the loss of its true rows.
    """
    rows, true, s = expected.rows, expected.positives, expected.mean_scores
    variances, total = expected.variances, float(rows.sum())
    loss = -np.log(np.maximum(s, SMALLEST_PROBABILITY))
    value = float((true * loss).sum()) / total
    found = {"log_loss": (value, float((variances * loss**2).sum()) / total**2, total)}
    known = float(rows[PREDICTED].sum() + rows[NOT_PREDICTED].sum())
    if known:
        right, variance = float(true[PREDICTED].sum()), float(variances[PREDICTED].sum())
        found["accuracy"] = (right / known, variance / known**2, known)
        found[PREDICTED_SHARE] = (float(rows[PREDICTED].sum()) / known, 0.0, known)
        truths = float(true[PREDICTED].sum() + true[NOT_PREDICTED].sum())
        found[TRUE_SHARE] = (truths / known, 0.0, known)
    return found
