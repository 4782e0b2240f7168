"""How the outputs of one model version are read, to be set beside another version's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import FormatError
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance_columns import Task
from modelwatch.tables.columns import categorical_column, numeric_column
from modelwatch.tables.compact_columns import RawColumn

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline

__all__ = ["VersionOutputs"]

FloatArray = npt.NDArray[np.float64]
Keys = list[str | None]

TASKS: Final[tuple[Task, ...]] = ("classification", "regression")

DECISION: Final = 0.5
"""The score above which a row is taken for the scored class, where nothing else is predicted."""


@dataclass(frozen=True, kw_only=True)
class VersionOutputs:
    """Which outputs of a version hold its prediction and its scores. Immutable.

    Attributes:
        task: whether classes or numbers are predicted.
        prediction: the output with the predicted class or number, or None.
        scores: the output with the score of each scored class; where the class of a single score is
            not known, its own name stands for the class.
        classes: those that are told apart; none in a regression.
        is_text: of predicted classes: True where only texts are classes, False where only numbers
            and booleans are, None where both may be.
        aliases: keys of classes that stand for others, as "1" may for "true".
        shift: about which numbers are summed up.
        scale: their unit, above 0.
    """

    task: Task
    prediction: str | None
    scores: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    is_text: bool | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    shift: float = 0.0
    scale: float = 1.0

    @classmethod
    def of(cls, baseline: Baseline) -> VersionOutputs | None:
        """Return how a baseline has them read; None where it names neither prediction nor score."""
        return _of_labels(baseline) or _of_features(baseline)

    def keys(self, outputs: Mapping[str, RawColumn], rows: int) -> Keys:
        """Return the predicted class of each row, by the scores where nothing else tells it.

        Args:
            outputs: columns by name.
            rows: how many rows there are.
        """
        column = outputs.get(self.prediction) if self.prediction is not None else None
        if column is not None:
            return categorical_column(column, text=self.is_text, aliases=self.aliases).keys
        scores = self.score_rows(outputs, rows)
        names: list[str | None] = [*self._decided, None]
        if len(names) == 1:
            return [None] * rows
        missing = np.isnan(scores).any(axis=1)
        if scores.shape[1] == 1:
            found = np.where(missing, -1, scores[:, 0] <= DECISION)
        else:
            found = np.where(missing, -1, np.nan_to_num(scores).argmax(axis=1))
        return [names[at] for at in found.tolist()]

    def score_rows(self, outputs: Mapping[str, RawColumn], rows: int) -> FloatArray:
        """Return scores, shape (n, scored classes); NaN where missing."""
        result = np.full((rows, len(self.scores)), np.nan)
        for at, name in enumerate(self.scores.values()):
            if name in outputs:
                result[:, at] = numeric_column(outputs[name]).values
        return result

    def numbers(self, outputs: Mapping[str, RawColumn], rows: int) -> FloatArray:
        """Return predicted numbers, shape (n,); NaN where missing."""
        if self.prediction is None or self.prediction not in outputs:
            return np.full(rows, np.nan)
        return numeric_column(outputs[self.prediction]).values

    def label_keys(self, labels: Sequence[object]) -> Keys:
        """Return the true class of each row; None where it is not known."""
        return categorical_column(list(labels), aliases=self.aliases).keys

    def renamed(self, aliases: Mapping[str, str]) -> VersionOutputs:
        """Return the same with its classes named as another version has them."""

        def name_of(name: str) -> str:
            return aliases.get(name, name)

        own = {key: name_of(name) for key, name in self.aliases.items() if key not in aliases}
        return replace(
            self,
            scores={name_of(name): column for name, column in self.scores.items()},
            classes=tuple(dict.fromkeys(map(name_of, self.classes))),
            aliases={**own, **aliases},
        )

    @property
    def _decided(self) -> tuple[str, ...]:
        """The classes that scores decide among: the scored one and the other, or all scored."""
        scored = tuple(self.scores)
        if len(scored) != 1:
            return scored
        others = [name for name in self.classes if name != scored[0]]
        return (scored[0], others[0]) if len(others) == 1 == len(self.classes) - 1 else ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "task": self.task,
            "prediction": self.prediction,
            "scores": dict(self.scores),
            "classes": list(self.classes),
            "is_text": self.is_text,
            "aliases": dict(self.aliases),
            "shift": self.shift,
            "scale": self.scale,
        }

    @classmethod
    def from_dict(cls, body: Body) -> VersionOutputs:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent or of a wrong type.
        """
        scores = document.object_of(body, "scores")
        aliases = document.object_of(body, "aliases")
        scale = document.number(body, "scale")
        if scale <= 0:
            raise FormatError(f"scale is {scale}, not a number above 0")
        is_text = body.get("is_text", "")
        return cls(
            task=document.choice(body, "task", TASKS),
            prediction=document.optional_text(body, "prediction"),
            scores={name: document.text(scores, name) for name in scores},
            classes=tuple(document.texts(body, "classes")),
            is_text=None if is_text is None else document.flag(body, "is_text"),
            aliases={name: document.text(aliases, name) for name in aliases},
            shift=document.number(body, "shift"),
            scale=scale,
        )


def _of_labels(baseline: Baseline) -> VersionOutputs | None:
    """Return how outputs are read beside labels; None where the baseline had no labels."""
    known = baseline.performance
    if known is None:
        return None
    columns = known.columns(baseline)
    if isinstance(known.reference, RegressionSummary):
        shift, scale = known.reference.shift, known.reference.scale
        return VersionOutputs(
            task="regression", prediction=columns.prediction, shift=shift, scale=scale
        )
    feature = baseline.features.get(columns.prediction or "")
    return VersionOutputs(
        task="classification",
        prediction=columns.prediction,
        scores=dict(known.scores),
        classes=known.classes,
        is_text=None if feature is None else feature.limits.text,
        aliases=columns.aliases,
    )


def _of_features(baseline: Baseline) -> VersionOutputs | None:
    """Return how outputs are read of which the truth never was known."""
    score = baseline.score or {}
    scores = {score: score} if isinstance(score, str) else dict(score)
    feature = baseline.features.get(baseline.prediction or "")
    if feature is None:
        return (
            VersionOutputs(task="classification", prediction=None, scores=scores)
            if scores
            else None
        )
    if feature.kind == "categorical":
        return VersionOutputs(
            task="classification",
            prediction=feature.name,
            scores=scores,
            classes=feature.categories or (),
            is_text=feature.limits.text,
            aliases=feature.limits.aliases,
        )
    moments = baseline.profile.features[feature.name].moments
    spread = moments.standard_deviation if moments is not None else 1.0
    return VersionOutputs(
        task="regression",
        prediction=feature.name,
        shift=feature.mean,
        scale=spread if spread > 0 else 1.0,
    )
