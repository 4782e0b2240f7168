"""Area under the ROC curve and average precision from counts by score bin, with gradients.

The gradients by the counts give the variances by the delta method: each function is homogeneous of
degree 0, so with independent rows the variance is the sum of count * gradient^2. For the ROC area
this is the estimator of DeLong, DeLong and Clarke-Pearson (1988), a bin taking its rows' place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Ranking", "average_precision", "roc_auc"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """A ranking metric and how it moves with the counts.

    Attributes:
        value: in [0, 1].
        by_positives: gradient by the positives of each bin, shape (bins,).
        by_negatives: likewise by the negatives.
    """

    value: float
    by_positives: FloatArray
    by_negatives: FloatArray


def roc_auc(
    positives: FloatArray, negatives: FloatArray, lead: FloatArray | float = 0.0
) -> Ranking | None:
    """Return the probability that a positive scores above a negative, a tie counting half.

    AUC = sum_b P_b (Q_below + w_b Q_b) / (P Q), where w_b, the same probability within bin b, is
    1/2 + lead_b within [0, 1]: exact where both densities are linear across the bin.

    Args:
        positives: counts P_b in the order of the scores, shape (bins,).
        negatives: counts Q_b.
        lead: mean score of the bin's positives less that of its negatives, in bin widths.

    Returns:
        The area; None where one class has no rows.

    >>> area = roc_auc(np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0]))
    >>> area.value if area else None
    0.875
    """
    total_p, total_q = float(positives.sum()), float(negatives.sum())
    if total_p <= 0 or total_q <= 0:
        return None
    win = np.clip(0.5 + lead, 0.0, 1.0)
    beaten = np.cumsum(negatives) - negatives + win * negatives
    beating = total_p - np.cumsum(positives) + win * positives
    pairs = total_p * total_q
    area = float((positives * beaten).sum() / pairs)
    return Ranking(area, beaten / pairs - area / total_p, beating / pairs - area / total_q)


def average_precision(
    positives: FloatArray, negatives: FloatArray, *, with_gradients: bool = True
) -> Ranking | None:
    """Return the mean precision over the positives, each at its own score as threshold.

    Within a bin true and false positives grow in proportion, and the precision is integrated over
    that line (Davis and Goadrich, 2006). Where rows of a bin tie, this is what they yield in a
    random order; scikit-learn gives them the precision at the bin's end.

    Args:
        positives: counts P_b in the order of the scores, shape (bins,).
        negatives: counts Q_b.
        with_gradients: whether they are wanted; zeros where not.

    Returns:
        The metric; None where there are no positives.

    >>> found = average_precision(np.array([0.0, 2.0]), np.array([2.0, 0.0]))
    >>> found.value if found else None
    1.0
    """
    total = float(positives.sum())
    if total <= 0:
        return None
    above_p = total - np.cumsum(positives)
    above_q = negatives.sum() - np.cumsum(negatives)
    value = float(_integrals(positives, negatives, above_p, above_q).sum() / total)
    if not with_gradients:
        return Ranking(value, np.zeros_like(positives), np.zeros_like(negatives))
    return Ranking(value, *_precision_gradient(positives, negatives, above_p, above_q, value))


def _integrals(
    p: FloatArray, q: FloatArray, above_p: FloatArray, above_q: FloatArray
) -> FloatArray:
    """Return, of each bin, the integral of the precision over its positives.

    With T and S = T + F above the bin and a = 1 + q / p: that of (T + t) / (S + a t) from 0 to p. A
    positive is among those that its own threshold lets in, so T and S are half a row more.
    """
    used = p > 0
    slope = 1 + np.divide(q, p, out=np.zeros_like(p), where=used)
    true, before = above_p + 0.5, above_p + above_q + 0.5
    whole = p / slope + (true - before / slope) * np.log1p((p + q) / before) / slope
    return np.where(used, whole, 0.0)


def _precision_gradient(
    p: FloatArray, q: FloatArray, above_p: FloatArray, above_q: FloatArray, value: float
) -> tuple[FloatArray, FloatArray]:
    """Return the gradients, each bin's precision being taken at its middle."""
    total = p.sum()
    true, false = above_p + p / 2, above_q + q / 2
    seen = np.where(true + false > 0, true + false, 1.0)
    precision = true / seen
    by_true = p / total * (false / seen) / seen
    by_false = -p / total * precision / seen
    # A row of bin j counts whole among those above each lower bin, and half in its own.
    below_true = np.cumsum(by_true) - by_true / 2
    below_false = np.cumsum(by_false) - by_false / 2
    return (precision - value) / total + below_true, below_false
