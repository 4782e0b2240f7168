"""The first pass over the training data: what each column holds, and where its bins will lie."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.cells import cells_of_halves
from modelwatch.errors import SchemaError
from modelwatch.feature import FeatureSpec, Role
from modelwatch.outliers import OutlierLimits, numeric_fences
from modelwatch.sketches import Moments
from modelwatch.sketches.bin_edges import probability_edges, quantile_edges
from modelwatch.sketches.categories import MAX_CATEGORIES
from modelwatch.tables.columns import CategoricalColumn, categorical_column, numeric_column
from modelwatch.tables.compact_columns import CodedColumn, RawColumn
from modelwatch.tables.value_kinds import KindCounts, type_counts

__all__ = ["ColumnSurvey", "Reading", "sample_limit"]

Reading = Literal["numbers", "texts", "other categories"]
"""As what a column's values are read."""

MAX_SAMPLED_VALUES = 2_000_000
"""Of a streamed column with more values, evenly spaced ones tell where its bins lie, at least half
as many. The share of rows below an edge is then off by less than .0015 (three standard errors of
a sample of a million); what is counted on the bins is all rows all the same."""

MAX_SAMPLED_IN_ALL = 32_000_000
"""Numbers kept of all streamed columns together, 256 MB: of wide tables fewer of each."""

MAX_COUNTED_CATEGORIES = 200_000
"""Of a stream with more categories, the more frequent half is kept whenever there are so many."""

MAX_RARE_CATEGORIES = 10_000
"""Beyond the vocabulary, so many categories are remembered; with more, none counts as unseen."""

MAX_CLASSES = 50
"""A prediction column of whole numbers with at most this many distinct ones holds classes."""

FloatArray = npt.NDArray[np.float64]


@dataclass
class _Sample:
    """All values as long as they are few, else evenly spaced ones. In the order in which they came.

    Attributes:
        limit: how many are kept at most.
    """

    limit: float
    chunks: list[FloatArray] = field(default_factory=list)
    size: int = 0
    stride: int = 1
    _skip: int = 0

    def update(self, values: FloatArray) -> None:
        chosen = values[self._skip :: self.stride]
        if self.stride > 1:
            chosen = chosen.copy()  # a view would keep all of them in memory
        self._skip = (self._skip - values.size) % self.stride
        self.chunks.append(chosen)
        self.size += chosen.size
        while self.size > self.limit:
            kept = self.values
            self._skip += self.stride * (kept.size % 2)
            self.stride *= 2
            self.chunks = [kept[::2].copy()]
            self.size = self.chunks[0].size

    @property
    def values(self) -> FloatArray:
        if len(self.chunks) > 1:
            self.chunks = [np.concatenate(self.chunks)]
        return self.chunks[0] if self.chunks else np.empty(0)


class ColumnSurvey:
    """What one column holds, from batches of its values. Not thread-safe.

    The first values decide how the column is read. Where all of them say otherwise, `reading` does
    too, and the column has to be surveyed again with that.

    Args:
        name: the column.
        role: whether the model reads or makes it.
        is_prediction: whether it holds predictions, so that whole numbers may be classes.
        is_score: whether it holds scores.
        limit: how many numbers to keep at most; infinite where all are in memory anyway.
        reading: how it is read; the first values decide where None.

    Memory: 8 bytes a number kept, or some 20 MB for categories; more without a limit.
    """

    def __init__(
        self,
        name: str,
        role: Role,
        *,
        is_prediction: bool,
        is_score: bool,
        limit: float,
        reading: Reading | None = None,
    ) -> None:
        self.name = name
        self.role = role
        self.is_score = is_score
        self.is_prediction = is_prediction
        self.assumed = reading
        self.rows = 0
        self.missing: Counter[str] = Counter()
        self.halves: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self.counts_are_exact = True
        self._category_limit = MAX_COUNTED_CATEGORIES if np.isfinite(limit) else np.inf
        self._sample = _Sample(limit)
        self._moments = Moments()
        self._classes: set[float] = set()
        self._types: Counter[type] = Counter()
        self._kinds = KindCounts()

    def update(self, values: RawColumn) -> None:
        """Take in the next rows."""
        kinds = KindCounts.of(values)
        if self.is_prediction and len(self._classes) <= MAX_CLASSES:
            found = np.unique(numeric_column(values).finite)
            self._classes.update(found[: MAX_CLASSES + 1].tolist())
        self._types.update(type_counts(values))
        self._kinds += kinds
        if self.assumed is None and kinds.total:
            self.assumed = self.reading
        if self.assumed in (None, "numbers"):
            self._update_numbers(values)
        else:
            column = categorical_column(values, text=self.assumed == "texts")
            self.missing.update(column.missing)
            self._update_categories(column)
        self.rows += len(values)

    @property
    def reading(self) -> Reading:
        """How the column is to be read, given all its values."""
        if self._kinds.is_categorical:
            return "texts" if self._kinds.are_texts else "other categories"
        return "other categories" if _are_classes(self._classes) else "numbers"

    @property
    def categories(self) -> Counter[str]:
        """Rows by category."""
        return self.halves[0] + self.halves[1]

    def spec(self, bins: int, z_score: float | None = None) -> FeatureSpec:
        """Return how the feature is to be summarised.

        Args:
            bins: bins of numbers, 10 or more.
            z_score: so many standard deviations from its mean, a number is an outlier; None where
                the fences alone decide.

        Raises:
            SchemaError: where most values are of a type that cannot be watched: they would be
                called missing for ever.
        """
        if 2 * self.missing["wrong_type"] > self.rows:
            kind = max(self._types, key=self._types.__getitem__)
            raise SchemaError(
                f"column {self.name!r} holds mostly values of type {kind.__name__}, which cannot "
                "be watched: turn them into numbers, texts, booleans or times, or leave the column "
                "out with features=[...]."
            )
        if self.reading != "numbers":
            return self._spec_of_texts()
        return self._spec_of_numbers(bins, z_score)

    @property
    def singles(self) -> frozenset[str]:
        """Categories of one row each, where all are known."""
        counts = self.categories
        if not self._knows_all(counts):
            return frozenset()
        return frozenset(key for key, rows in counts.items() if rows == 1)

    def counts_on(self, edges: FloatArray | None) -> npt.NDArray[np.int64]:
        """Return the known numbers' counts on bins, to choose cells by; nothing without bins."""
        if edges is None:
            return np.empty(0, dtype=np.int64)
        below = np.searchsorted(np.sort(self._sample.values), edges, side="right")
        return np.diff(below, prepend=0, append=self._sample.size).astype(np.int64)

    def forget_values(self) -> None:
        """Free the memory of the numbers, when bins and cells are chosen."""
        self._sample = _Sample(0.0)

    def _update_numbers(self, values: RawColumn) -> None:
        column = numeric_column(values)
        self.missing.update(column.missing)
        self._moments.update(column.finite)
        self._sample.update(column.finite)

    def _update_categories(self, column: CategoricalColumn) -> None:
        for half in (0, 1):
            rows = slice((self.rows + half) % 2, None, 2)
            if isinstance(column.values, CodedColumn):
                part = CategoricalColumn(column.values[rows], {}).counts
            else:
                part = Counter(key for key in column.values[rows] if key is not None)
            self.halves[half].update(part)
        if len(self.halves[0]) + len(self.halves[1]) > self._category_limit:
            self._keep_frequent()

    def _keep_frequent(self) -> None:
        both = self.categories
        if len(both) > MAX_COUNTED_CATEGORIES:
            kept = dict(both.most_common(MAX_COUNTED_CATEGORIES // 2))
            even, odd = (
                Counter({key: n for key, n in half.items() if key in kept}) for half in self.halves
            )
            self.halves = (even, odd)
            self.counts_are_exact = False

    def _knows_all(self, counts: Counter[str]) -> bool:
        return self.counts_are_exact and len(counts) <= MAX_CATEGORIES + MAX_RARE_CATEGORIES

    def _allows_missing(self) -> bool:
        return any(self.missing.get(reason) for reason in ("null", "nan", "absent"))

    def _spec_of_numbers(self, bins: int, z_score: float | None) -> FeatureSpec:
        values = self._sample.values
        moments = self._moments
        mean = 0.0 if not moments.n else moments.mean
        if self._sample.stride == 1 and values.size:
            mean = float(values.mean())
        if self.is_score and moments.n and moments.minimum >= 0.0 and moments.maximum <= 1.0:
            limits = OutlierLimits(
                kind="probability", lower=0.0, upper=1.0, allows_missing=self._allows_missing()
            )
            edges = probability_edges(bins)
        else:
            lower, upper = numeric_fences(values) if values.size else (-np.inf, np.inf)
            z_lower, z_upper = self._z_limits(z_score)
            limits = OutlierLimits(
                kind="numeric",
                lower=lower,
                upper=upper,
                z_lower=z_lower,
                z_upper=z_upper,
                allows_missing=self._allows_missing(),
            )
            edges = quantile_edges(values, bins, further=(lower, upper))
        return FeatureSpec(
            name=self.name,
            role=self.role,
            kind=limits.kind,
            bin_edges=edges,
            limits=limits,
            mean=mean,
        )

    def _z_limits(self, z_score: float | None) -> tuple[float, float]:
        """Return the mean, less and plus so many standard deviations, of what varies at all."""
        spread = self._moments.standard_deviation
        if z_score is None or self.role != "input" or not spread > 0.0:
            return -np.inf, np.inf
        mean = self._moments.mean
        return mean - z_score * spread, mean + z_score * spread

    def _spec_of_texts(self) -> FeatureSpec:
        counts = self.categories
        ranked = sorted(counts, key=lambda key: (-counts[key], key))
        rare = frozenset(ranked[MAX_CATEGORIES : MAX_CATEGORIES + MAX_RARE_CATEGORIES])
        limits = OutlierLimits(
            kind="categorical",
            categories=frozenset(ranked) if self._knows_all(counts) else None,
            text=self.reading == "texts",
            allows_missing=self._allows_missing(),
        )
        cells, cell_counts = cells_of_halves(*self.halves)
        return FeatureSpec(
            name=self.name,
            role=self.role,
            kind="categorical",
            categories=tuple(dict.fromkeys([*ranked[:MAX_CATEGORIES], *cells])),
            rare_categories=rare.difference(cells),
            cells=cells,
            cell_counts=cell_counts,
            limits=limits,
        )


def _are_classes(numbers: set[float]) -> bool:
    return 0 < len(numbers) <= MAX_CLASSES and all(float(number).is_integer() for number in numbers)


def sample_limit(columns: int) -> float:
    """Return how many numbers to keep of each of so many streamed columns."""
    return min(MAX_SAMPLED_VALUES, MAX_SAMPLED_IN_ALL / columns)
