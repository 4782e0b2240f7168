"""Which single values are outliers, judged by what the baseline held.

The rules, in the order in which they are tried:

- ``missing``: no value (null, NaN, absent) where training had none missing;
- ``type``: a value of another type than training's;
- ``range``: a number beyond the fences, or infinite;
- ``z_score``: a number within the fences that is too many standard deviations from the mean, where
  the baseline was fitted with such a limit;
- ``unseen_category``: a category that training never had;
- ``distance``: a row whose numbers break no rule one by one, but do not go together, where the
  baseline was fitted with such a limit; told of the feature that adds the most to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelwatch.lazy import cached_property
from modelwatch.sketches.bin_edges import constant_range
from modelwatch.tables.columns import CategoricalColumn, MissingReason, NumericColumn

__all__ = [
    "Kind",
    "OutlierLimits",
    "OutlierRule",
    "numeric_fences",
    "outlier_counts",
    "outlying_rows",
]

Kind = Literal["numeric", "probability", "categorical"]
OutlierRule = Literal["missing", "type", "range", "z_score", "unseen_category", "distance"]

FENCE_SHARE = 0.005
"""The fences start from the quantiles at this share and its complement."""

FENCE_WIDTHS = 1.0
"""They lie this many times the distance between the two quantiles beyond them: 7.7 standard
deviations from a normal mean. An error code in fewer than one row of 200 of the baseline does not
move them, unlike the minimum and maximum."""


@dataclass(frozen=True, kw_only=True)
class OutlierLimits:
    """What a value of one feature must satisfy not to be an outlier.

    Attributes:
        kind: what the feature holds.
        lower: the smallest number allowed, inclusive; minus infinity for categories.
        upper: the largest number allowed, inclusive; infinity for categories.
        z_lower: the mean less so many standard deviations as are allowed; minus infinity where
            they are not limited.
        z_upper: the mean and so many standard deviations.
        categories: every category that training had; None for numbers, or where they were too
            many to keep (nothing is unseen then).
        text: for categories: True where they are texts, False where numbers or booleans.
        allows_missing: whether training had missing values.
    """

    kind: Kind
    lower: float = -np.inf
    upper: float = np.inf
    z_lower: float = -np.inf
    z_upper: float = np.inf
    categories: frozenset[str] | None = None
    text: bool = True
    allows_missing: bool = True

    @property
    def strictest(self) -> tuple[float, float]:
        """The smallest and the largest number that break no rule."""
        return max(self.lower, self.z_lower), min(self.upper, self.z_upper)

    @property
    def is_boolean(self) -> bool:
        """Whether the categories are true and false, of which training had some."""
        known = self.categories
        return not self.text and known is not None and known <= {"true", "false"}

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        """Keys that stand for others: a model trained on 0 and 1 may be served booleans."""
        known = self.categories or frozenset()
        if self.text or not known:
            return {}
        if self.is_boolean:
            return {"1": "true", "0": "false"}
        return {"true": "1", "false": "0"} if known & {"0", "1"} else {}


def numeric_fences(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the range outside which a number is an outlier.

    Args:
        values: the baseline's values, shape (n,), n of 1 or more, finite.

    >>> numeric_fences(np.arange(1001.0))
    (-985.0, 1985.0)
    """
    low, high = np.quantile(values, [FENCE_SHARE, 1 - FENCE_SHARE])
    reach = FENCE_WIDTHS * (high - low)
    if reach == 0.0:
        return constant_range(float(low)) if values.min() == values.max() else _extent(values)
    return float(low - reach), float(high + reach)


def _extent(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def outlier_counts(
    column: NumericColumn | CategoricalColumn, limits: OutlierLimits
) -> dict[OutlierRule, int]:
    """Count a column's outliers by rule; each value breaks one rule at most."""
    counts: dict[OutlierRule, int] = {
        "missing": 0 if limits.allows_missing else _missing(column.missing),
        "type": column.missing.get("wrong_type", 0),
        "range": column.missing.get("inf", 0),
        "z_score": 0,
        "unseen_category": 0,
        "distance": 0,
    }
    if isinstance(column, NumericColumn):
        far = _beyond(column, limits.lower, limits.upper)
        within = _beyond(column, *limits.strictest)
        counts["range"] += far
        counts["z_score"] = within - far
    elif limits.categories is not None:
        known = limits.categories
        found = column.counts.items()
        counts["unseen_category"] = sum(n for key, n in found if key not in known)
    return {rule: count for rule, count in counts.items() if count}


def outlying_rows(
    column: NumericColumn | CategoricalColumn, limits: OutlierLimits
) -> npt.NDArray[np.bool_]:
    """Tell which rows of a column are outliers, shape (n,).

    Where a column that may have missing values has values of a wrong type or infinite ones too, all
    rows without a usable value count: which of them lacks it for which reason is not kept.
    """
    counts_gaps = not limits.allows_missing or bool(column.missing.keys() & {"wrong_type", "inf"})
    if isinstance(column, NumericColumn):
        lower, upper = limits.strictest
        found = (column.values < lower) | (column.values > upper)
        return found | np.isnan(column.values) if counts_gaps else found
    known = limits.categories

    def is_outlier(key: str | None) -> bool:
        return counts_gaps if key is None else known is not None and key not in known

    return np.array([is_outlier(key) for key in column.keys], dtype=np.bool_)


def _beyond(column: NumericColumn, lower: float, upper: float) -> int:
    """Count numbers outside of limits; the extremes tell where there are none, which is usual."""
    low, high = column.extent
    if lower <= low and high <= upper:
        return 0
    values = column.finite
    return int(((values < lower) | (values > upper)).sum())


def _missing(missing: Mapping[MissingReason, int]) -> int:
    return sum(missing.get(reason, 0) for reason in ("null", "nan", "absent"))
