"""What a kind of difference is: its name, its words and which rows it explains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from modelwatch.skew.values import Mask

if TYPE_CHECKING:
    from modelwatch.skew.kinds.case import Case

__all__ = ["EXPLAINS", "FEWEST_ROWS", "Found", "KindName", "Rule", "SkewKind", "both_ways"]

KindName = Literal[
    "category_renaming",
    "category_spelling",
    "clipping",
    "default_value",
    "factor",
    "linear",
    "missing_in_serving",
    "missing_in_training",
    "offset",
    "other",
    "rounding",
    "shifted_rows",
    "sign",
    "stale",
    "swapped_columns",
    "time_window",
    "time_zone",
    "type",
]

EXPLAINS: Final = 0.95
"""Share of the unequal rows left that a kind must explain to be named."""

FEWEST_ROWS: Final = 5
"""Unequal rows from which a kind is named: fewer agree with many."""


@dataclass(frozen=True)
class Found:
    """A kind, and which of the rows asked about it explains.

    Attributes:
        name: which kind.
        text: what happened, with its figures, as a part of a sentence.
        explained: shape (rows asked about,).
        example: texts of rows that show it.
    """

    name: KindName
    text: str
    explained: Mask
    example: str = ""

    @property
    def share(self) -> float:
        """Share of the rows asked about that it explains."""
        return float(self.explained.mean()) if self.explained.size else 0.0


@dataclass(frozen=True, kw_only=True)
class SkewKind:
    """A kind of difference in one feature.

    Attributes:
        name: which kind.
        text: what happened, with its figures, as a part of a sentence; no text of a row.
        explained: share of the feature's unequal rows that it explains, in [0, 1].
        example: texts of rows that show it; empty where there are none.
    """

    name: KindName
    text: str
    explained: float
    example: str = ""

    @property
    def sentence(self) -> str:
        """The text with its example."""
        return f"{self.text}, as {self.example}" if self.example else self.text


Rule = Callable[["Case"], Found | None]


def both_ways(case: Case, rule: Callable[[Case, str], Found | None]) -> Found | None:
    """Ask a rule about serving; then, with the sides changed, about training.

    Args:
        case: the rows.
        rule: takes a case and what was done where, such as "in serving".
    """
    return rule(case, "in serving") or rule(case.reversed, "in training")
