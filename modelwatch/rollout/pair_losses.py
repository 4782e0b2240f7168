"""The losses of two versions on the same rows, whose truth is known."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.performance.labelled_summary import SMALLEST_PROBABILITY
from modelwatch.performance.score_rows import SUM_TOLERANCE

__all__ = ["CLASS_LOSSES", "NUMBER_LOSSES", "loss_columns", "number_losses", "score_losses"]

FloatArray = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

CLASS_LOSSES: Final = ("brier", "log_loss")
"""Of rows of scores."""

NUMBER_LOSSES: Final = ("absolute_error", "squared_error")
"""Of predicted numbers."""

ROUNDING: Final = 1e-9


def score_losses(scores: FloatArray, truth: Codes) -> FloatArray:
    """Return Brier score and log loss of each row, shape (n, 2); NaN where there is none.

    As `LabelledSummary` has them: of one scored class, a truth of another class counts as the rest;
    of several, a truth that is none of them has no loss.

    Args:
        scores: shape (n, scored classes), NaN where missing; what is no probability has no loss.
        truth: place of the true class among the scored ones, shape (n,); their number where it is
            another one, negative where it is not known.

    >>> score_losses(np.array([[0.9], [1.5]]), np.array([0, 0])).round(3).tolist()
    [[0.01, 0.105], [nan, nan]]
    """
    rows, classes = scores.shape
    usable = (truth >= 0) & ((scores >= 0) & (scores <= 1)).all(axis=1)
    if classes > 1:
        total = np.abs(scores.sum(axis=1) - 1)
        usable &= (truth < classes) & (total <= SUM_TOLERANCE + ROUNDING)
        at = np.clip(truth, 0, classes - 1)
        of_truth = scores[np.arange(rows), at]
        brier = np.square(scores).sum(axis=1) - 2 * of_truth + 1
    else:
        of_truth = np.where(truth == 0, scores[:, 0], 1 - scores[:, 0])
        brier = (1 - of_truth) ** 2
    with np.errstate(invalid="ignore"):
        safe = np.clip(of_truth, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        both = np.column_stack([brier, -np.log(safe)])
    return np.where(usable[:, np.newaxis], both, np.nan)


def number_losses(predicted: FloatArray, truth: FloatArray) -> FloatArray:
    """Return absolute and squared error of each row, shape (n, 2); NaN where either is missing.

    >>> number_losses(np.array([1.0, np.nan]), np.array([3.0, 0.0])).tolist()
    [[2.0, 4.0], [nan, nan]]
    """
    error = np.abs(predicted - truth)
    return np.column_stack([error, error**2])


def loss_columns(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return both versions' losses side by side, NaN where either lacks one."""
    both = np.column_stack([first, second])
    return np.where(np.isfinite(both).all(axis=1, keepdims=True), both, np.nan)
