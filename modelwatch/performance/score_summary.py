"""Scores of rows without labels, summed up for label-free estimates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import ConfigurationError, FormatError
from modelwatch.performance.score_cells import ScoreCells, merge_cells, read_cells
from modelwatch.performance.score_rows import (
    as_score_rows,
    check_lengths,
    class_codes,
    prediction_states,
    usable_rows,
)

__all__ = ["ScoreSummary"]

FloatArray = npt.NDArray[np.float64]

STATES = 3
"""Predicted as the class, as another, unknown."""


class ScoreSummary:
    """Counts and sums of scores, by class, by whether it was the predicted one, and by bin.

    A binary model has one scored class, the positive one; any other has all of its classes.
    Merging adds and is associative and commutative. Memory: 48 bytes a class and bin, some 8 kB at
    150 bins. Not thread-safe.

    Args:
        cells: three states a class: `PREDICTED`, `NOT_PREDICTED`, `UNKNOWN`.
        refused: rows that were not counted, by reason: missing, range, sum.

    >>> summary = ScoreSummary.empty({"yes": np.array([0.5])})
    >>> summary.update(np.array([0.9, 0.2, np.nan]), ["yes", "no", "no"])
    >>> summary.rows, summary.cells["yes"].counts.tolist(), dict(summary.refused)
    (2, [[0, 1], [1, 0], [0, 0]], {'missing': 1})
    """

    __slots__ = ("cells", "refused")

    def __init__(
        self, cells: Mapping[str, ScoreCells], refused: Mapping[str, int] | None = None
    ) -> None:
        if not cells:
            raise ConfigurationError("a ScoreSummary needs the bin edges of one class or more.")
        self.cells = dict(cells)
        self.refused: Counter[str] = Counter(refused or {})

    @classmethod
    def empty(cls, bin_edges: Mapping[str, FloatArray]) -> ScoreSummary:
        """Return a summary of no rows.

        Args:
            bin_edges: of each scored class, as `bin_edges_for` makes them.

        Raises:
            ConfigurationError: where there is no class.
            ProfileMismatch: where the edges do not increase inside (0, 1).
        """
        return cls({name: ScoreCells(edges, STATES) for name, edges in bin_edges.items()})

    @property
    def classes(self) -> tuple[str, ...]:
        """The scored classes, in the order of the columns."""
        return tuple(self.cells)

    @property
    def rows(self) -> int:
        """Rows counted."""
        return int(next(iter(self.cells.values())).counts.sum())

    def update(self, scores: FloatArray, predicted: Sequence[str | None] | None = None) -> None:
        """Fold in a batch.

        Rows with a NaN, a score outside [0, 1], or scores of several classes that do not sum to
        1 +- `SUM_TOLERANCE`, are counted in `refused` and nowhere else.

        Args:
            scores: shape (n,) for one class, (n, classes) otherwise; NaN where missing.
            predicted: the predicted class of each row; None where unknown.

        Raises:
            ConfigurationError: where shapes or lengths do not fit.
        """
        rows = as_score_rows(scores, len(self.cells))
        check_lengths(rows.shape[0], predicted=predicted)
        if not rows.shape[0]:
            return
        usable = usable_rows(rows, self.refused)
        found = class_codes(predicted, self.classes, rows.shape[0])
        for column, cells in enumerate(self.cells.values()):
            states = prediction_states(found, column)
            cells.update(rows[usable, column], states[usable])

    def merge(self, other: ScoreSummary) -> ScoreSummary:
        """Return the counts of both.

        Raises:
            ProfileMismatch: where classes or bins differ.
        """
        return ScoreSummary(merge_cells(self.cells, other.cells), self.refused + other.refused)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "classes": list(self.cells),
            "cells": [cells.to_dict() for cells in self.cells.values()],
            "refused": dict(+self.refused),
        }

    @classmethod
    def from_dict(cls, body: Body) -> ScoreSummary:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent, of a wrong type, or contradicts another.
            ProfileMismatch: where bin edges are none.
        """
        cells = read_cells(body, states=STATES)
        if not cells:
            document.refuse(body, "classes", "one class or more")
        result = cls(cells, document.counters(body, "refused"))
        if any(int(one.counts.sum()) != result.rows for one in cells.values()):
            raise FormatError("its classes have different numbers of rows")
        return result
