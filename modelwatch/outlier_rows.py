"""Which rows of a batch have an outlier among their inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from modelwatch.distance_limit import DistanceLimit
from modelwatch.outliers import OutlierLimits, outlier_counts, outlying_rows
from modelwatch.tables.columns import CategoricalColumn, NumericColumn

__all__ = ["count_outlier_rows"]


def count_outlier_rows(
    columns: Mapping[str, NumericColumn | CategoricalColumn],
    limits: Mapping[str, OutlierLimits],
    distance: DistanceLimit | None,
) -> tuple[int, Counter[str]]:
    """Count rows with an outlier, and those whose numbers break no rule but do not go together.

    Args:
        columns: the inputs, of one length.
        limits: what makes a value of each an outlier.
        distance: what makes a row one; None where nothing does.

    Returns:
        How many rows have an outlier of either sort; and of how many of those that are too far
        each feature adds the most to the distance.
    """
    masks = [
        outlying_rows(column, limits[name])
        for name, column in columns.items()
        if outlier_counts(column, limits[name])
    ]
    found = np.logical_or.reduce(masks) if masks else None
    features: Counter[str] = Counter()
    if distance is not None and columns.keys() >= set(distance.names):
        numbers = [columns[name] for name in distance.names]
        values = [column.values for column in numbers if isinstance(column, NumericColumn)]
        rows = np.column_stack(values)
        if found is not None:
            rows = np.where(found[:, np.newaxis], np.nan, rows)
        is_far, features = distance.outliers(rows)
        found = is_far if found is None else found | is_far
    return (0 if found is None else int(found.sum())), features
