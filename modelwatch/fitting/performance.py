"""How well the model does on the baseline's labelled rows, gathered in the second pass.

Labels never make a fit fail: where they cannot be used, a log record says why, and the baseline
tells nothing of performance.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline
from modelwatch.comparisons.blocks import SMALLEST_BLOCK
from modelwatch.comparisons.design_effect import DesignEffect, fit_effect_of_counts
from modelwatch.fitting.batch import Batch
from modelwatch.fitting.block_counts import BlockCounts, block_stretches
from modelwatch.fitting.errors import ErrorRows
from modelwatch.fitting.even_rows import EvenRows
from modelwatch.fitting.order import Classes
from modelwatch.fitting.performance_fit import fit_classification, fit_regression
from modelwatch.performance.error_cells import ErrorCells, FeatureCells
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance_baseline import PerformanceBaseline
from modelwatch.performance_columns import PerformanceColumns
from modelwatch.tables.columns import (
    CategoricalColumn,
    NumericColumn,
    categorical_column,
    numeric_column,
)

__all__ = ["LabelledRows", "labelled_rows"]

MAX_ROWS = 200_000
"""Labelled rows that are kept, evenly spread over time."""

MAX_NUMBERS = 8_000_000
"""Numbers that are kept of them, 64 MB: of wide rows fewer."""

MAX_INPUTS = 100
"""Numeric inputs that a loss model may choose from, in the baseline's order."""

MAX_BLOCKS = 1_000_000
"""Blocks of 50 rows in which right predictions are counted; two bytes each."""

MAX_LABELS = 10_000
"""Different labels, from which on they are no classes: further ones count as one."""

FURTHER = "__other__"

_logger = logging.getLogger("modelwatch")

FloatArray = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


class LabelledRows(Protocol):
    """A `Summary` that knows in the end how well the model does."""

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""

    def performance(self) -> PerformanceBaseline | None:
        """Return what the labelled rows tell; None where they tell nothing."""

    def errors(
        self, performance: PerformanceBaseline, features: Sequence[FeatureCells]
    ) -> ErrorCells | None:
        """Return where the model errs, by the cells of features; None where that is not told."""


def labelled_rows(
    baseline: Baseline, rows: int, *, in_time_order: bool | None
) -> LabelledRows | None:
    """Return what gathers the labelled rows of a baseline that is being fitted.

    Args:
        baseline: its features and roles are known.
        rows: rows of all the data.
        in_time_order: whether they are; None where it may be so.

    Returns:
        None where there is no label, or neither prediction nor score.
    """
    score = baseline.score
    named = dict(score) if isinstance(score, Mapping) else {}
    columns = (score,) if isinstance(score, str) else tuple(named.values())
    prediction = baseline.features[baseline.prediction] if baseline.prediction else None
    if baseline.label is None or (prediction is None and not columns):
        return None
    order = _Order(rows, in_time_order)
    if columns or (prediction is not None and prediction.kind == "categorical"):
        classed = prediction is not None and prediction.kind == "categorical"
        read = PerformanceColumns(
            task="classification",
            prediction=baseline.prediction if classed else None,
            scores=columns,
            aliases=prediction.limits.aliases if prediction is not None and classed else {},
        )
        return _ClassifiedRows(
            baseline.label, read, tuple(named), order, ErrorRows(baseline, rows, None)
        )
    inputs = [name for name in baseline.inputs if baseline.features[name].kind != "categorical"]
    read = PerformanceColumns(
        task="regression", prediction=baseline.prediction, inputs=tuple(inputs[:MAX_INPUTS])
    )
    return _PredictedRows(
        baseline.label, read, order, ErrorRows(baseline, rows, baseline.prediction)
    )


class _Order:
    """How much the share of right predictions varies between blocks of neighbouring rows."""

    def __init__(self, rows: int, in_time_order: bool | None) -> None:
        self.in_time_order = in_time_order
        self._counts = BlockCounts(block_stretches(rows, MAX_BLOCKS), 2)
        self._classes = Classes()

    def update(self, start: int, codes: Codes) -> None:
        """Count rows: 0 or 1, -1 where it is not known."""
        if self.in_time_order is None:
            self._classes.update(codes)
        if self.in_time_order is not False:
            self._counts.update(start, codes)

    @property
    def is_known(self) -> bool:
        """Whether neighbouring rows are of one time, as far as can be told."""
        if self.in_time_order is None:
            return not self._classes.are_grouped
        return self.in_time_order

    @property
    def effect(self) -> DesignEffect:
        if not self.is_known or self._counts.totals.sum() < SMALLEST_BLOCK:
            return DesignEffect()
        return fit_effect_of_counts(self._counts.counts.astype(np.int64), self._counts.totals)


class _ClassifiedRows:
    """Rows of a classifier: codes of label and predicted class, and scores."""

    def __init__(
        self,
        label: str,
        read: PerformanceColumns,
        scored: Sequence[str],
        order: _Order,
        error_rows: ErrorRows,
    ) -> None:
        self._label, self._read, self._order = label, read, order
        self._error_rows = error_rows
        self._predicted = False
        self._scored = tuple(read.aliases.get(name, name) for name in scored)
        self._places: dict[str, int] = {name: at for at, name in enumerate(self._scored)}
        width = 2 + len(read.scores)
        self._rows = EvenRows(width, min(MAX_ROWS, MAX_NUMBERS // width))
        self._labelled: set[int] = set()

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        names = [name for name in (self._read.prediction, *self._read.scores) if name is not None]
        columns = {name: batch.column(name) for name in names}
        truth = self._codes(categorical_column(batch.raw[self._label], aliases=self._read.aliases))
        found = np.full(batch.rows, -1, dtype=np.intp)
        if self._read.prediction is not None:
            predicted = columns[self._read.prediction]
            if isinstance(predicted, CategoricalColumn):
                found = self._codes(predicted)
        scores = self._read.numbers(columns, self._read.scores)
        if scores is None:
            scores = np.full((batch.rows, len(self._read.scores)), np.nan)
        right = self._right(truth, found, scores)
        self._order.update(batch.start, right)
        self._error_rows.update(batch, np.where(right < 0, np.nan, 1.0 - right))
        self._predicted |= bool((found >= 0).any())
        known = truth >= 0
        self._labelled.update(np.unique(truth[known]).tolist())
        self._rows.update(np.column_stack([truth, found, scores])[known])

    def performance(self) -> PerformanceBaseline | None:
        """Return what the labelled rows tell."""
        rows = self._rows.values
        if not rows.shape[0]:
            _say(self._label, "has no value in any row")
            return None
        self._name_absent_classes()
        return fit_classification(
            rows[:, 0].astype(np.intp),
            rows[:, 1].astype(np.intp),
            rows[:, 2:],
            names=list(self._places),
            scored=self._scored,
            columns=self._read.scores,
            effect=self._order.effect,
            in_order=self._order.is_known,
        )

    def errors(
        self, performance: PerformanceBaseline, features: Sequence[FeatureCells]
    ) -> ErrorCells | None:
        """Return where the model errs, by the cells of features.

        None where predictions are there and cannot be judged, so that scores are.
        """
        if self._predicted and not performance.predicts:
            return None
        scored = next(iter(performance.scores), None)
        is_single = not self._predicted and len(performance.scores) == 1
        is_inverted = is_single and scored is not None and self._places.get(scored, 0) != 0
        return self._error_rows.cells(features, is_inverted=is_inverted)

    def _name_absent_classes(self) -> None:
        """Say which scored classes no row is of: a class may be rare, or its name be wrong."""
        absent = [name for name in self._scored if self._places[name] not in self._labelled]
        if absent:
            _logger.warning(
                "score names %s, which no row of the label column %r is of: name the classes as "
                "the labels do, in Baseline.fit(score={class: column}).",
                absent,
                self._label,
            )

    def _codes(self, column: CategoricalColumn) -> Codes:
        for key in column.counts:
            if key not in self._places:
                name = key if len(self._places) < MAX_LABELS else FURTHER
                self._places.setdefault(name, len(self._places))
        return column.codes(self._places, self._places.get(FURTHER, -1))

    def _right(self, truth: Codes, found: Codes, scores: FloatArray) -> Codes:
        """Tell which rows are right: 1 or 0, -1 where it is not known.

        Without predictions, by the class that scores favour. Of a single score whose class is not
        known yet this may be the other way round, which blocks vary by just as much.
        """
        known = truth >= 0
        if (found >= 0).any():
            known &= found >= 0
        elif scores.shape[1] > 1:
            found = np.nan_to_num(scores, nan=-1.0).argmax(axis=1)
        elif scores.shape[1]:
            known &= ~np.isnan(scores[:, 0])
            truth, found = (truth == 0).astype(np.intp), (scores[:, 0] >= 0.5).astype(np.intp)
        return np.where(known, truth == found, -1).astype(np.intp)


class _PredictedRows:
    """Rows of a regression: label, prediction and numeric inputs."""

    def __init__(
        self, label: str, read: PerformanceColumns, order: _Order, error_rows: ErrorRows
    ) -> None:
        self._label, self._read, self._order = label, read, order
        self._error_rows = error_rows
        width = 2 + len(read.inputs)
        self._rows = EvenRows(width, min(MAX_ROWS, MAX_NUMBERS // width))
        self._middle: float | None = None

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        names = [name for name in (self._read.prediction, *self._read.inputs) if name is not None]
        columns = {name: batch.column(name) for name in names}
        predicted = columns[names[0]]
        if not isinstance(predicted, NumericColumn):
            return
        label = numeric_column(batch.raw[self._label]).values
        inputs = self._read.numbers(columns, self._read.inputs)
        error = np.abs(predicted.values - label)
        self._error_rows.update(batch, error)
        known = ~np.isnan(error)
        if self._middle is None and known.any():
            self._middle = float(np.median(error[known]))
        large = error > (self._middle or 0.0)
        self._order.update(batch.start, np.where(known, large, -1).astype(np.intp))
        parts = [label, predicted.values, *([] if inputs is None else [inputs])]
        self._rows.update(np.column_stack(parts)[known])

    def performance(self) -> PerformanceBaseline | None:
        """Return what the labelled rows tell."""
        rows = self._rows.values
        if not rows.shape[0]:
            _say(self._label, "has no number in any row with a prediction")
            return None
        return fit_regression(
            rows[:, 0],
            rows[:, 1],
            rows[:, 2:],
            inputs=self._read.inputs,
            effect=self._order.effect,
            in_order=self._order.is_known,
        )

    def errors(
        self, performance: PerformanceBaseline, features: Sequence[FeatureCells]
    ) -> ErrorCells | None:
        """Return where the model errs, by the cells of features."""
        reference = performance.reference
        scale = reference.scale if isinstance(reference, RegressionSummary) else 1.0
        return self._error_rows.cells(features, scale=scale)


def _say(label: str, reason: str) -> None:
    _logger.warning(
        "the label column %r %s: the baseline tells nothing of the model's performance. Give "
        "Baseline.fit labels of the same kind as predictions and scores.",
        label,
        reason,
    )
