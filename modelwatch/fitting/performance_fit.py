"""From labelled rows to what is needed to tell a model's performance later."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.errors import DataError
from modelwatch.performance.calibration import Calibration, bin_edges_for, fit_calibration
from modelwatch.performance.dle import LossModel, fit_loss_model
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance.score_rows import check_refused, usable_rows
from modelwatch.performance_baseline import PerformanceBaseline

__all__ = ["fit_classification", "fit_regression"]

BINS = 100
"""Bins of one class's scores, besides the breakpoints of its calibration; fewer of many classes."""

MAX_BINS = 400
"""Of all classes together."""

FEWEST_BINS = 20

MAX_CALIBRATED_ROWS = 100_000
"""Rows of all classes together that calibrations are fitted on: .1 s."""

FEWEST_CALIBRATED_ROWS = 20_000
"""Of one class, where there are so many."""

DIGITS = 6
"""Decimals of a calibration's deviations, which tell a band's width, and significant ones of the
fits of a loss model without a tenth of the rows, in the document."""

POSITIVE = {frozenset({"0", "1"}): "1", frozenset({"false", "true"}): "true"}
"""The class that is meant where there are no scores to tell, by the classes."""

FloatArray = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

_logger = logging.getLogger("modelwatch")


def fit_classification(
    truth: Codes,
    found: Codes,
    scores: FloatArray,
    *,
    names: Sequence[str],
    scored: Sequence[str],
    columns: Sequence[str],
    effect: DesignEffect,
    in_order: bool,
) -> PerformanceBaseline | None:
    """Learn from a classifier's rows.

    A single score column without a class is that of the class whose rows have the higher mean
    score. Where scores cannot be used, a log record says why, and only predictions are judged.

    Args:
        truth: place of each row's label among the names, shape (n,), n of 1 or more.
        found: of its predicted class; -1 where unknown.
        scores: shape (n, columns), NaN where missing.
        names: the classes.
        scored: the class of each score column; empty where that is not told.
        columns: the score columns.
        effect: design effect of the share of right predictions.
        in_order: whether neighbouring rows are of one time; others are shuffled.

    Returns:
        None where neither predictions nor scores can be judged.
    """
    if not in_order:
        order = np.random.default_rng(0).permutation(truth.size)
        truth, found, scores = truth[order], found[order], scores[order]
    predicts = bool(np.isin(found[found >= 0], truth).any())
    if not predicts and (found >= 0).any():
        _say("no predicted class is among the labels", names)
    classes = _ranked(truth, found if predicts else truth, names, scored)
    kept: tuple[str, ...] = tuple(scored)
    edges: dict[str, FloatArray] = {}
    calibrations: dict[str, Calibration] = {}
    try:
        kept = kept or _class_of_score(truth, scores, names)
        calibrations, edges = _calibrated(truth, scores, [names.index(name) for name in kept], kept)
    except DataError as error:
        _say(str(error), names)
        kept = ()
    if not (predicts or kept):
        return None
    reference = LabelledSummary.empty(
        classes, edges or None, positive=None if kept else POSITIVE.get(frozenset(classes))
    )
    keys = np.array([*names, None], dtype=object)
    predicted = keys[found].tolist() if predicts else None
    reference.update(keys[truth].tolist(), predicted, scores if kept else None)
    return PerformanceBaseline(
        reference=reference,
        predicts=predicts,
        scores=dict(zip(kept, columns, strict=True)) if kept else {},
        calibrations=calibrations,
        effect=effect,
    )


def fit_regression(
    label: FloatArray,
    predicted: FloatArray,
    features: FloatArray,
    *,
    inputs: Sequence[str],
    effect: DesignEffect,
    in_order: bool,
) -> PerformanceBaseline:
    """Learn from a regression's rows.

    Args:
        label: the truth, finite, shape (n,), n of 1 or more.
        predicted: the prediction, likewise.
        features: numeric inputs, shape (n, inputs), NaN where missing.
        inputs: their names.
        effect: design effect of the share of large errors.
        in_order: whether neighbouring rows are of one time; others are shuffled.
    """
    if not in_order:
        order = np.random.default_rng(0).permutation(label.size)
        label, predicted, features = label[order], predicted[order], features[order]
    spread = float(label.std())
    reference = RegressionSummary(shift=float(label.mean()), scale=spread if spread > 0 else 1.0)
    reference.update(label, predicted)
    loss_model = None
    try:
        if inputs:
            loss_model = _rounded(fit_loss_model(features, predicted - label, inputs))
    except DataError as error:
        _logger.info("errors cannot be estimated without labels: %s", error)
    return PerformanceBaseline(
        reference=reference, predicts=True, loss_model=loss_model, effect=effect
    )


def _ranked(truth: Codes, found: Codes, names: Sequence[str], scored: Sequence[str]) -> list[str]:
    """Return the classes that occur or are scored, the most frequent label first."""
    counts = np.bincount(truth, minlength=len(names))
    known = {*np.unique(truth).tolist(), *np.unique(found[found >= 0]).tolist()}
    known |= {at for at, name in enumerate(names) if name in scored}
    return [names[at] for at in sorted(known, key=lambda at: (-counts[at], at))]


def _class_of_score(truth: Codes, scores: FloatArray, names: Sequence[str]) -> tuple[str, ...]:
    """Return the class of a single score column; nothing where there is no column.

    Raises:
        DataError: where labels are not of two classes.
    """
    if not scores.shape[1]:
        return ()
    present = np.unique(truth).tolist()
    if len(present) != 2:
        raise DataError(
            f"labels are of {len(present)} classes, so that it is not known of which one the score "
            "is the probability: name it with score={class: column}"
        )
    known = np.isfinite(scores[:, 0])
    means = [
        float(scores[known & (truth == at), 0].mean()) if (known & (truth == at)).any() else -np.inf
        for at in present
    ]
    at = present[int(np.argmax(means))]
    _logger.debug(
        "the score is taken for that of class %r, whose rows have the higher mean score: %s.",
        names[at],
        dict(zip([names[one] for one in present], means, strict=True)),
    )
    return (names[at],)


def _calibrated(
    truth: Codes, scores: FloatArray, places: Sequence[int], kept: Sequence[str]
) -> tuple[dict[str, Calibration], dict[str, FloatArray]]:
    """Return calibration and bin edges of each scored class.

    A class that no row is of, or all are, takes its score as it is. No calibration is returned
    where that is so of all classes.

    Raises:
        DataError: where scores are no probabilities, or labels are of none of the scored classes.
    """
    if not kept:
        return {}, {}
    refused: Counter[str] = Counter()
    usable = usable_rows(scores, refused)
    check_refused(int(usable.sum()), refused)
    if not np.isin(truth, places).any():
        raise DataError(f"no label is of the scored classes {list(kept)}")
    truth, scores = truth[usable], scores[usable]
    rows = max(MAX_CALIBRATED_ROWS // len(kept), FEWEST_CALIBRATED_ROWS)
    spread = np.unique(np.arange(rows) * truth.size // rows)
    bins = min(BINS, max(MAX_BINS // len(kept), FEWEST_BINS))
    calibrations: dict[str, Calibration] = {}
    edges: dict[str, FloatArray] = {}
    fitted = False
    for column, (place, name) in enumerate(zip(places, kept, strict=True)):
        calibration = Calibration()
        labels = truth[spread] == place
        if labels.any() and not labels.all():
            calibration = _compact(fit_calibration(scores[spread, column], labels))
            fitted = True
        calibrations[name] = calibration
        edges[name] = bin_edges_for(calibration, bins, scores=scores[:, column])
    return (calibrations if fitted else {}), edges


def _compact(calibration: Calibration) -> Calibration:
    """Keep the deviations, which tell a band's width, to some digits."""
    deviations = np.round(np.array(calibration.deviations), DIGITS).tolist()
    return replace(calibration, deviations=tuple(tuple(part) for part in deviations))


def _rounded(model: LossModel) -> LossModel:
    """Keep the fits that tell the band's width to some digits: they are most of the document."""
    size = float(np.abs(model.coefficients).max())
    decimals = DIGITS - int(np.floor(np.log10(size))) if size > 0 else DIGITS
    return replace(model, replicates=np.round(model.replicates, min(decimals, 300)))


def _say(reason: str, names: Sequence[str]) -> None:
    _logger.warning(
        "performance can be told in part only: %s (classes %s).", reason.rstrip("."), names[:10]
    )
