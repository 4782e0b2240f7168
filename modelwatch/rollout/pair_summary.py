"""What two versions of a model make of the same things: do they agree, and which one is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import FormatError, ProfileMismatch
from modelwatch.performance.labelled_summary import MAX_CLASSES
from modelwatch.performance.moments_format import joint_from_dict, joint_to_dict
from modelwatch.performance.score_rows import class_codes
from modelwatch.rollout.pair_losses import (
    CLASS_LOSSES,
    NUMBER_LOSSES,
    loss_columns,
    number_losses,
    score_losses,
)
from modelwatch.rollout.pair_rows import PairRows
from modelwatch.rollout.paired_difference import PairedDifference
from modelwatch.rollout.version_outputs import VersionOutputs
from modelwatch.sketches import JointMoments
from modelwatch.tables.columns import numeric_column

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline

__all__ = ["PairSummary"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Keys = Sequence[str | None]

FORMAT: Final = "modelwatch-pairs"
FORMAT_VERSION: Final = 1

LARGEST_BYTES: Final = 16_000_000
"""Of a summary's JSON: a damaged one must not fill the memory."""

PREDICTION: Final = "prediction"
"""What predicted numbers are called among the values; a score is called as its class."""

VALUES: Final = ("first", "second", "absolute_difference")


class PairSummary:
    """Pairs of predictions under the same ids, summed up so that parts merge. Not thread-safe.

    A pair is counted once when both predictions are there, by `update`, together with its label
    where that is known by then; a label that comes later is counted by `update_labels`. A label
    that was wrong is taken back by `remove_labels`, with the label it had been counted with.
    Memory: under 1 kB, and 8 bytes a pair of classes.

    Attributes:
        first: how outputs of the one version are read.
        second: of the other.
        rows: pairs.
        agreement: pairs by the class that the first (axis 0) and the second version predict, shape
            (classes + 1, classes + 1), all other classes last; of no class in a regression.
        other_agreed: pairs where both predict the same one of the other classes.
        values: moments of each scored class's scores, or of the predicted numbers: of the first,
            the second and their absolute difference, about the shift and in the scale of `first`.
        labelled: pairs whose label and both predictions are known; of classes only.
        correct: of these, rows by whether the first is right (axis 0) and the second is (axis 1).
        losses: moments of `loss_names` of the first, then of the second, in units of the scale.
    """

    __slots__ = (
        "agreement",
        "correct",
        "first",
        "losses",
        "other_agreed",
        "rows",
        "second",
        "values",
    )

    def __init__(self, first: VersionOutputs, second: VersionOutputs) -> None:
        if first.task != second.task:
            raise ProfileMismatch(
                f"one version does {first.task}, the other {second.task}: what they predict cannot "
                "be compared."
            )
        self.first = first
        self.second = second.renamed(first.aliases)
        self.rows = 0
        size = len(self.classes) + 1
        self.agreement: IntArray = np.zeros((size, size), np.int64)
        self.other_agreed = 0
        self.values = {name: JointMoments(VALUES, np.zeros(3)) for name in self.value_names}
        self.correct: IntArray = np.zeros((2, 2), np.int64)
        terms = [f"{side}_{name}" for side in VALUES[:2] for name in self.loss_names]
        self.losses = JointMoments(terms, np.zeros(len(terms)))

    @classmethod
    def empty(cls, first: Baseline | None, second: Baseline | None) -> PairSummary | None:
        """Return a summary of no pairs of two versions, in their order.

        A version without a baseline, or whose baseline had no labels, is read as the other one.

        Returns:
            None where no baseline tells what is predicted, or the versions do different tasks.
        """
        known = [one for one in (first, second) if one is not None]
        labelled = any(one.performance is not None for one in known)
        read = [
            None
            if one is None or (labelled and one.performance is None)
            else VersionOutputs.of(one)
            for one in (first, second)
        ]
        mine, theirs = read[0] or read[1], read[1] or read[0]
        if mine is None or theirs is None or mine.task != theirs.task:
            return None
        return cls(mine, theirs)

    @property
    def task(self) -> str:
        """Whether classes or numbers are predicted: classification or regression."""
        return self.first.task

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that are told apart, of both versions, `MAX_CLASSES` at most."""
        both = dict.fromkeys([*self.first.classes, *self.second.classes])
        return tuple(both)[:MAX_CLASSES]

    @property
    def value_names(self) -> tuple[str, ...]:
        """The classes that both versions score; or what predicted numbers are called."""
        if self.task == "regression":
            return (PREDICTION,)
        return tuple(name for name in self.first.scores if name in self.second.scores)

    @property
    def loss_names(self) -> tuple[str, ...]:
        """The losses that both versions have."""
        if self.task == "regression":
            return NUMBER_LOSSES
        same = set(self.first.scores) == set(self.second.scores)
        return CLASS_LOSSES if same and self.first.scores else ()

    @property
    def labelled(self) -> int:
        """Pairs whose label and both predicted classes are known."""
        return int(self.correct.sum())

    @property
    def predicted(self) -> int:
        """Pairs of which both predicted classes are known."""
        return int(self.agreement.sum())

    @property
    def agreed(self) -> int:
        """Pairs of which both predicted classes are the same."""
        return int(self.agreement[:-1, :-1].trace()) + self.other_agreed

    def update(self, rows: PairRows) -> None:
        """Fold in pairs, with their labels where these are known."""
        self._count(rows, 1)
        self.update_labels(rows)

    def update_labels(self, rows: PairRows) -> None:
        """Fold in the labels of pairs that were counted without."""
        self._count_labels(rows, 1)

    def remove(self, rows: PairRows) -> None:
        """Take back what `update` folded in: exact for counts, to rounding for moments."""
        self._count(rows, -1)
        self.remove_labels(rows)

    def remove_labels(self, rows: PairRows) -> None:
        """Take back the labels of pairs, which stay."""
        self._count_labels(rows, -1)

    def merge(self, other: PairSummary) -> PairSummary:
        """Return the pairs of both.

        Raises:
            ProfileMismatch: where outputs are read in different ways.
        """
        if (self.first, self.second) != (other.first, other.second):
            raise ProfileMismatch("pairs that were read by different baselines cannot be merged.")
        result = PairSummary(self.first, self.second)
        result.rows = self.rows + other.rows
        result.agreement = self.agreement + other.agreement
        result.other_agreed = self.other_agreed + other.other_agreed
        result.values = {name: one.merge(other.values[name]) for name, one in self.values.items()}
        result.correct = self.correct + other.correct
        result.losses = self.losses.merge(other.losses)
        return result

    def correct_difference(self) -> PairedDifference:
        """Return how much more often the second version is right than the first."""
        only_first, only_second = int(self.correct[1, 0]), int(self.correct[0, 1])
        return PairedDifference.of_counts(self.labelled, only_first, only_second)

    def loss_difference(self, name: str) -> PairedDifference:
        """Return how much larger the second version's loss is than the first's.

        Args:
            name: one of `loss_names`; errors are in the units of the label, or their square.
        """
        at = self.loss_names.index(name)
        unit = self.first.scale ** (2 if name == "squared_error" else 1)
        return PairedDifference.of(self.losses, at, at + len(self.loss_names), unit)

    def mean_losses(self, name: str) -> tuple[float, float]:
        """Return the mean loss of the first version and of the second, of the same rows.

        Args:
            name: one of `loss_names`; errors are in the units of the label, or their square.
        """
        at = self.loss_names.index(name)
        unit = self.first.scale ** (2 if name == "squared_error" else 1)
        first, second = self.losses.mean_offset[[at, at + len(self.loss_names)]] * unit
        return float(first), float(second)

    def value_difference(self, name: str) -> PairedDifference:
        """Return how much larger the second version's score or number is than the first's.

        Args:
            name: one of `value_names`.
        """
        return PairedDifference.of(self.values[name], 0, 1, self.first.scale)

    def mean_absolute_difference(self, name: str) -> float:
        """Return by how much scores or numbers differ, on average; NaN without rows."""
        found = self.values[name]
        return float(found.mean_offset[2]) * self.first.scale if found.n else np.nan

    def correlation(self, name: str) -> float:
        """Return the correlation of both versions' scores or numbers; NaN where one is constant."""
        m2 = self.values[name].m2
        scale = float(np.sqrt(m2[0, 0] * m2[1, 1]))
        return float(np.clip(m2[0, 1] / scale, -1.0, 1.0)) if scale > 0 else np.nan

    def to_bytes(self) -> bytes:
        """Return a compact document."""
        used = np.flatnonzero(self.agreement)
        body = {
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "rows": self.rows,
            "cells": used.tolist(),
            "agreement": self.agreement.flat[used].tolist(),
            "other_agreed": self.other_agreed,
            "values": [joint_to_dict(one) for one in self.values.values()],
            "correct": self.correct.ravel().tolist(),
            "losses": joint_to_dict(self.losses),
        }
        return document.dump_packed(FORMAT, FORMAT_VERSION, body)

    @classmethod
    def from_bytes(cls, content: bytes) -> PairSummary:
        """Read what `to_bytes` made.

        Raises:
            FormatError: where it is damaged or of a newer format version.
        """
        body = document.load_packed(
            content, FORMAT, FORMAT_VERSION, where="a summary of pairs", most_bytes=LARGEST_BYTES
        )
        first = VersionOutputs.from_dict(document.object_of(body, "first"))
        second = VersionOutputs.from_dict(document.object_of(body, "second"))
        try:
            result = cls(first, second)
        except ProfileMismatch as error:
            raise FormatError(str(error)) from error
        result._read(body)
        return result

    def _read(self, body: Body) -> None:
        self.rows = document.count(body, "rows")
        self.agreement.flat[_cells(body, self.agreement.size)] = document.counts(body, "agreement")
        self.other_agreed = document.count(body, "other_agreed")
        if self.other_agreed > self.agreement[-1, -1] or self.predicted > self.rows:
            raise FormatError("more pairs agree than there are")
        values = document.objects(body, "values")
        if len(values) != len(self.values):
            document.refuse(body, "values", f"the moments of {len(self.values)} values")
        self.values = {
            name: joint_from_dict(one, VALUES)
            for name, one in zip(self.values, values, strict=True)
        }
        correct = document.counts(body, "correct")
        if len(correct) != 4:
            document.refuse(body, "correct", "four counts")
        self.correct = np.array(correct, np.int64).reshape(2, 2)
        self.losses = joint_from_dict(document.object_of(body, "losses"), self.losses.names)

    def _count(self, rows: PairRows, sign: int) -> None:
        self.rows += sign * rows.rows
        if self.task == "regression":
            first, second = self._numbers(rows)
            self._fold_values(PREDICTION, first, second, sign)
            return
        mine, theirs = self._keys(rows)
        size = len(self.classes) + 1
        codes = [class_codes(keys, self.classes, rows.rows) for keys in (mine, theirs)]
        both = (codes[0] >= 0) & (codes[1] >= 0)
        cells = np.bincount(codes[0][both] * size + codes[1][both], minlength=size * size)
        self.agreement = self.agreement + sign * cells.reshape(size, size)
        unnamed = np.minimum(*codes) == len(self.classes)
        same = (mine[row] == theirs[row] for row in np.flatnonzero(unnamed).tolist())
        self.other_agreed += sign * sum(same)
        for name in self.values:
            first, second = self._scores(rows, (name,))
            self._fold_values(name, first[:, 0], second[:, 0], sign)

    def _count_labels(self, rows: PairRows, sign: int) -> None:
        if rows.labels is None:
            return
        if self.task == "regression":
            truth = (numeric_column(list(rows.labels)).values - self.first.shift) / self.first.scale
            first, second = self._numbers(rows)
            losses = loss_columns(number_losses(first, truth), number_losses(second, truth))
            self.losses = _folded(self.losses, losses, sign)
            return
        labels = self.first.label_keys(rows.labels)
        mine, theirs = self._keys(rows)
        known = [
            (one == label, other == label)
            for label, one, other in zip(labels, mine, theirs, strict=True)
            if label is not None and one is not None and other is not None
        ]
        if known:
            cells = np.array(known, np.int64) @ np.array([2, 1])
            counts = np.bincount(cells, minlength=4).reshape(2, 2)
            self.correct = self.correct + sign * counts
        if self.loss_names:
            names = tuple(self.first.scores)
            truth_codes = class_codes(labels, names, rows.rows)
            first, second = self._scores(rows, names)
            parts = [score_losses(scores, truth_codes) for scores in (first, second)]
            self.losses = _folded(self.losses, loss_columns(*parts), sign)

    def _fold_values(self, name: str, first: FloatArray, second: FloatArray, sign: int) -> None:
        values = np.column_stack([first, second, np.abs(first - second)])
        self.values[name] = _folded(self.values[name], values, sign)

    def _keys(self, rows: PairRows) -> tuple[Keys, Keys]:
        count = rows.rows
        return self.first.keys(rows.first, count), self.second.keys(rows.second, count)

    def _scores(self, rows: PairRows, names: Sequence[str]) -> tuple[FloatArray, FloatArray]:
        """Return the scores of some classes, in their order, of both versions."""
        first = self.first.score_rows(rows.first, rows.rows)
        second = self.second.score_rows(rows.second, rows.rows)
        mine, theirs = tuple(self.first.scores), tuple(self.second.scores)
        return (
            first[:, [mine.index(name) for name in names]],
            second[:, [theirs.index(name) for name in names]],
        )

    def _numbers(self, rows: PairRows) -> tuple[FloatArray, FloatArray]:
        """Return the predicted numbers of both versions, about the shift and in the scale."""
        first = self.first.numbers(rows.first, rows.rows)
        second = self.second.numbers(rows.second, rows.rows)
        shift, scale = self.first.shift, self.first.scale
        return (first - shift) / scale, (second - shift) / scale


def _folded(joint: JointMoments, rows: FloatArray, sign: int) -> JointMoments:
    """Return moments with rows folded in, or taken back; those with a NaN are passed over."""
    part = JointMoments(joint.names, joint.shift)
    part.update(rows)
    return joint.merge(part) if sign > 0 else joint.without(part)


def _cells(body: Body, size: int) -> list[int]:
    cells, counts = document.counts(body, "cells"), document.counts(body, "agreement")
    if len(cells) != len(counts) or len(set(cells)) < len(cells) or max(cells, default=0) >= size:
        document.refuse(body, "cells", f"different cells below {size}, one for each count")
    return cells
