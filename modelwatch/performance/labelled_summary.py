"""Rows of a classifier whose truth is known, summed up for realised performance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import ConfigurationError, FormatError, ProfileMismatch
from modelwatch.performance.moments_format import moments_from_dict, moments_to_dict
from modelwatch.performance.score_cells import ScoreCells, merge_cells, read_cells
from modelwatch.performance.score_rows import (
    as_score_rows,
    check_lengths,
    class_codes,
    prediction_states,
    probability_fault,
    usable_rows,
)
from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.sketches import Moments

__all__ = ["MAX_CLASSES", "LabelledSummary"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Codes = npt.NDArray[np.intp]
Keys = Sequence[str | None]

MAX_CLASSES = 50
"""Classes that the confusion counts name; the rest is one more, `other`."""

STATES = 6
"""Predicted as the class, as another, unknown; each with the truth another or the class."""

SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)
"""Probabilities are moved this far from 0 and 1 for the log loss, as scikit-learn does."""


class LabelledSummary:
    """Confusion counts, scores by truth and bin, and moments of the rows' losses.

    Merging adds and is associative and commutative, to rounding in the sums of scores. Memory: 96
    bytes a scored class and bin (some 15 kB for one of 150 bins) and 8 bytes a pair of classes.
    Not thread-safe.

    Attributes:
        classes: the classes that are counted by name, in the order of the confusion counts.
        positive: the class whose precision, recall, ... is meant; None for macro averages.
        confusion: rows by truth (first axis) and prediction, shape (k + 1, k + 1), `other` last.
        other_correct: rows whose truth and prediction are the same class among `other`.
        cells: scores by class, in `STATES` states; empty where the model has none.
        log_loss: moments of the rows' log loss, in nats.
        brier: moments of their Brier score: (score - truth)^2, or its sum over several classes.
        rows: rows with a label.
        refused: rows without something, by reason: unlabelled; counted without their scores:
            missing, range, sum; and counted as `other`: unknown_label.

    >>> summary = LabelledSummary.empty(["no", "yes"], {"yes": np.array([0.5])})
    >>> summary.update(["yes", "no", None], ["yes", "yes", "no"], np.array([0.9, 0.6, 0.1]))
    >>> summary.rows, summary.confusion.tolist(), dict(summary.refused)
    (2, [[0, 1, 0], [0, 1, 0], [0, 0, 0]], {'unlabelled': 1})
    """

    __slots__ = (
        "brier",
        "cells",
        "classes",
        "confusion",
        "log_loss",
        "other_correct",
        "positive",
        "refused",
        "rows",
    )

    def __init__(
        self, classes: Sequence[str], cells: Mapping[str, ScoreCells], positive: str | None
    ) -> None:
        self.classes = tuple(classes)
        self.cells = dict(cells)
        self.positive = positive
        size = len(self.classes) + 1
        self.confusion: IntArray = np.zeros((size, size), np.int64)
        self.other_correct = 0
        self.log_loss = Moments()
        self.brier = Moments()
        self.rows = 0
        self.refused: Counter[str] = Counter()

    @classmethod
    def empty(
        cls,
        classes: Sequence[str],
        bin_edges: Mapping[str, FloatArray] | None = None,
        *,
        positive: str | None = None,
    ) -> LabelledSummary:
        """Return a summary of no rows.

        Args:
            classes: what labels and predictions may be, most frequent first, the scored ones among
                them; beyond `MAX_CLASSES`, those without a score are counted as `other`.
            bin_edges: of each scored class, as `bin_edges_for` makes them; None without scores.
            positive: the class whose precision, recall, ... is meant. The scored class where just
                one is scored; otherwise None means macro averages.

        Raises:
            ConfigurationError: where there is no class, or the positive or a scored one is not
                among them.
            ProfileMismatch: where edges do not increase inside (0, 1).
        """
        cells = {name: ScoreCells(edges, STATES) for name, edges in (bin_edges or {}).items()}
        if positive is None and len(cells) == 1:
            positive = next(iter(cells))
        needed = set(cells) if positive is None else {positive, *cells}
        if not classes or not needed <= set(classes):
            raise ConfigurationError(
                f"classes {list(classes)[:5]} lack {sorted(needed - set(classes))}: name one class "
                "or more, the positive and the scored ones among them."
            )
        rest = MAX_CLASSES - len(needed)
        others = [name for name in dict.fromkeys(classes) if name not in needed][: max(rest, 0)]
        named = needed | set(others)
        return cls([name for name in dict.fromkeys(classes) if name in named], cells, positive)

    @property
    def names_all(self) -> bool:
        """Whether `other` holds unknown classes alone: none was left out for lack of room."""
        return len(self.classes) < MAX_CLASSES

    @property
    def scored_rows(self) -> int:
        """Rows whose scores are counted; 0 where no class is scored."""
        return int(next(iter(self.cells.values())).counts.sum()) if self.cells else 0

    @property
    def scores_fault(self) -> str:
        """Why the scores cannot be used: too many are no probabilities; empty where they can."""
        return probability_fault(self.scored_rows, self.refused)

    @property
    def unknown_labels(self) -> int:
        """Rows whose truth is of a class that is not named."""
        return self.refused["unknown_label"]

    @property
    def unknown_predictions(self) -> int:
        """Rows whose truth is known, and whose prediction is of a class that is not named."""
        return int(self.confusion[:, -1].sum())

    def update(
        self, labels: Keys, predicted: Keys | None = None, scores: FloatArray | None = None
    ) -> None:
        """Fold in a batch.

        Args:
            labels: the true class of each row; None where unknown: such rows are `unlabelled`.
            predicted: the predicted class of each row; None where unknown.
            scores: shape (n,) for one scored class, (n, classes) otherwise; NaN where missing.

        Raises:
            ConfigurationError: where shapes or lengths do not fit.
        """
        check_lengths(len(labels), predicted=predicted, scores=scores)
        truth = class_codes(labels, self.classes, len(labels))
        found = class_codes(predicted, self.classes, len(labels))
        known = truth >= 0
        self.rows += int(known.sum())
        if not known.all():
            self.refused["unlabelled"] += int((~known).sum())
        if unnamed_labels := int((truth == len(self.classes)).sum()):
            self.refused["unknown_label"] += unnamed_labels
        if predicted is not None:
            self._count_confusion(truth, found)
            unnamed = np.minimum(truth, found) == len(self.classes)
            same = (labels[row] == predicted[row] for row in np.flatnonzero(unnamed).tolist())
            self.other_correct += sum(same)
        if scores is not None and known.any():
            rows = as_score_rows(scores, len(self.cells))
            self._count_scores(truth[known], found[known], rows[known])

    def merge(self, other: LabelledSummary) -> LabelledSummary:
        """Return the counts of both.

        Raises:
            ProfileMismatch: where classes or bins differ.
        """
        mine, theirs = (self.classes, self.positive), (other.classes, other.positive)
        if mine != theirs:
            raise ProfileMismatch(f"labelled rows of classes {mine} and {theirs} differ.")
        result = LabelledSummary(self.classes, merge_cells(self.cells, other.cells), self.positive)
        result.confusion = self.confusion + other.confusion
        result.other_correct = self.other_correct + other.other_correct
        result.log_loss = self.log_loss.merge(other.log_loss)
        result.brier = self.brier.merge(other.brier)
        result.rows = self.rows + other.rows
        result.refused = self.refused + other.refused
        return result

    def without(self, part: LabelledSummary) -> LabelledSummary:
        """Return the counts of the rest, of which `merge` with the part would give these.

        Raises:
            ProfileMismatch: where classes or bins differ, or the part has rows that these have not.
        """
        mine, theirs = (self.classes, self.positive), (part.classes, part.positive)
        if mine != theirs or tuple(self.cells) != tuple(part.cells):
            raise ProfileMismatch(f"labelled rows of classes {mine} and {theirs} differ.")
        cells = {name: one.without(part.cells[name]) for name, one in self.cells.items()}
        result = LabelledSummary(self.classes, cells, self.positive)
        result.confusion = self.confusion - part.confusion
        result.other_correct = self.other_correct - part.other_correct
        result.log_loss = self.log_loss.without(part.log_loss)
        result.brier = self.brier.without(part.brier)
        result.rows = self.rows - part.rows
        result.refused = Counter(self.refused)
        result.refused.subtract(part.refused)
        fewest = min(result.rows, result.other_correct, *result.refused.values())
        if fewest < 0 or result.confusion.min() < 0:
            raise ProfileMismatch("labelled rows cannot be taken away that were never counted.")
        result.refused = +result.refused
        return result

    def without_labels(self) -> ScoreSummary:
        """Return the scores of the rows, as if no label were known.

        Raises:
            ConfigurationError: where no class is scored.
        """
        refused = {name: self.refused[name] for name in ("missing", "range", "sum")}
        cells = {name: one.over_pairs() for name, one in self.cells.items()}
        return ScoreSummary(cells, refused)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "names": list(self.classes),
            "positive": self.positive,
            "confusion": self.confusion.ravel().tolist(),
            "other_correct": self.other_correct,
            "classes": list(self.cells),
            "cells": [cells.to_dict() for cells in self.cells.values()],
            "log_loss": moments_to_dict(self.log_loss),
            "brier": moments_to_dict(self.brier),
            "rows": self.rows,
            "refused": dict(+self.refused),
        }

    @classmethod
    def from_dict(cls, body: Body) -> LabelledSummary:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent, of a wrong type, or contradicts another.
            ProfileMismatch: where bin edges are none.
        """
        names, positive = document.texts(body, "names"), document.optional_text(body, "positive")
        cells = read_cells(body, states=STATES)
        if not {positive, *cells} - {None} <= set(names):
            document.refuse(body, "names", "a list that holds the positive and scored classes")
        counts = document.counts(body, "confusion")
        if len(counts) != (len(names) + 1) ** 2:
            document.refuse(body, "confusion", f"counts of {len(names) + 1} squared")
        result = cls(names, cells, positive)
        result.confusion = np.array(counts, np.int64).reshape(result.confusion.shape)
        result.other_correct = document.count(body, "other_correct")
        if result.other_correct > result.confusion[-1, -1]:
            raise FormatError("other_correct is above the rows of other classes")
        result.log_loss = moments_from_dict(document.object_of(body, "log_loss"))
        result.brier = moments_from_dict(document.object_of(body, "brier"))
        result.rows = document.count(body, "rows")
        result.refused = Counter(document.counters(body, "refused"))
        return result

    def _count_confusion(self, truth: Codes, found: Codes) -> None:
        size = len(self.classes) + 1
        both = (truth >= 0) & (found >= 0)
        pairs = np.bincount(truth[both] * size + found[both], minlength=size * size)
        self.confusion = self.confusion + pairs.reshape(size, size)

    def _count_scores(self, truth: Codes, found: Codes, scores: FloatArray) -> None:
        usable = usable_rows(scores, self.refused)
        scored = np.full(truth.size, -1, dtype=np.intp)
        for column, (name, cells) in enumerate(self.cells.items()):
            code = self.classes.index(name)
            is_class = truth == code
            scored[is_class] = column
            states = 2 * prediction_states(found, code) + is_class
            cells.update(scores[usable, column], states[usable])
        self._add_losses(scores[usable], scored[usable])

    def _add_losses(self, scores: FloatArray, truth: Codes) -> None:
        """Fold in the rows' losses; a truth that has no score of its own has none."""
        if scores.shape[1] == 1:
            of_truth = np.where(truth == 0, scores[:, 0], 1 - scores[:, 0])
            self.brier.update((1 - of_truth) ** 2)
        else:
            scores, truth = scores[truth >= 0], truth[truth >= 0]
            of_truth = scores[np.arange(truth.size), truth]
            self.brier.update(np.square(scores).sum(axis=1) - 2 * of_truth + 1)
        safe = np.clip(of_truth, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        self.log_loss.update(-np.log(safe))
