"""Confidence-based performance estimation: a classifier's metrics without labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ConfigurationError, ProfileMismatch
from modelwatch.performance.calibration import Calibration
from modelwatch.performance.expected_metrics import (
    PREDICTED_SHARE,
    TRUE_SHARE,
    Expected,
    Metrics,
    class_shares,
    confusion_metrics,
    loss_metrics,
    ranking_metrics,
)
from modelwatch.performance.intervals import Estimate, check_design_effect, normal_interval
from modelwatch.performance.score_cells import ScoreCells
from modelwatch.performance.score_rows import check_refused
from modelwatch.performance.score_summary import ScoreSummary

__all__ = ["estimate_classification"]

FloatArray = npt.NDArray[np.float64]

RANGES = {"matthews": (-1.0, 1.0), "log_loss": (0.0, math.inf)}
SUMMED = ("accuracy", "log_loss", "brier")
"""Metrics of several classes to which each class adds a part, the others being averages."""


def estimate_classification(
    summary: ScoreSummary,
    calibrations: Mapping[str, Calibration],
    *,
    design_effect: float = 1.0,
) -> dict[str, Estimate]:
    """Return what performance the scores promise, by metric, with 95% bands.

    Expected counts of a calibrated probability c: TP = sum of c over rows predicted as the class,
    FP = sum of 1 - c, FN = sum of c over the others, TN the rest. As c is linear within a bin, each
    sum is n * c(mean score), the same as row by row. ROC-AUC and average precision follow from the
    expected counts by bin; brier and log_loss (nats) take a bin's rows at their mean score. The
    metrics are those of `realized`, except the calibration error. Of several classes, each is taken
    against the rest and they are averaged; accuracy, brier and log_loss are sums over the classes,
    matthews follows from the sums. Each class is judged by its own score alone: where that tells
    less than all scores together, the estimate is off by as much. Without predicted classes,
    metrics that need them are left out, as is every metric without a meaning on the rows.

    The band is where the metric that the rows' labels will yield should lie: value +- 1.96 standard
    errors, whose variance is that of the labels given c, times `design_effect`, and that of the
    calibration (grouped jackknife over tenths of the baseline). Errors of several classes are added
    up as if they went together, which is on the safe side. Where a calibration was fitted on fewer
    rows than the window has, isotonic regression sorts its own rows too well, and the bands of the
    ranking metrics are too narrow: with 2,000 rows for 10,000 they held the realised metric in 76
    to 88% of windows, that of average precision under strong drift in 63 to 68%. See
    `CBPE_CONDITIONS`.

    Args:
        summary: one row or more.
        calibrations: of each of its classes; the breakpoints must be among its bin edges.
        design_effect: variance of the labels' sums relative to independent rows'; above 0.

    Raises:
        DataError: where there is no row, all scores are missing, or they are no probabilities.
        ConfigurationError: where a class has no calibration, or `design_effect` is no positive
            number.
        ProfileMismatch: where the summary's bins are not those of the calibration.

    >>> summary = ScoreSummary.empty({"yes": np.array([0.25, 0.5, 0.75])})
    >>> summary.update(np.array([0.9, 0.8, 0.3, 0.2]), ["yes", "yes", "no", "no"])
    >>> found = estimate_classification(summary, {"yes": Calibration()})
    >>> round(found["precision"].value, 12), round(found["accuracy"].value, 12)
    (0.85, 0.8)
    """
    check_design_effect(design_effect)
    check_refused(summary.rows, summary.refused)
    absent = [name for name in summary.classes if name not in calibrations]
    if absent:
        raise ConfigurationError(f"calibrations lack the classes {absent}: fit one for each.")
    metrics = [confusion_metrics, ranking_metrics, loss_metrics]
    if len(summary.cells) > 1:
        metrics.append(class_shares)
    parts = [
        _one_class(name, cells, calibrations[name], metrics, design_effect)
        for name, cells in summary.cells.items()
    ]
    found = parts[0] if len(parts) == 1 else _macro(parts)
    estimates = {name: one.estimate(name) for name, one in found.items()}
    return {name: one for name, one in estimates.items() if one.is_finite}


@dataclass(frozen=True)
class _Uncertain:
    """A metric with its variance from the labels and its values without each tenth."""

    value: float
    label_variance: float
    replicates: tuple[float, ...]
    rows: int

    @property
    def error(self) -> float:
        """The standard error: chance of the labels, and the grouped jackknife."""
        known = np.array([value for value in self.replicates if not math.isnan(value)])
        spread = float(np.square(known - known.mean()).sum()) if known.size > 1 else 0.0
        jackknife = spread * (known.size - 1) / max(known.size, 1)
        return math.sqrt(self.label_variance + jackknife)

    def estimate(self, name: str) -> Estimate:
        """Return the value with its band, within the metric's range."""
        lowest, highest = RANGES.get(name, (0.0, 1.0))
        interval = normal_interval(self.value, self.error, lowest=lowest, highest=highest)
        return Estimate.of(self.value, interval, self.rows)


def _one_class(
    name: str,
    cells: ScoreCells,
    calibration: Calibration,
    metrics: Sequence[Callable[[Expected], Metrics]],
    design_effect: float,
) -> dict[str, _Uncertain]:
    """Return the metrics of one class against the rest; later ones take the place of earlier."""
    if not np.isin(_inside(calibration.scores), cells.bin_edges).all():
        raise ProfileMismatch(
            f"scores of class {name!r} were counted on other bins than its calibration's: make the "
            "summary with bin_edges_for(calibration)."
        )
    rows, scores = cells.counts.astype(np.float64), cells.mean_scores
    lead = _lead(cells, calibration)
    chosen = Expected(rows, rows * calibration.apply(scores), scores, lead)
    others = [
        Expected(rows, rows * share, scores, lead, is_replicate=True)
        for share in calibration.replicates(scores)
    ]
    found: dict[str, _Uncertain] = {}
    for measure in metrics:
        values = measure(chosen)
        again = [measure(other) for other in others]
        for metric, (value, variance, count) in values.items():
            replicates = tuple(other.get(metric, (math.nan,))[0] for other in again)
            found[metric] = _Uncertain(value, variance * design_effect, replicates, round(count))
    return found


def _macro(parts: list[dict[str, _Uncertain]]) -> dict[str, _Uncertain]:
    """Return averages over the classes for which each metric has a meaning, or sums over all.

    Variances are those of parts that go up and down together, but for accuracy, to which each row
    adds in one class only.
    """
    found: dict[str, _Uncertain] = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        ones = [part[name] for part in parts if name in part]
        weight = 1.0 if name in SUMMED else 1 / len(ones)
        errors = np.sqrt([one.label_variance for one in ones]) * weight
        variance = np.square(errors).sum() if name == "accuracy" else errors.sum() ** 2
        values = _by_replicate(ones).sum(axis=0) * weight
        again = tuple(values[1:].tolist())
        found[name] = _Uncertain(float(values[0]), float(variance), again, ones[0].rows)
    if "recall" in found:
        found["balanced_accuracy"] = found["recall"]
    found.pop("matthews", None)
    if PREDICTED_SHARE in found:
        found |= _matthews(found["accuracy"], parts)
    return {name: one for name, one in found.items() if name not in (PREDICTED_SHARE, TRUE_SHARE)}


def _matthews(accuracy: _Uncertain, parts: list[dict[str, _Uncertain]]) -> dict[str, _Uncertain]:
    """Return Gorodkin's correlation from accuracy t, predicted shares q and true shares r.

    (t - sum q r) / sqrt((1 - sum q^2) (1 - sum r^2)); the chance of the labels in t alone counts.
    """
    q = _by_replicate([part[PREDICTED_SHARE] for part in parts])
    r = _by_replicate([part[TRUE_SHARE] for part in parts])
    spread = (1 - np.square(q).sum(axis=0)) * (1 - np.square(r).sum(axis=0))
    if np.any(spread <= 0):
        return {}
    values = (_by_replicate([accuracy])[0] - (q * r).sum(axis=0)) / np.sqrt(spread)
    variance = accuracy.label_variance / float(spread[0])
    again = tuple(values[1:].tolist())
    return {"matthews": _Uncertain(float(values[0]), variance, again, accuracy.rows)}


def _by_replicate(ones: list[_Uncertain]) -> FloatArray:
    """Return each class' value, then its replicates, shape (classes, 1 + replicates)."""
    times = max(len(one.replicates) for one in ones)
    return np.array([(one.value, *(one.replicates or (one.value,) * times)) for one in ones])


def _lead(cells: ScoreCells, calibration: Calibration) -> FloatArray:
    """Return by how much positives should score above negatives within each bin, in bin widths.

    Slope * variance of the scores / (p (1 - p)), the variance being that of evenly spread scores,
    but at most what their mean allows: 0 where all lie on the bin's edge.
    """
    widths, rows = cells.widths, cells.counts.sum(axis=0)
    mean = cells.offset_sums.sum(axis=0) / np.maximum(rows, 1) / widths
    share = calibration.apply(cells.lower_edges + mean * widths)
    rise = np.diff(calibration.apply(np.append(cells.lower_edges, 1.0)))
    variance = np.minimum(1 / 12, np.maximum(mean * (1 - mean), 0.0))
    mixed = share * (1 - share)
    lead = np.divide(rise * variance, mixed, out=np.zeros_like(mixed), where=mixed > 0)
    return np.asarray(lead, dtype=np.float64)


def _inside(scores: tuple[float, ...]) -> FloatArray:
    return np.array([score for score in scores if 0 < score < 1], dtype=np.float64)
