"""What labels told, beside the measures of performance: how many came, and what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["RELATION_CHANGED", "ChangedCell", "ConceptFinding", "LabelFindings"]

RELATION_CHANGED: Final = frozenset({"concept drift", "both"})
"""Verdicts on a measure that say that the same inputs have other answers now."""

LEAST_COVERAGE: Final = 0.95
"""Share of predictions with a label from which labels no longer count as coming in."""


@dataclass(frozen=True, kw_only=True)
class LabelFindings:
    """How many of a window's predictions have a label, how late these came, and whether which do.

    Attributes:
        predictions: predictions that wait for a label or have one.
        labelled: those that have one.
        delay_median_seconds: time from prediction to label that half of the labels took at most;
            None where it is not known.
        delay_most_seconds: the same of nine in ten labels.
        bias: in words, how predictions with a label differ from those without; None where they do
            not, or where that cannot be told.
    """

    predictions: int
    labelled: int
    delay_median_seconds: float | None = None
    delay_most_seconds: float | None = None
    bias: str | None = None

    @property
    def coverage(self) -> float | None:
        """Share of predictions with a label, in [0, 1]; None without predictions."""
        return min(1.0, self.labelled / self.predictions) if self.predictions else None

    @property
    def is_partial(self) -> bool:
        """Whether so many labels are still to come that what they tell may change."""
        return self.coverage is not None and self.coverage < LEAST_COVERAGE


@dataclass(frozen=True, kw_only=True)
class ChangedCell:
    """Where errors became more frequent or larger.

    Attributes:
        feature: the input, the score, or the predicted number.
        cell: which of its values, in words, such as "is 10 to 50".
        before: mean error of the rows there on the baseline, in [0, 1] for classes.
        after: the same since.
        rows: labelled rows there since.
    """

    feature: str
    cell: str
    before: float
    after: float
    rows: int


@dataclass(frozen=True, kw_only=True)
class ConceptFinding:
    """One change of the errors, as labels came in.

    Attributes:
        detected_ns: when it was known, by the time of the label that told it, Unix nanoseconds.
        began_ns: since which predictions, about, Unix nanoseconds.
        before: mean error before, in [0, 1] for classes, else in scales of the baseline.
        after: the same since.
        direction: whether errors rose or fell.
        confidence: that it is no chance, in (0, 1).
        rows_before: labelled rows before that were looked at.
        rows_after: those since.
        where: in words, where errors rose most; empty where nothing stands out.
    """

    detected_ns: int
    began_ns: int
    before: float
    after: float
    direction: Literal["rise", "fall"]
    confidence: float
    rows_before: int = 0
    rows_after: int = 0
    where: str = ""

    @property
    def is_worse(self) -> bool:
        """Whether errors rose."""
        return self.direction == "rise"

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> ConceptFinding:
        """Read what `dataclasses.asdict` made, after a way through JSON.

        Raises:
            TypeError: where a field is unknown or absent.
        """
        return cls(**body)
