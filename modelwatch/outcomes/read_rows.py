"""Joined rows as a baseline reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ConfigurationError
from modelwatch.outcomes.joined_rows import JoinedRows
from modelwatch.performance.regression_summary import RegressionSummary

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline
    from modelwatch.performance_baseline import PerformanceBaseline
    from modelwatch.performance_columns import PerformanceColumns
    from modelwatch.tables.columns import CategoricalColumn, NumericColumn

__all__ = ["ReadRows", "can_be_judged", "errors_of", "judging_performance"]

FloatArray = npt.NDArray[np.float64]

THRESHOLD = 0.5
"""The score from which on a row counts as predicted to be of the scored class, where no prediction
says so."""


def can_be_judged(baseline: Baseline | None) -> bool:
    """Tell whether labels can be compared with predictions: the baseline was fitted with labels."""
    return baseline is not None and baseline.performance is not None


def judging_performance(baseline: Baseline) -> PerformanceBaseline:
    """Return what a baseline tells of performance.

    Raises:
        ConfigurationError: where that is nothing.
    """
    if baseline.performance is None:
        raise ConfigurationError(
            f"the baseline of {baseline.model!r} {baseline.version!r} knows no labels: give "
            "Baseline.fit their column by label=..., and a prediction or score."
        )
    return baseline.performance


def errors_of(rows: JoinedRows, baseline: Baseline) -> FloatArray:
    """Return the error of each row, shape (n,), for a stream of errors.

    Of a classifier, 1 where the predicted class is not the true one, 0 where it is; without
    predictions, the class is the one that the scores favour: from .5 on that of a single score. Of
    a regression, |prediction - label| in units of the standard deviation of the baseline's labels.
    NaN where either is not known.

    Args:
        rows: labels and outputs.
        baseline: one for which `can_be_judged` is true.

    Raises:
        ConfigurationError: where it is not.
    """
    return ReadRows.of(rows, baseline).errors


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadRows:
    """Labels, predictions and scores of joined rows, as a baseline's features read them.

    Attributes:
        labels: keys of classes with None where unknown, or numbers with NaN, shape (n,).
        predictions: likewise; None where there are none.
        scores: shape (n, classes); None where there are none.
        errors: of each row, shape (n,); NaN where it is not known.
        columns: all columns that the baseline knows, by name.
        read: which of them tell how well the model does.
    """

    labels: npt.NDArray[Any]
    predictions: npt.NDArray[Any] | None
    scores: FloatArray | None
    errors: FloatArray
    columns: dict[str, NumericColumn | CategoricalColumn]
    read: PerformanceColumns

    @classmethod
    def of(cls, rows: JoinedRows, baseline: Baseline) -> ReadRows:
        """Read rows.

        Raises:
            ConfigurationError: where the baseline tells nothing of performance.
        """
        performance = judging_performance(baseline)
        columns = {
            name: baseline.features[name].read(values)
            for name, values in {**rows.features, **rows.outputs}.items()
            if name in baseline.features
        }
        read = performance.columns(baseline)
        if performance.task == "regression":
            return _regression(rows, performance, columns, read)
        return _classification(rows, performance, columns, read)


def _regression(
    rows: JoinedRows,
    performance: PerformanceBaseline,
    columns: dict[str, NumericColumn | CategoricalColumn],
    read: PerformanceColumns,
) -> ReadRows:
    labels = read.label_numbers(rows.labels)
    named = () if read.prediction is None else (read.prediction,)
    found = read.numbers(columns, named)
    predictions = None if found is None else found[:, 0]
    errors = np.full(rows.rows, np.nan)
    if predictions is not None and isinstance(performance.reference, RegressionSummary):
        errors = np.abs(predictions - labels) / performance.reference.scale
    return ReadRows(
        labels=labels,
        predictions=predictions,
        scores=None,
        errors=errors,
        columns=columns,
        read=read,
    )


def _classification(
    rows: JoinedRows,
    performance: PerformanceBaseline,
    columns: dict[str, NumericColumn | CategoricalColumn],
    read: PerformanceColumns,
) -> ReadRows:
    labels = _keys(read.label_column(rows.labels).keys)
    predicted = read.predicted(columns)
    predictions = None if predicted is None else _keys(predicted)
    scores = read.numbers(columns, read.scores)
    known = _are_known(labels)
    if predictions is not None:
        known &= _are_known(predictions)
        wrong = predictions != labels
    elif scores is not None:
        known &= ~np.isnan(scores).any(axis=1)
        wrong = _favoured(scores, tuple(performance.scores)) != _kept(labels, performance)
    else:
        known = np.zeros(rows.rows, dtype=np.bool_)
        wrong = known
    return ReadRows(
        labels=labels,
        predictions=predictions,
        scores=scores,
        errors=np.where(known, wrong.astype(np.float64), np.nan),
        columns=columns,
        read=read,
    )


def _favoured(scores: FloatArray, classes: tuple[str, ...]) -> npt.NDArray[Any]:
    """Return the class that each row's scores favour; None for any but a single scored one."""
    if scores.shape[1] == 1:
        favoured = np.where(scores[:, 0] >= THRESHOLD, 0, -1)
    else:
        favoured = np.nan_to_num(scores, nan=-1.0).argmax(axis=1)
    keys: npt.NDArray[Any] = _keys([*classes, None])[favoured]
    return keys


def _kept(labels: npt.NDArray[Any], performance: PerformanceBaseline) -> npt.NDArray[Any]:
    """Return labels with None for any but the single scored class."""
    if len(performance.scores) > 1:
        return labels
    kept = labels.copy()
    kept[labels != next(iter(performance.scores))] = None
    return kept


def _keys(keys: Sequence[str | None]) -> npt.NDArray[Any]:
    found = np.empty(len(keys), dtype=object)
    found[:] = keys
    return found


def _are_known(keys: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    return np.fromiter((key is not None for key in keys), dtype=np.bool_, count=keys.size)
