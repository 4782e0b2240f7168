"""How a `Baseline` is made from data."""

from __future__ import annotations

import datetime as dt
import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.baseline_effects import (
    categories_seen_once,
    is_sorted_by,
    say_sorted_by,
    with_effects,
)
from modelwatch.comparisons.cells import choose_cells
from modelwatch.errors import ConfigurationError, DataError, SchemaError
from modelwatch.feature import FeatureSpec, Role
from modelwatch.outliers import OutlierLimits, numeric_fences
from modelwatch.profile import Profile
from modelwatch.sketches import Categories
from modelwatch.sketches.bin_edges import probability_edges, quantile_edges
from modelwatch.sketches.categories import MAX_CATEGORIES
from modelwatch.tables import load_columns
from modelwatch.tabular import (
    CategoricalColumn,
    NumericColumn,
    RawColumn,
    categorical_column,
    holds_text,
    infer_kind,
    numeric_column,
)

__all__ = ["Roles", "fit_baseline"]

FEWEST_BINS = 10
MAX_RARE_CATEGORIES = 10_000
"""Beyond the vocabulary, so many categories are remembered; with more, none counts as unseen."""

MAX_CLASSES = 50
"""A prediction column of whole numbers with at most this many distinct ones holds classes."""

Column = NumericColumn | CategoricalColumn


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Which column plays which part; see `Baseline.fit`."""

    features: tuple[str, ...] | None = None
    prediction: str | None = None
    score: str | Mapping[str, str] | None = None
    label: str | None = None
    timestamp: str | None = None

    @property
    def scores(self) -> tuple[str, ...]:
        """Every score column."""
        if self.score is None:
            return ()
        return (self.score,) if isinstance(self.score, str) else tuple(self.score.values())

    @property
    def named(self) -> dict[str, str]:
        """Column to its role, for all but the inputs.

        Raises:
            SchemaError: where one column has two roles.
        """
        pairs = [
            (self.prediction, "prediction"),
            (self.label, "label"),
            (self.timestamp, "timestamp"),
            *((column, "score") for column in self.scores),
            *((column, "feature") for column in self.features or ()),
        ]
        roles: dict[str, str] = {}
        for column, role in pairs:
            if column is None:
                continue
            if column in roles:
                raise SchemaError(
                    f"column {column!r} is named as {roles[column]} and as {role}: give it one."
                )
            roles[column] = role
        return roles


def fit_baseline(
    data: object,
    *,
    model: str,
    version: str,
    roles: Roles,
    importances: Mapping[str, float] | None,
    bins: int,
) -> Baseline:
    """Do what `Baseline.fit` promises."""
    if not isinstance(bins, int) or bins < FEWEST_BINS:
        raise ConfigurationError(
            f"bins is {bins!r}: give a whole number of {FEWEST_BINS} or more (120 by default)."
        )
    for name, value in (("model", model), ("version", version)):
        if not isinstance(value, str) or not value:
            raise ConfigurationError(f"{name} is {value!r}: give a text that is not empty.")
    columns = _ordered(load_columns(data), roles)
    rows = len(next(iter(columns.values())))
    in_time_order = _known_order(columns, roles)
    features: dict[str, BaselineFeature] = {}
    for name, role in _feature_roles(columns, roles).items():
        _refuse_unusable(name, columns[name])
        spec = _describe(name, role, columns[name], roles, bins)
        features[name] = with_effects(spec, columns[name], in_time_order=in_time_order)
    _apply_importances(features, importances)
    empty = Profile(model, version)
    baseline = Baseline(
        model=model,
        version=version,
        rows=rows,
        features=features,
        prediction=roles.prediction,
        score=roles.score,
        label=roles.label,
        timestamp=roles.timestamp,
        profile=empty,
    )
    return replace(baseline, profile=_profile_of(baseline, columns))


def _known_order(columns: Mapping[str, RawColumn], roles: Roles) -> bool | None:
    """Tell whether the rows are in order of time: True by a timestamp, None where it may be so.

    Rows sorted by their label, as sample data often is, are in no order of time.
    """
    if roles.timestamp is not None:
        return True
    if roles.label is not None and is_sorted_by(columns[roles.label]):
        say_sorted_by(roles.label)
        return False
    return None


def _profile_of(baseline: Baseline, columns: Mapping[str, RawColumn]) -> Profile:
    profile = Profile.empty(baseline.model, baseline.version, baseline=baseline)
    profile.update({name: columns[name] for name in baseline.features})
    profile.baseline_id = None
    for feature in profile.features.values():
        if isinstance(feature.values, Categories):
            spec = baseline.features[feature.name]
            singles = categories_seen_once(columns[feature.name], spec)
            feature.outliers.update({"unseen_category": singles})
    return profile


def _ordered(columns: dict[str, RawColumn], roles: Roles) -> dict[str, RawColumn]:
    if not columns or not len(next(iter(columns.values()))):
        raise DataError("the data holds no rows: a baseline needs the rows a model was trained on.")
    for name, role in roles.named.items():
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" The data has {sorted(columns)}."
            raise SchemaError(f"there is no column {name!r}, named as {role}.{hint}")
    if roles.timestamp is None:
        return columns
    times = columns[roles.timestamp]
    order = np.argsort(_sortable(times, roles.timestamp), kind="stable")
    return {name: _taken(values, order) for name, values in columns.items()}


def _sortable(times: RawColumn, name: str) -> npt.NDArray[np.float64]:
    """Return the times as numbers; texts are ISO 8601, in UTC where they name no zone."""
    if infer_kind(times) == "categorical":
        times = [_parsed(value) for value in times]
    numbers = numeric_column(times).values
    unusable = np.flatnonzero(np.isnan(numbers))
    if unusable.size:
        raise SchemaError(
            f"timestamp column {name!r} has no time in row {unusable[0]} ({unusable.size} in all): "
            "give numbers, times or ISO 8601 texts, or drop those rows."
        )
    return numbers


def _parsed(value: Any) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _taken(values: RawColumn, order: npt.NDArray[np.intp]) -> RawColumn:
    if isinstance(values, np.ndarray):
        return values[order]
    return [values[index] for index in order.tolist()]


def _feature_roles(columns: Iterable[str], roles: Roles) -> dict[str, Role]:
    named = roles.named
    others = tuple(name for name in columns if name not in named)
    inputs = others if roles.features is None else roles.features
    outputs = (*((roles.prediction,) if roles.prediction else ()), *roles.scores)
    found: dict[str, Role] = dict.fromkeys(inputs, "input")
    found.update(dict.fromkeys(outputs, "output"))
    if not found:
        raise SchemaError("the data has no feature column: name some with features=[...].")
    return found


def _describe(name: str, role: Role, values: RawColumn, roles: Roles, bins: int) -> FeatureSpec:
    is_class = name == roles.prediction and _holds_classes(values)
    if infer_kind(values) == "categorical" or is_class:
        return _describe_categories(name, role, values)
    column = numeric_column(values)
    present = column.finite
    is_score = name in roles.scores and present.size > 0
    if is_score and present.min() >= 0.0 and present.max() <= 1.0:
        limits = OutlierLimits(
            kind="probability", lower=0.0, upper=1.0, allows_missing=_had_missing(column)
        )
        return FeatureSpec(
            name=name,
            role=role,
            kind="probability",
            bin_edges=probability_edges(bins),
            limits=limits,
            mean=float(present.mean()),
        )
    lower, upper = numeric_fences(present) if present.size else (-np.inf, np.inf)
    limits = OutlierLimits(
        kind="numeric", lower=lower, upper=upper, allows_missing=_had_missing(column)
    )
    return FeatureSpec(
        name=name,
        role=role,
        kind="numeric",
        bin_edges=quantile_edges(present, bins, further=(lower, upper)),
        limits=limits,
        mean=float(present.mean()) if present.size else 0.0,
    )


def _describe_categories(name: str, role: Role, values: RawColumn) -> FeatureSpec:
    text = holds_text(values)
    column = categorical_column(values, text=text)
    counts = column.counts
    ranked = sorted(counts, key=lambda key: (-counts[key], key))
    rare = frozenset(ranked[MAX_CATEGORIES : MAX_CATEGORIES + MAX_RARE_CATEGORIES])
    all_kept = len(ranked) <= MAX_CATEGORIES + MAX_RARE_CATEGORIES
    limits = OutlierLimits(
        kind="categorical",
        categories=frozenset(ranked) if all_kept else None,
        text=text,
        allows_missing=_had_missing(column),
    )
    cells, cell_counts = choose_cells(column.keys)
    return FeatureSpec(
        name=name,
        role=role,
        kind="categorical",
        categories=tuple(dict.fromkeys([*ranked[:MAX_CATEGORIES], *cells])),
        rare_categories=rare.difference(cells),
        cells=cells,
        cell_counts=cell_counts,
        limits=limits,
    )


def _refuse_unusable(name: str, values: RawColumn) -> None:
    """Refuse a column that is mostly of a type that cannot be watched, rather than call it missing.

    Raises:
        SchemaError: where it is.
    """
    is_numeric = infer_kind(values) == "numeric"
    column = numeric_column(values) if is_numeric else categorical_column(values)
    wrong = column.missing.get("wrong_type", 0)
    if 2 * wrong > len(values):
        kinds = Counter(type(value).__name__ for value in values)
        raise SchemaError(
            f"column {name!r} holds mostly values of type {kinds.most_common(1)[0][0]}, which "
            "cannot be watched: turn them into numbers, texts, booleans or times, or leave the "
            "column out with features=[...]."
        )


def _holds_classes(values: RawColumn) -> bool:
    present = numeric_column(values).finite if infer_kind(values) == "numeric" else np.empty(0)
    distinct = np.unique(present)
    return 0 < distinct.size <= MAX_CLASSES and bool(np.all(distinct == np.round(distinct)))


def _had_missing(column: Column) -> bool:
    return any(column.missing.get(reason) for reason in ("null", "nan", "absent"))


def _apply_importances(
    features: dict[str, BaselineFeature], importances: Mapping[str, float] | None
) -> None:
    for name, weight in (importances or {}).items():
        if name not in features:
            raise SchemaError(
                f"importances name {name!r}, which is no feature: {sorted(features)}."
            )
        if not isinstance(weight, (int, float, np.number)) or not 0.0 <= weight < np.inf:
            raise ConfigurationError(f"the importance of {name!r} is {weight!r}: give 0 or more.")
        features[name] = replace(features[name], importance=float(weight))
