"""A baseline's numbers, laid out so that all features are compared at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import BaselineFeature
from modelwatch.comparisons.cells import decile_starts
from modelwatch.comparisons.location import normal_scores
from modelwatch.feature import FeatureProfile
from modelwatch.sketches import Histogram

__all__ = ["Reference", "expected_feature", "stacked"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """The histograms of several features, one a row; shorter ones are filled up with empty bins.

    Attributes:
        row_of: the row of each feature.
        counts: shape (features, bins).
        edges: upper edge of every bin but the last, shape (features, bins - 1); infinite where a
            feature has no such bin.
        scores: normal score of each bin, shape (features, bins).
        starts: at which bin each of a feature's cells begins.
    """

    row_of: Mapping[str, int]
    counts: FloatArray
    edges: FloatArray
    scores: FloatArray
    starts: Mapping[str, npt.NDArray[np.intp]]

    @classmethod
    def of(cls, features: Sequence[FeatureProfile]) -> Reference:
        """Lay out what numbers there are among the features."""
        found = {f.name: f.values for f in features if isinstance(f.values, Histogram)}
        histograms = list(found.values())
        counts = stacked([histogram.counts for histogram in histograms], 0.0)
        return cls(
            row_of={name: row for row, name in enumerate(found)},
            counts=counts,
            edges=stacked(
                [histogram.bin_edges for histogram in histograms],
                np.inf,
                width=max(counts.shape[1] - 1, 0),
            ),
            scores=normal_scores(counts),
            starts={name: decile_starts(histogram.counts) for name, histogram in found.items()},
        )


def expected_feature(
    reference: FeatureProfile, feature: BaselineFeature, hours: Mapping[int, int]
) -> FeatureProfile | None:
    """Return a feature's statistics in the seasons that rows came in.

    Args:
        reference: its statistics in all of the baseline.
        feature: its description.
        hours: how many rows came in each hour of the week.

    Returns:
        As if the baseline held those seasons only, in those shares; None where the feature has no
        cycle, or where it is not known when the rows came.
    """
    expected = feature.seasons.expect(hours) if feature.seasons else None
    if expected is None or not isinstance(reference.values, Histogram):
        return None
    part = int(expected.counts.sum()) / max(reference.observed, 1)
    return replace(
        reference,
        values=Histogram(reference.values.bin_edges, expected.counts),
        moments=expected.moments,
        missing=Counter({reason: round(n * part) for reason, n in reference.missing.items()}),
        outliers=Counter({rule: round(n * part) for rule, n in reference.outliers.items()}),
    )


def stacked(rows: Sequence[npt.NDArray[np.generic]], filler: float, width: int = 0) -> FloatArray:
    """Return arrays as the rows of one matrix, at least so wide, filled up at their ends.

    >>> stacked([np.array([1, 2]), np.array([3])], 0.0).tolist()
    [[1.0, 2.0], [3.0, 0.0]]
    """
    matrix = np.full((len(rows), max([width, *(row.size for row in rows)])), filler)
    for target, row in zip(matrix, rows, strict=True):
        target[: row.size] = row
    return matrix
