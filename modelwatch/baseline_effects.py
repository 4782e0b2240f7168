"""How much each feature of a baseline varies between blocks of its rows in time order."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import BaselineFeature
from modelwatch.comparisons.cells import decile_starts
from modelwatch.comparisons.design_effect import DesignEffect, fit_design_effect
from modelwatch.feature import FeatureSpec
from modelwatch.tabular import (
    NumericColumn,
    RawColumn,
    categorical_column,
    infer_kind,
    numeric_column,
)

__all__ = ["categories_seen_once", "is_sorted_by", "say_sorted_by", "with_effects"]

Codes = npt.NDArray[np.intp]
Events = npt.NDArray[np.bool_]

_logger = logging.getLogger("modelwatch")


def with_effects(
    spec: FeatureSpec, values: RawColumn, *, in_time_order: bool | None
) -> BaselineFeature:
    """Return a feature with its design effects.

    Args:
        spec: its description.
        values: its raw column.
        in_time_order: whether the rows are; None where it may be so: then a column whose equal
            values all stand together was sorted, and says nothing of time.
    """
    fields = {name: getattr(spec, name) for name in FeatureSpec.__dataclass_fields__}
    codes, cells, missing, outlying = _coded(spec, values)
    if in_time_order is None and _is_grouped(codes):
        say_sorted_by(spec.name)
        in_time_order = False
    if in_time_order is False:
        return BaselineFeature(**fields)
    return BaselineFeature(
        **fields,
        values_effect=fit_design_effect(codes, cells),
        missing_effect=_event_effect(missing, in_time_order),
        outliers_effect=_event_effect(outlying, in_time_order),
    )


def say_sorted_by(name: str) -> None:
    """Log that rows sorted by a column tell nothing of time, and the remedy."""
    _logger.warning(
        "the rows are sorted by %r, so that their order says nothing of how features vary in time: "
        "give Baseline.fit a timestamp column, or the rows in the order in which they came.",
        name,
    )


def is_sorted_by(values: RawColumn) -> bool:
    """Tell whether rows are sorted by a raw column: classes all together, or numbers in order.

    >>> is_sorted_by(["a", "a", "b"]), is_sorted_by(["a", "b", "a"]), is_sorted_by([0.3, 0.1, 0.2])
    (True, False, False)
    """
    if infer_kind(values) == "numeric":
        steps = np.diff(numeric_column(values).finite)
        return bool(steps.any() and (np.all(steps >= 0) or np.all(steps <= 0)))
    keys = categorical_column(values).keys
    code_of = {key: code for code, key in enumerate(dict.fromkeys(keys))}
    return _is_grouped(np.array([code_of[key] for key in keys], dtype=np.intp))


def _is_grouped(codes: Codes) -> bool:
    present = codes[codes >= 0]
    runs = int(np.count_nonzero(np.diff(present))) + 1
    return 1 < np.unique(present).size == runs


def _event_effect(events: Events, in_time_order: bool | None) -> DesignEffect:
    codes = events.astype(np.intp)
    if in_time_order is None and _is_grouped(codes):
        return DesignEffect()
    return fit_design_effect(codes, 2)


def _coded(spec: FeatureSpec, values: RawColumn) -> tuple[Codes, int, Events, Events]:
    """Return each row's cell, the number of cells, and which rows are missing and outlying."""
    if spec.kind == "categorical":
        keys = categorical_column(values, text=spec.limits.text).keys
        codes, cells = _category_codes(keys, spec.cells or ())
        return codes, cells, codes < 0, _is_single(keys)
    column = numeric_column(values)
    codes, cells = _bin_codes(column, spec)
    outlying = (column.values < spec.limits.lower) | (column.values > spec.limits.upper)
    return codes, cells, codes < 0, outlying


def _bin_codes(column: NumericColumn, spec: FeatureSpec) -> tuple[Codes, int]:
    edges = spec.bin_edges if spec.bin_edges is not None else np.empty(0)
    bins = np.searchsorted(edges, column.values, side="left")
    present = ~np.isnan(column.values)
    starts = decile_starts(np.bincount(bins[present], minlength=edges.size + 1))
    cell_of_bin = np.searchsorted(starts, np.arange(edges.size + 1), side="right") - 1
    return np.where(present, cell_of_bin[np.minimum(bins, edges.size)], -1), starts.size


def _category_codes(keys: Sequence[str | None], cells: Sequence[str]) -> tuple[Codes, int]:
    code_of: dict[str | None, int] = {name: code for code, name in enumerate(cells)}
    code_of[None] = -1
    rest = len(cells)
    return np.array([code_of.get(key, rest) for key in keys], dtype=np.intp), rest + 1


def categories_seen_once(values: RawColumn, spec: FeatureSpec) -> int:
    """Count the rows whose category would be unseen were it not for them (Good and Turing).

    As often a new row is of a category that training never had, without any change.
    """
    return int(_is_single(categorical_column(values, text=spec.limits.text).keys).sum())


def _is_single(keys: Sequence[str | None]) -> Events:
    """Tell of each row whether its category would be unseen were it not for this row."""
    counts = Counter(keys)
    return np.array([key is not None and counts[key] == 1 for key in keys], dtype=bool)
