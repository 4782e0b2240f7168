"""Metrics of confusion counts, and their intervals.

Proportions have Wilson's interval; F1 has Wilson's of J = TP / (TP + FP + FN), of which it is the
monotone function 2J / (1 + J); means of proportions over classes have that of Zou and Donner
(2008). The rest has the delta method on multinomial counts, for which two rows are spread over the
cells (Agresti, 2002): perfect predictions still leave some doubt.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from modelwatch.performance.intervals import (
    Estimate,
    fisher_z_interval,
    logit_interval,
    mover_mean_interval,
    wilson_interval,
)

__all__ = ["binary_estimates", "binary_values", "macro_estimates"]

FloatArray = npt.NDArray[np.float64]

SPREAD_ROWS = 2.0


def binary_values(tp: float, fp: float, fn: float, tn: float) -> dict[str, float]:
    """Return the metrics of one class against the rest, those without a meaning left out.

    accuracy, precision, recall, f1, specificity, balanced_accuracy in [0, 1]; matthews in [-1, 1].

    Args:
        tp: true positives, 0 or more; counts may be expected ones.
        fp: false positives.
        fn: false negatives.
        tn: true negatives.

    >>> binary_values(8, 2, 0, 0)
    {'accuracy': 0.8, 'precision': 0.8, 'recall': 1.0, 'f1': 0.888..., 'specificity': 0.0,
     'balanced_accuracy': 0.5}
    """
    positive, negative = tp + fn, fp + tn
    product = (tp + fp) * positive * negative * (fn + tn)
    values = {
        "accuracy": _ratio(tp + tn, positive + negative),
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, positive),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        "specificity": _ratio(tn, negative),
        "balanced_accuracy": (_ratio(tp, positive) + _ratio(tn, negative)) / 2,
        "matthews": _ratio(tp * tn - fp * fn, math.sqrt(max(product, 0.0))),
    }
    return {name: value for name, value in values.items() if not math.isnan(value)}


def binary_estimates(
    tp: float, fp: float, fn: float, tn: float, design_effect: float = 1.0, *, mistaken: float = 0.0
) -> dict[str, Estimate]:
    """Return the metrics of observed counts with their intervals.

    Args:
        tp: true positives, 0 or more.
        fp: false positives.
        fn: false negatives.
        tn: true negatives.
        design_effect: how much less than independent rows these are worth.
        mistaken: those among the true negatives that are wrong all the same, as a third class was
            true or predicted: not right for the accuracy, negatives for every other metric.

    >>> found = binary_estimates(80, 20, 20, 80)["precision"]
    >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3), found.rows
    (0.8, 0.711, 0.867, 100)
    """
    total, right = tp + fp + fn + tn, tp + tn - mistaken
    values = binary_values(tp, fp, fn, tn)
    if total:
        values["accuracy"] = right / total
    trials = {
        "accuracy": (right, total),
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "specificity": (tn, fp + tn),
    }
    found: dict[str, Estimate] = {}
    for name, value in values.items():
        rows = total
        if name in trials:
            successes, rows = trials[name]
            interval = wilson_interval(successes, rows, design_effect)
        elif name == "f1":
            rows = tp + fp + fn
            low, high = wilson_interval(tp, rows, design_effect)
            interval = 2 * low / (1 + low), 2 * high / (1 + high)
        elif name == "balanced_accuracy":
            interval = _mean_interval([found["recall"], found["specificity"]])
        else:
            counts = np.array([[tp, fn], [fp, tn]], dtype=np.float64)
            interval = fisher_z_interval(value, _matthews_error(counts, design_effect))
        found[name] = Estimate.of(value, interval, rows)
    return found


def macro_estimates(
    counts: FloatArray, other_correct: float, design_effect: float = 1.0
) -> dict[str, Estimate]:
    """Return macro averages over the named classes that occur among truths or predictions.

    As in scikit-learn by default, a class that was never predicted has a precision of 0, one that
    never was true a recall of 0; balanced accuracy averages over the classes that were true.

    Args:
        counts: rows by truth and prediction, shape (k + 1, k + 1), the last of both being `other`.
        other_correct: rows whose truth and prediction are one class among `other`: all others of
            them are wrong.
        design_effect: how much less than independent rows these are worth.
    """
    total = float(counts.sum())
    named = counts[:-1, :-1]
    true, found = counts.sum(axis=1)[:-1], counts.sum(axis=0)[:-1]
    right = named.diagonal()
    correct = float(right.sum()) + other_correct
    wilson = wilson_interval(correct, total, design_effect)
    result = {"accuracy": Estimate.of(correct / total, wilson, total)}
    occurring = (true + found) > 0
    if not occurring.any():
        return result
    shares = {
        "precision": (right[occurring], found[occurring]),
        "recall": (right[occurring], true[occurring]),
        "balanced_accuracy": (right[true > 0], true[true > 0]),
    }
    for name, (successes, trials) in shares.items():
        if trials.size:
            parts = [_share(*pair, design_effect) for pair in zip(successes, trials, strict=True)]
            value = float(np.mean([part.value for part in parts]))
            result[name] = Estimate.of(value, _mean_interval(parts), total)
    for name, (value, gradient) in _delta_metrics(counts, occurring).items():
        error = _error(counts, gradient, design_effect)
        interval = logit_interval(value, error, trials=total, design_effect=design_effect)
        result[name] = Estimate.of(value, interval, total)
    matthews, _ = _matthews(counts, other_correct)
    if not math.isnan(matthews):
        error = _matthews_error(counts, design_effect, other_correct)
        result["matthews"] = Estimate.of(matthews, fisher_z_interval(matthews, error), total)
    return result


def _delta_metrics(
    counts: FloatArray, occurring: npt.NDArray[np.bool_]
) -> dict[str, tuple[float, FloatArray]]:
    """Return macro F1 and specificity with their gradients by the counts.

    dF_c / dn_ij = (2 [i = j = c] - F_c ([i = c] + [j = c])) / (r_c + q_c), and with
    B_c = N - r_c: dS_c / dn_ij = (1 - [i = c] - [j = c] + [i = j = c] - S_c (1 - [i = c])) / B_c.
    """
    total = counts.sum()
    true, found, right = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    weight = np.append(occurring, False) / occurring.sum()
    either = weight / np.maximum(true + found, 1.0)
    f1 = 2 * right / np.maximum(true + found, 1.0)
    by_f1 = np.diag(2 * either) - (f1 * either)[:, None] - (f1 * either)[None, :]
    metrics = {"f1": (float((weight * f1).sum()), by_f1)}
    negatives = total - true
    if np.all(negatives[weight > 0] > 0):
        part = weight / np.maximum(negatives, 1.0)
        specificity = (negatives - found + right) / np.maximum(negatives, 1.0)
        wrong = part * (1 - specificity)
        gradient = wrong.sum() - wrong[:, None] - part[None, :] + np.diag(part)
        metrics["specificity"] = (float((weight * specificity).sum()), gradient)
    return metrics


def _matthews(counts: FloatArray, last_correct: float | None = None) -> tuple[float, FloatArray]:
    """Return Gorodkin's (2004) correlation of k classes and its gradient by the counts.

    R = (N t - sum q_k r_k) / sqrt((N^2 - sum q_k^2) (N^2 - sum r_k^2)), t the correct rows.

    Args:
        counts: rows by truth and prediction.
        last_correct: how many of the last cell's are correct, where that is of several classes;
            all where None.
    """
    total, correct = counts.sum(), np.ones(len(counts))
    if last_correct is not None and counts[-1, -1] > 0:
        correct[-1] = min(last_correct / counts[-1, -1], 1.0)
    right = counts.diagonal() @ correct
    true, found = counts.sum(axis=1), counts.sum(axis=0)
    top = total * right - found @ true
    u, v = total**2 - found @ found, total**2 - true @ true
    if u <= 0 or v <= 0:
        return math.nan, np.zeros_like(counts)
    by_top = right + total * np.diag(correct) - true[None, :] - found[:, None]
    by_u = 2 * (total - found)[None, :] / u
    by_v = 2 * (total - true)[:, None] / v
    value = top / math.sqrt(u) / math.sqrt(v)
    return float(value), by_top / math.sqrt(u) / math.sqrt(v) - value / 2 * (by_u + by_v)


def _matthews_error(
    counts: FloatArray, design_effect: float, last_correct: float | None = None
) -> float:
    spread = counts + SPREAD_ROWS / counts.size
    return _error(counts, _matthews(spread, last_correct)[1], design_effect)


def _error(counts: FloatArray, gradient: FloatArray, design_effect: float) -> float:
    spread = counts + SPREAD_ROWS / counts.size
    return float(np.sqrt((spread * np.square(gradient)).sum() * design_effect))


def _share(successes: float, trials: float, design_effect: float) -> Estimate:
    """Return a proportion with its interval; 0 with nothing known of it where there is no trial."""
    if not trials:
        return Estimate(0.0, 0.0, 0.0, 0)
    interval = wilson_interval(successes, trials, design_effect)
    return Estimate.of(successes / trials, interval, trials)


def _mean_interval(parts: list[Estimate]) -> tuple[float, float]:
    return mover_mean_interval(
        [part.value for part in parts],
        [part.lower for part in parts],
        [part.upper for part in parts],
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
