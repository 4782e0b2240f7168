"""Realised performance: metrics of rows whose truth is known, with 95% intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.errors import DataError
from modelwatch.performance.calibration_error import expected_calibration_error, tenths
from modelwatch.performance.confusion import binary_estimates, macro_estimates
from modelwatch.performance.intervals import (
    Estimate,
    check_design_effect,
    log_interval,
    logit_interval,
    normal_interval,
)
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.moments_format import mean_error
from modelwatch.performance.ranking import Ranking, average_precision, roc_auc
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance.score_cells import ScoreCells
from modelwatch.sketches import Moments

__all__ = ["realized"]

FloatArray = npt.NDArray[np.float64]


def realized(
    summary: LabelledSummary | RegressionSummary, *, design_effect: float = 1.0
) -> dict[str, Estimate]:
    """Return the metrics of labelled rows with 95% intervals.

    Classification: accuracy, precision, recall, f1, specificity, balanced_accuracy, matthews, of
    the positive class or as macro averages; roc_auc, average_precision (one class against the rest,
    macro average), expected_calibration_error (over tenths of the positive class's score; of the
    predicted class's score where there are several, Guo et al., 2017), log_loss (nats), brier.
    Regression: mae, mse, rmse, r2, bias (mean of prediction - label), pinball_<level>, in the units
    of the label or their square.

    Of the positive class, each metric is that of this class against the rest: what is of no known
    class is not positive. For the accuracy such a row is right only where its prediction is the
    same class as its label; so it is for the matthews of several classes, whose unknown ones count
    as one more.

    A metric that has no meaning on the rows is left out: precision where nothing was predicted
    positive, recall and the ranking metrics where labels are of one class only, matthews where
    labels or predictions are, r2 where labels are constant, means below two rows. So is what needs
    scores where these are no probabilities: `LabelledSummary.scores_fault` says why.

    Intervals: `confusion`, `ranking` and `calibration_error` give theirs; ROC-AUC and average
    precision are symmetric in the logit, the latter with the larger of the variances of the delta
    method and of Boyd, Eng and Page (2013); means have the normal interval, mse and rmse that of
    the logarithm, r2 the delta method on the joint moments. Below some 200 rows, those of skewed
    losses are too narrow: 89% in place of 95% for the mse of 50 rows with heavy tails.

    Args:
        summary: one row or more with a label.
        design_effect: variance of these rows' means relative to independent rows'; above 0.

    Raises:
        DataError: where there is no labelled row.
        ConfigurationError: where `design_effect` is no positive number.

    >>> summary = RegressionSummary()
    >>> summary.update(np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.5, 3.0]))
    >>> found = realized(summary)["mae"]
    >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3)
    (0.667, 0.34, 0.993)
    """
    check_design_effect(design_effect)
    if not summary.rows:
        raise DataError("no row has a label: performance needs some. Record labels first.")
    if isinstance(summary, RegressionSummary):
        found = _regression(summary, design_effect)
    else:
        found = _of_predictions(summary, design_effect) | _of_scores(summary, design_effect)
    return {name: one for name, one in found.items() if one.is_finite}


def _of_predictions(summary: LabelledSummary, design_effect: float) -> dict[str, Estimate]:
    counts = summary.confusion.astype(np.float64)
    if not counts.any():
        return {}
    if summary.positive is None:
        return macro_estimates(counts, summary.other_correct, design_effect)
    at = summary.classes.index(summary.positive)
    tp = float(counts[at, at])
    fp, fn = float(counts[:, at].sum()) - tp, float(counts[at].sum()) - tp
    tn = float(counts.sum()) - tp - fp - fn
    mistaken = _mistaken(summary, at)
    return binary_estimates(tp, fp, fn, tn, design_effect, mistaken=mistaken)


def _mistaken(summary: LabelledSummary, at: int) -> float:
    """Return the rows of an unknown truth or prediction, neither the positive class nor alike.

    Where `other` may hold known classes that are too many to be named, none is unknown.
    """
    if not summary.names_all:
        return 0.0
    counts = summary.confusion
    rows = int(counts[-1].sum() + counts[:, -1].sum() - counts[-1, -1])
    return float(rows - counts[-1, at] - counts[at, -1] - summary.other_correct)


def _of_scores(summary: LabelledSummary, design_effect: float) -> dict[str, Estimate]:
    if not summary.scored_rows or summary.scores_fault:
        return {}
    areas = [_area(cells) for cells in summary.cells.values()]
    precisions = [_precision(cells) for cells in summary.cells.values()]
    return (
        _macro_ranking("roc_auc", areas, design_effect)
        | _macro_ranking("average_precision", precisions, design_effect)
        | _calibration(summary, design_effect)
        | _mean("log_loss", summary.log_loss, design_effect)
        | _mean("brier", summary.brier, design_effect)
    )


def _by_truth(values: npt.NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
    """Sum cells over what was predicted: those of the class, and the others'."""
    return values[1::2].sum(axis=0), values[0::2].sum(axis=0)


@dataclass(frozen=True, eq=False)
class _Judged:
    """A ranking metric of one class, with the counts by bin that it was made of."""

    ranking: Ranking
    positives: FloatArray
    negatives: FloatArray

    @property
    def variances(self) -> tuple[float, float]:
        """What the positives and the negatives add to its variance."""
        by_positives = (self.positives * self.ranking.by_positives**2).sum()
        by_negatives = (self.negatives * self.ranking.by_negatives**2).sum()
        return (
            float(by_positives) * _unbiased(float(self.positives.sum())),
            float(by_negatives) * _unbiased(float(self.negatives.sum())),
        )

    @property
    def rarer(self) -> float:
        """Rows of the rarer of positives and negatives, of those that there are."""
        totals = (float(self.positives.sum()), float(self.negatives.sum()))
        return min(total for total in totals if total)


def _area(cells: ScoreCells) -> _Judged | None:
    positives, negatives = _by_truth(cells.counts.astype(np.float64))
    sum_p, sum_q = _by_truth(cells.offset_sums)
    both = (positives > 0) & (negatives > 0)
    lead = np.zeros(positives.size)
    lead[both] = sum_p[both] / positives[both] - sum_q[both] / negatives[both]
    found = roc_auc(positives, negatives, lead / cells.widths)
    return None if found is None else _Judged(found, positives, negatives)


def _precision(cells: ScoreCells) -> _Judged | None:
    positives, negatives = _by_truth(cells.counts.astype(np.float64))
    found = average_precision(positives, negatives) if negatives.any() else None
    return None if found is None else _Judged(found, positives, negatives)


def _macro_ranking(
    name: str, parts: list[_Judged | None], design_effect: float
) -> dict[str, Estimate]:
    """Return the mean over the classes.

    Each row is a positive of one class only, so those parts are independent; it is a negative of
    all others, and those parts are added up as if they went together.
    """
    judged = [part for part in parts if part is not None]
    if not judged:
        return {}
    value = float(np.mean([part.ranking.value for part in judged]))
    of_positives, of_negatives = np.array([part.variances for part in judged]).T
    variance = of_positives.sum() + np.sqrt(of_negatives).sum() ** 2
    if name == "average_precision":
        variance = max(variance, sum(_binomial_variance(part) for part in judged))
    error = math.sqrt(variance * design_effect) / len(judged)
    rarest = min(part.rarer for part in judged)
    interval = logit_interval(value, error, trials=rarest, design_effect=design_effect)
    rows = judged[0].positives.sum() + judged[0].negatives.sum()
    return {name: Estimate.of(value, interval, rows)}


def _binomial_variance(part: _Judged) -> float:
    """Return the variance of average precision by Boyd, Eng and Page (2013).

    That of a share of the positives. With few positives the delta method falls short of it.
    """
    value = part.ranking.value
    return value * (1 - value) / float(part.positives.sum())


def _unbiased(total: float) -> float:
    return total / max(total - 1, 1)


def _calibration(summary: LabelledSummary, design_effect: float) -> dict[str, Estimate]:
    single = len(summary.cells) == 1
    rows, scores, truths = np.zeros(10), np.zeros(10), np.zeros(10)
    for cells in summary.cells.values():
        counts = (cells.counts if single else cells.counts[:2]).astype(np.float64)
        sums = cells.offset_sums[: counts.shape[0]] + counts * cells.lower_edges
        rows += tenths(cells.bin_edges, counts.sum(axis=0))
        scores += tenths(cells.bin_edges, sums.sum(axis=0))
        truths += tenths(cells.bin_edges, counts[1::2].sum(axis=0))
    if not rows.any():
        return {}
    found = expected_calibration_error(rows, scores, truths, design_effect)
    return {"expected_calibration_error": found}


def _mean(name: str, moments: Moments, design_effect: float) -> dict[str, Estimate]:
    if moments.n < 2:
        return {}
    interval = normal_interval(moments.mean, mean_error(moments, design_effect), lowest=0.0)
    return {name: Estimate.of(moments.mean, interval, moments.n)}


def _regression(summary: RegressionSummary, design_effect: float) -> dict[str, Estimate]:
    if summary.rows < 2:
        return {}
    means, scale, rows = summary.means, summary.scale, summary.rows
    covariance = summary.joint.m2 / (rows - 1) / rows * design_effect
    errors = dict(zip(means, np.sqrt(covariance.diagonal()).tolist(), strict=True))

    def mean(name: str, lowest: float = 0.0) -> Estimate:
        low, high = normal_interval(means[name], errors[name], lowest=lowest)
        return Estimate.of(means[name] * scale, (low * scale, high * scale), rows)

    low, high = log_interval(means["squared_error"], errors["squared_error"])
    mse, square = means["squared_error"], scale * scale
    found = {
        "mae": mean("absolute_error"),
        "mse": Estimate.of(mse * square, (low * square, high * square), rows),
        "rmse": Estimate.of(
            math.sqrt(mse) * scale, (math.sqrt(low) * scale, math.sqrt(high) * scale), rows
        ),
        "bias": mean("error", -math.inf),
    }
    names = summary.joint.names
    variance = float(summary.joint.m2[3, 3]) / rows
    if variance > 0:
        gradient = np.zeros(len(names))
        gradient[names.index("squared_error")] = -1 / variance
        gradient[names.index("label")] = -2 * means["label"] * mse / variance**2
        gradient[names.index("squared_label")] = mse / variance**2
        error = math.sqrt(max(float(gradient @ covariance @ gradient), 0.0))
        interval = normal_interval(1 - mse / variance, error, highest=1.0)
        found["r2"] = Estimate.of(1 - mse / variance, interval, rows)
    return found | {name: mean(name) for name in names if name.startswith("pinball_")}
