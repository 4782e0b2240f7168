"""Which columns tell how well a model does, and how their rows are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ProfileMismatch
from modelwatch.performance.error_cells import FeatureCells
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.quadratic_moments import QuadraticMoments
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.tables.columns import (
    CategoricalColumn,
    NumericColumn,
    categorical_column,
    numeric_column,
)
from modelwatch.tables.compact_columns import RawColumn

__all__ = [
    "PerformanceColumns",
    "PerformanceParts",
    "Task",
    "labels_together",
    "merged",
    "merged_labels",
]

Task = Literal["classification", "regression"]
Column = NumericColumn | CategoricalColumn
Keys = list[str | None]
FloatArray = npt.NDArray[np.float64]


class Mergeable(Protocol):
    """A summary of some rows."""

    def merge(self, other: Self, /) -> Self:
        """Return the summary of both."""


Part = TypeVar("Part", bound=Mergeable)


def merged(mine: Part | None, theirs: Part | None) -> Part | None:
    """Return both merged, or the one that is there.

    Raises:
        ProfileMismatch: where they do not describe the same.
    """
    if mine is None or theirs is None:
        return mine if theirs is None else theirs
    return mine.merge(theirs)


def merged_labels(
    mine: LabelledSummary | RegressionSummary | None,
    theirs: LabelledSummary | RegressionSummary | None,
) -> LabelledSummary | RegressionSummary | None:
    """Return both merged, or the one that is there.

    Raises:
        ProfileMismatch: where they do not describe the same.
    """
    if mine is None or theirs is None:
        return mine if theirs is None else theirs
    return labels_together(mine, theirs)


def labels_together(
    mine: LabelledSummary | RegressionSummary, theirs: LabelledSummary | RegressionSummary
) -> LabelledSummary | RegressionSummary:
    """Return both merged.

    Raises:
        ProfileMismatch: where they do not describe the same.
    """
    if isinstance(mine, LabelledSummary) and isinstance(theirs, LabelledSummary):
        return mine.merge(theirs)
    if isinstance(mine, RegressionSummary) and isinstance(theirs, RegressionSummary):
        return mine.merge(theirs)
    raise ProfileMismatch("labelled rows of a classification and of a regression differ.")


class PerformanceParts(Protocol):
    """What is kept of a window's performance; None where the model has no use for it."""

    scores: ScoreSummary | None
    labelled: LabelledSummary | RegressionSummary | None
    quadratic: QuadraticMoments | None


@dataclass(frozen=True, kw_only=True)
class PerformanceColumns:
    """The columns of one model. Immutable and thread-safe.

    Attributes:
        task: whether classes or numbers are predicted.
        prediction: the column with the predicted class or number, or None.
        scores: the columns with the scores, in the order of the scored classes.
        inputs: the numeric inputs of which the size of errors depends, in their order.
        aliases: keys of labels that stand for others, as "1" may for "true".
    """

    task: Task
    prediction: str | None
    scores: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def update(
        self,
        parts: PerformanceParts,
        columns: Mapping[str, Column],
        label: RawColumn | None = None,
    ) -> None:
        """Fold in one batch of rows.

        Args:
            parts: what is updated.
            columns: as their features read them, of one length; those that are not there make the
                parts that need them stay as they are.
            label: the truth of each row, raw; None where it is not known.
        """
        if self.task == "regression":
            self._update_regression(parts, columns, label)
        else:
            self._update_classification(parts, columns, label)

    def predicted(self, columns: Mapping[str, Column]) -> Keys | None:
        """Return the predicted class of each row; None where it is not told."""
        column = columns.get(self.prediction) if self.prediction is not None else None
        return column.keys if isinstance(column, CategoricalColumn) else None

    def numbers(self, columns: Mapping[str, Column], names: tuple[str, ...]) -> FloatArray | None:
        """Return numeric columns, shape (n, names); None where one is not there."""
        found = [columns.get(name) for name in names]
        values = [column.values for column in found if isinstance(column, NumericColumn)]
        return np.column_stack(values) if values and len(values) == len(names) else None

    def label_column(self, label: RawColumn) -> CategoricalColumn:
        """Read the truth as classes."""
        return categorical_column(label, aliases=self.aliases)

    def label_numbers(self, label: RawColumn) -> FloatArray:
        """Read the truth as numbers, shape (n,); NaN where it is none."""
        return numeric_column(label).values

    def cell_codes(self, column: Column, cells: FeatureCells) -> npt.NDArray[np.intp]:
        """Return the cell of each row's value of a feature, shape (n,)."""
        if isinstance(column, NumericColumn):
            return cells.of_numbers(column.values)
        places = {name: place for place, name in enumerate(cells.categories or ())}
        return cells.of_codes(column.codes(places, len(places)))

    def _update_classification(
        self, parts: PerformanceParts, columns: Mapping[str, Column], label: RawColumn | None
    ) -> None:
        scores = self.numbers(columns, self.scores)
        predicted = self.predicted(columns)
        if parts.scores is not None and scores is not None:
            parts.scores.update(scores, predicted)
        if isinstance(parts.labelled, LabelledSummary) and label is not None:
            if scores is None and predicted is None:
                return
            used = scores if parts.labelled.cells else None
            parts.labelled.update(self.label_column(label).keys, predicted, used)

    def _update_regression(
        self, parts: PerformanceParts, columns: Mapping[str, Column], label: RawColumn | None
    ) -> None:
        predicted = columns.get(self.prediction) if self.prediction is not None else None
        if not isinstance(predicted, NumericColumn):
            return
        inputs = self.numbers(columns, self.inputs)
        if parts.quadratic is not None and inputs is not None:
            parts.quadratic.update(inputs)
        if isinstance(parts.labelled, RegressionSummary) and label is not None:
            parts.labelled.update(numeric_column(label).values, predicted.values)
