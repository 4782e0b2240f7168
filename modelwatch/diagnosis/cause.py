"""What a cause of drift is: its name, its words and how much of the difference it explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Aspect", "Cause", "CauseName"]

Aspect = Literal["values", "missing", "outliers"]

CauseName = Literal[
    "clipping",
    "default_value",
    "doubled_normalisation",
    "frozen",
    "log_transform",
    "lost_normalisation",
    "missing_flood",
    "new_category",
    "offset",
    "renamed_categories",
    "rounding",
    "scale_change",
    "shorter_window",
    "sign_flip",
    "swapped_columns",
    "temperature_unit",
    "type_change",
]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """The probable cause of one feature's drift.

    Attributes:
        name: which one.
        text: what happened, with its figure, as a part of a sentence.
        evidence: the share of the difference that goes away when the cause is undone, in [0, 1].
            Plain drift has none: a cause is named where much goes away and little is left.
        aspect: in what the feature differs by it; the plain words for that aspect give way to it.
    """

    name: CauseName
    text: str
    evidence: float
    aspect: Aspect = "values"
