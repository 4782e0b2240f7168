"""The third pass over the training data: how far its rows are from their mean."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline
from modelwatch.distance_limit import DistanceLimit
from modelwatch.errors import DataError
from modelwatch.fitting.batch import Batch
from modelwatch.outliers import numeric_fences, outlying_rows
from modelwatch.tables.batches import Batches, Progress

__all__ = ["with_distance_limit"]

FloatArray = npt.NDArray[np.float64]


def with_distance_limit(baseline: Baseline, batches: Batches, report: Progress) -> Baseline:
    """Return the baseline with a limit of its rows' Mahalanobis distance, and count those beyond.

    The limit lies as far beyond the distances of nearly all rows as the fences of a number lie
    beyond nearly all values. Rows with another outlier have no say in it.

    Memory: 16 bytes a row.

    Raises:
        DataError: where fewer than two numeric inputs have values in the same rows.
    """
    joint = baseline.profile.joint
    if joint is None or joint.n <= 1:
        raise DataError(
            "outlier_distance needs two numeric inputs or more that have values in the same rows: "
            "leave it out."
        )
    distance = DistanceLimit.of(joint, math.inf)
    squares, most = [], []
    rows = 0
    for raw in batches.read(report):
        batch = Batch(rows, raw.columns, baseline.features)
        rows += batch.rows
        matrix = _usual_rows(baseline, batch, distance)
        offsets = matrix - distance.mean
        parts = (offsets @ distance.precision) * offsets
        squares.append(parts.sum(axis=1))
        most.append(parts.argmax(axis=1))
    every = np.concatenate(squares)
    limit = numeric_fences(every)[1] if every.size else 0.0
    _count(baseline, Counter(np.concatenate(most)[every > limit].tolist()))
    return replace(baseline, distance_limit=limit)


def _usual_rows(baseline: Baseline, batch: Batch, distance: DistanceLimit) -> FloatArray:
    """Return the rows that have all numbers and no outlier, shape (n, d)."""
    is_usual = np.ones(batch.rows, dtype=np.bool_)
    for name in baseline.inputs:
        is_usual &= ~outlying_rows(batch.column(name), baseline.features[name].limits)
    matrix = np.column_stack([batch.numbers(name) for name in distance.names])
    return matrix[is_usual & ~np.isnan(matrix).any(axis=1)]


def _count(baseline: Baseline, beyond: Mapping[int, int]) -> None:
    """Count the rows beyond the limit, by the place of the feature that adds the most."""
    joint = baseline.profile.joint
    names = joint.names if joint is not None else ()
    for place, count in beyond.items():
        baseline.profile.features[names[place]].outliers["distance"] += int(count)
        baseline.profile.outlier_rows += int(count)
