"""What is known of one feature, and its statistics over one window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ProfileMismatch
from modelwatch.outliers import Kind, OutlierLimits, outlier_counts
from modelwatch.sketches import (
    Categories,
    ExponentialHistogram,
    Histogram,
    JointMoments,
    Moments,
)
from modelwatch.sketches.categories import MAX_CATEGORIES, MAX_NEW_CATEGORIES
from modelwatch.tables.columns import (
    CategoricalColumn,
    NumericColumn,
    RawColumn,
    categorical_column,
    numeric_column,
)
from modelwatch.tables.value_kinds import holds_text, infer_kind

__all__ = ["FeatureProfile", "FeatureSpec", "Role", "empty_joint"]

Role = Literal["input", "output"]

MAX_JOINT_FEATURES = 100
"""Numeric inputs whose co-moments are kept, in the baseline's order: 80 kB at the cap."""

_NUMBERS_AT_ONCE = 16_384
"""As many as stay in the processor's cache between sorting, counting and summing up."""


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """How one feature is summarised.

    Attributes:
        name: unique within a model, inputs and outputs together.
        role: whether the model reads or makes it.
        kind: what it holds.
        bin_edges: interior edges for numbers, shape (k,); None for categories, and while no
            baseline is known.
        categories: the vocabulary counted by name; None for numbers.
        rare_categories: known categories counted together.
        cells: the categories that are a cell each in a comparison, all others being one more; None
            for numbers.
        cell_counts: rows of the baseline in each cell, shape (len(cells) + 1,).
        limits: what makes a value an outlier.
        mean: the baseline's mean, about which moments are kept; 0.0 where unknown.
    """

    name: str
    role: Role
    kind: Kind
    bin_edges: npt.NDArray[np.float64] | None = None
    categories: tuple[str, ...] | None = None
    rare_categories: frozenset[str] = frozenset()
    cells: tuple[str, ...] | None = None
    cell_counts: tuple[int, ...] = ()
    limits: OutlierLimits
    mean: float = 0.0

    @classmethod
    def discovered(cls, name: str, role: Role, values: RawColumn) -> FeatureSpec:
        """Describe a feature that no baseline knows by its first values."""
        kind = infer_kind(values)
        text = holds_text(values) if kind == "categorical" else True
        limits = OutlierLimits(kind=kind, text=text)
        return cls(name=name, role=role, kind=kind, limits=limits)

    def read(self, values: RawColumn) -> NumericColumn | CategoricalColumn:
        """Read a raw column as this feature's values."""
        if self.kind != "categorical":
            return numeric_column(values)
        return categorical_column(values, text=self.limits.text, aliases=self.limits.aliases)


@dataclass
class FeatureProfile:
    """Mergeable statistics of one feature over one window. Not thread-safe.

    Attributes:
        name: the feature.
        role: whether the model reads or makes it.
        kind: what it holds.
        values: counts by bin or by category.
        moments: exact mean, variance and extremes of numbers; None for categories.
        missing: rows without a usable value, by reason: null, nan, inf, absent, wrong_type.
        outliers: rows with an outlying value, by rule: range, unseen_category, missing, type.
    """

    name: str
    role: Role
    kind: Kind
    values: Histogram | ExponentialHistogram | Categories
    moments: Moments | None
    missing: Counter[str] = field(default_factory=Counter)
    outliers: Counter[str] = field(default_factory=Counter)

    @classmethod
    def empty(cls, spec: FeatureSpec) -> FeatureProfile:
        """Return statistics of no rows."""
        if spec.kind == "categorical":
            return cls(spec.name, spec.role, spec.kind, Categories(), None)
        values = ExponentialHistogram() if spec.bin_edges is None else Histogram(spec.bin_edges)
        return cls(spec.name, spec.role, spec.kind, values, Moments(shift=spec.mean))

    @property
    def observed(self) -> int:
        """Rows with a usable value."""
        return self.values.total

    @property
    def missing_count(self) -> int:
        """Rows without one."""
        return self.missing.total()

    @property
    def total(self) -> int:
        """All rows."""
        return self.observed + self.missing_count

    @property
    def missing_rate(self) -> float:
        """Share of rows without a usable value, in [0, 1]; 0.0 where there are no rows."""
        return self.missing_count / max(self.total, 1)

    @property
    def outlier_count(self) -> int:
        """Rows whose value is an outlier."""
        return self.outliers.total()

    @property
    def outlier_rate(self) -> float:
        """Share of rows whose value is an outlier, in [0, 1]; 0.0 where there are no rows."""
        return self.outlier_count / max(self.total, 1)

    def update(
        self,
        values: RawColumn | NumericColumn | CategoricalColumn,
        spec: FeatureSpec,
        *,
        checks: bool = True,
    ) -> NumericColumn | CategoricalColumn:
        """Fold in one column and return it as read.

        Args:
            values: one value a row, raw or as `spec` reads them.
            spec: the description that this profile was made from.
            checks: whether to look for outliers; not where it is known that there are none.
        """
        if isinstance(values, (NumericColumn, CategoricalColumn)):
            column = values
        else:
            column = spec.read(values)
        if isinstance(self.values, Categories):
            if isinstance(column, CategoricalColumn):
                self._update_categories(self.values, column, spec)
        elif isinstance(column, NumericColumn):
            self._update_numbers(self.values, column)
        if column.missing:
            self.missing.update(column.missing)
        if checks:
            self.outliers.update(outlier_counts(column, spec.limits))
        return column

    def _update_numbers(
        self, values: Histogram | ExponentialHistogram, column: NumericColumn
    ) -> None:
        moments = self.moments if self.moments is not None else Moments()
        if isinstance(values, ExponentialHistogram):
            values.update(column.finite)
            moments.update(column.finite)
            return
        numbers = column.finite
        for start in range(0, numbers.size, _NUMBERS_AT_ONCE):
            ordered = np.sort(numbers[start : start + _NUMBERS_AT_ONCE])
            values.update_ordered(ordered)
            moments.update_ordered(ordered)

    @staticmethod
    def _update_categories(
        counts: Categories, column: CategoricalColumn, spec: FeatureSpec
    ) -> None:
        known = spec.categories is not None
        counts.update(
            column.counts,
            vocabulary=frozenset(spec.categories or ()),
            rare=spec.rare_categories,
            new_limit=MAX_NEW_CATEGORIES if known else MAX_CATEGORIES,
        )

    def merge(self, other: FeatureProfile) -> FeatureProfile:
        """Return the statistics of both.

        Raises:
            ProfileMismatch: where they describe different features, or numbers on different bins.
        """
        mine, theirs = (self.name, self.role), (other.name, other.role)
        if mine != theirs:
            raise ProfileMismatch(f"cannot merge feature {mine} with {theirs}.")
        moments = self.moments or other.moments
        if self.moments is not None and other.moments is not None:
            moments = self.moments.merge(other.moments)
        kind: Kind = "probability" if other.kind == "probability" else self.kind
        return FeatureProfile(
            self.name,
            self.role,
            kind,
            _merge_values(self, other),
            moments,
            self.missing + other.missing,
            self.outliers + other.outliers,
        )


def empty_joint(specs: Sequence[FeatureSpec]) -> JointMoments | None:
    """Return co-moments of no rows of the numeric inputs; None of fewer than two."""
    numeric = [spec for spec in specs if spec.role == "input" and spec.kind != "categorical"]
    chosen = numeric[:MAX_JOINT_FEATURES]
    if len(chosen) < 2:
        return None
    return JointMoments([spec.name for spec in chosen], np.array([spec.mean for spec in chosen]))


def _merge_values(
    a: FeatureProfile, b: FeatureProfile
) -> Histogram | ExponentialHistogram | Categories:
    if type(a.values) is not type(b.values) and not (a.values.total and b.values.total):
        return a.values if a.values.total else b.values
    try:
        match a.values, b.values:
            case Histogram() as mine, Histogram() as theirs:
                return mine.merge(theirs)
            case ExponentialHistogram() as mine, ExponentialHistogram() as theirs:
                return mine.merge(theirs)
            case Categories() as mine, Categories() as theirs:
                return mine.merge(theirs)
    except ProfileMismatch as error:
        raise ProfileMismatch(f"feature {a.name!r}: {error}") from error
    raise ProfileMismatch(
        f"feature {a.name!r}: a {type(a.values).__name__} and a {type(b.values).__name__} cannot "
        "be merged; rebin one of them onto the baseline first."
    )
