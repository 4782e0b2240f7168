"""Errors before and after, along the bins of a score or of a feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from modelwatch.performance.calibration_error import tenths
from modelwatch.performance.error_cells import ErrorCells, FeatureCells
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.score_cells import ScoreCells

if TYPE_CHECKING:
    from modelwatch.outcomes.outcome_summary import OutcomeSummary

__all__ = ["AxisKind", "ErrorAxis", "feature_axes", "score_axes"]

FloatArray = npt.NDArray[np.float64]
AxisKind = Literal["score", "feature", "prediction"]

TENTHS: Final = tuple(at / 10 for at in range(1, 10))

CLASS_MISSED, OTHER_TAKEN = 3, 0
"""States of `LabelledSummary`'s cells: predicted as another, and is the class; and the reverse."""

UNKNOWN_OTHER, UNKNOWN_CLASS = 4, 5
"""Of rows whose prediction is not known: another, and the class."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorAxis:
    """Rows and mean errors in the bins of one column, before and after. Arrays have shape (bins,).

    Attributes:
        kind: what the column is.
        name: its name.
        is_rate: whether errors are 0 or 1.
        rows_before: rows of each bin.
        rows_after: likewise.
        before: mean error of each bin; 0.0 where it is empty.
        after: likewise.
        variance_before: variance of the errors in each bin.
        variance_after: likewise.
        cells: what the bins are.
    """

    kind: AxisKind
    name: str
    is_rate: bool
    rows_before: FloatArray
    rows_after: FloatArray
    before: FloatArray
    after: FloatArray
    variance_before: FloatArray
    variance_after: FloatArray
    cells: FeatureCells

    def joins(self, place: int) -> bool:
        """Tell whether a bin continues the one before it: numbers do, categories do not."""
        return self.cells.categories is None and place <= len(self.cells.bin_edges)

    def words(self, start: int, stop: int) -> str:
        """Say which values lie in the bins from one up to, and without, another."""
        cells = self.cells
        if start == cells.size - 1:
            return "is missing"
        if cells.categories is not None:
            named = start < len(cells.categories)
            return f"is {cells.categories[start]!r}" if named else "is any other"
        edges = cells.bin_edges
        low = f"{edges[start - 1]:.4g}" if start > 0 else ""
        high = f"{edges[stop - 1]:.4g}" if stop <= len(edges) else ""
        if low and high:
            return f"is {low} to {high}"
        if not (low or high):
            return "is any number"
        return f"is above {low}" if low else f"is up to {high}"


def score_axes(after: OutcomeSummary, before: OutcomeSummary | None) -> list[ErrorAxis]:
    """Return an axis for each scored class, by tenths of its score.

    An error of a class is a row that is predicted as the class and is another, or the reverse.
    Where the prediction is not known, it is the class from a score of .5 on.

    Args:
        after: labelled rows.
        before: those they are compared with; the baseline's where None.
    """
    performance = after.baseline.performance
    if performance is None:
        return []
    old = performance.reference if before is None else before.labelled
    new = after.labelled
    if not isinstance(old, LabelledSummary) or not isinstance(new, LabelledSummary):
        return []
    found = []
    for name, column in performance.scores.items():
        n0, e0 = _of_tenths(old.cells[name])
        n1, e1 = _of_tenths(new.cells[name])
        cells = FeatureCells(name=column, bin_edges=TENTHS)
        found.append(_axis("score", cells, (n0, e0, e0 * (1 - e0)), (n1, e1, e1 * (1 - e1)), True))
    return found


def feature_axes(after: OutcomeSummary, before: OutcomeSummary | None) -> list[ErrorAxis]:
    """Return an axis for each feature that was captured on both sides, and for predicted numbers.

    Args:
        after: labelled rows.
        before: those they are compared with; the baseline's where None, as far as it has them.
    """
    performance = after.baseline.performance
    if performance is None:
        return []
    old = performance.errors if before is None else before.errors
    if old is None:
        return []
    known = set(old.names)
    is_rate = performance.task == "classification"
    found = []
    for name in after.errors.names:
        if name in known:
            kind: AxisKind = "prediction" if name == after.baseline.prediction else "feature"
            cells = after.errors.cells_of(name)
            found.append(_axis(kind, cells, _of(old, name), _of(after.errors, name), is_rate))
    return found


def _axis(
    kind: AxisKind,
    cells: FeatureCells,
    before: tuple[FloatArray, FloatArray, FloatArray],
    after: tuple[FloatArray, FloatArray, FloatArray],
    is_rate: bool,
) -> ErrorAxis:
    return ErrorAxis(
        kind=kind,
        name=cells.name,
        is_rate=is_rate,
        rows_before=before[0],
        rows_after=after[0],
        before=before[1],
        after=after[1],
        variance_before=before[2],
        variance_after=after[2],
        cells=cells,
    )


def _of(errors: ErrorCells, name: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    return errors.rows(name).astype(np.float64), errors.means(name), errors.variances(name)


def _of_tenths(cells: ScoreCells) -> tuple[FloatArray, FloatArray]:
    """Return rows and error rate by tenth, and none that is missing, shapes (11,)."""
    counts = cells.counts.astype(np.float64)
    wrong = counts[CLASS_MISSED] + counts[OTHER_TAKEN]
    is_low = cells.lower_edges < 0.5
    wrong = wrong + np.where(is_low, counts[UNKNOWN_CLASS], counts[UNKNOWN_OTHER])
    rows = np.append(tenths(cells.bin_edges, counts.sum(axis=0)), 0.0)
    errors = np.append(tenths(cells.bin_edges, wrong), 0.0)
    return rows, errors / np.maximum(rows, 1.0)
