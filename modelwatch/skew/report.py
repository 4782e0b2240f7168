"""What an audit of training-serving skew found."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final

from modelwatch.skew.join import OneSide
from modelwatch.skew.kinds import SkewKind
from modelwatch.skew.tolerance import Tolerance

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Example", "FeatureSkew", "SkewReport"]

FORMAT: Final = "modelwatch.skew"
FORMAT_VERSION: Final = 1


@dataclass(frozen=True, kw_only=True)
class Example:
    """One unequal pair.

    Attributes:
        key: of the rows; a tuple where several columns make it.
        served: the served value, None where missing.
        recomputed: the recomputed value, likewise.
    """

    key: Any
    served: Any
    recomputed: Any


@dataclass(frozen=True, kw_only=True)
class FeatureSkew:
    """One feature, compared row by row.

    Attributes:
        name: of the feature.
        rows: pairs compared.
        unequal: pairs whose values differ.
        nearly_equal: pairs that are equal by the tolerance alone, as after rounding to float32.
        served_type: what the served values are: number, whole number, boolean, text, time,
            duration, other, or empty.
        recomputed_type: what the recomputed values are.
        served_missing: pairs without a served value.
        recomputed_missing: pairs without a recomputed value.
        kinds: what the differences are, the one that explains the most first.
        examples: some unequal pairs, of each kind in turn.
    """

    name: str
    rows: int
    unequal: int
    nearly_equal: int
    served_type: str
    recomputed_type: str
    served_missing: int
    recomputed_missing: int
    kinds: tuple[SkewKind, ...] = ()
    examples: tuple[Example, ...] = ()

    @property
    def share(self) -> float:
        """Share of the pairs whose values differ, in [0, 1]."""
        return self.unequal / self.rows if self.rows else 0.0


@dataclass(frozen=True, kw_only=True)
class SkewReport:
    """What an audit found. A `rich` console prints it as a table.

    Attributes:
        key: the columns that the rows were matched by.
        rows: pairs compared: of keys that come once on each side.
        served: rows of the served table, and what of it has no partner.
        recomputed: likewise.
        features: what was compared, by name, the most unequal first.
        only_served: columns that only the served table has.
        only_recomputed: columns that only the recomputed table has.
        notes: what was done to make the keys alike, in sentences.
        tolerance: what counted as equal.
    """

    key: tuple[str, ...]
    rows: int
    served: OneSide
    recomputed: OneSide
    features: Mapping[str, FeatureSkew]
    only_served: tuple[str, ...] = ()
    only_recomputed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tolerance: Tolerance = field(default_factory=Tolerance)

    def failing(self, fail_above: float = 0.0) -> tuple[str, ...]:
        """Return the features that differ in more than a share of rows, and columns of one side.

        Args:
            fail_above: share of unequal rows that is let pass, from 0 to 1, 1 excluded.
        """
        alone = (*self.only_served, *self.only_recomputed)
        unequal = (name for name, one in self.features.items() if one.share > fail_above)
        return (*alone, *unequal)

    @property
    def is_clean(self) -> bool:
        """Whether nothing differs: no value, no type, no column."""
        return not self.failing()

    def without_values(self) -> SkewReport:
        """Return the report without keys, and without values and texts of rows."""
        features = {
            name: replace(
                one, examples=(), kinds=tuple(replace(kind, example="") for kind in one.kinds)
            )
            for name, one in self.features.items()
        }
        served, recomputed = (
            replace(side, alone_examples=(), repeated_examples=())
            for side in (self.served, self.recomputed)
        )
        return replace(self, features=features, served=served, recomputed=recomputed)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it; times are ISO 8601, NaN and infinities texts."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "key": list(self.key),
            "rows": self.rows,
            "tolerance": _plain(self.tolerance),
            "served": _plain(self.served),
            "recomputed": _plain(self.recomputed),
            "only_served": list(self.only_served),
            "only_recomputed": list(self.only_recomputed),
            "notes": list(self.notes),
            "features": {
                name: {"share": one.share, **_plain(one)} for name, one in self.features.items()
            },
        }

    def __rich__(self) -> RenderableType:
        from modelwatch.skew.text import report_table

        return report_table(self)

    def __str__(self) -> str:
        from modelwatch.skew.words import report_text

        return report_text(self)


def _plain(value: Any) -> Any:
    """Return a value, or a record of values, as JSON has it."""
    if isinstance(value, (OneSide, FeatureSkew, SkewKind, Example, Tolerance)):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    return value if isinstance(value, (str, int, bool, type(None))) else str(value)
