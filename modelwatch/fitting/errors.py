"""In which bins and categories of its features a model errs on the baseline's labelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline
from modelwatch.fitting.batch import Batch
from modelwatch.performance.error_cells import (
    ERROR_UNIT,
    MAX_CELLS,
    SQUARE_UNIT,
    ErrorCells,
    FeatureCells,
)
from modelwatch.performance_baseline import MAX_ERROR_FEATURES
from modelwatch.tables.columns import CategoricalColumn

__all__ = ["ErrorRows"]

MAX_ROWS: Final = 100_000
"""Rows that are looked at, evenly spread over the data: a tenth has 10,000."""

LARGEST_SUM: Final = 2**62

FloatArray = npt.NDArray[np.float64]


class ErrorRows:
    """Sums of errors by the fine bins of each feature, until it is known which are put together.

    Memory: 24 bytes a bin. Not thread-safe.

    Args:
        baseline: its features are known, its counts not yet.
        rows: rows of all the data.
        output: a predicted number, by which errors are told too; None without one.
    """

    def __init__(self, baseline: Baseline, rows: int, output: str | None) -> None:
        names = [*([] if output is None else [output]), *baseline.inputs][:MAX_ERROR_FEATURES]
        self._features = {name: baseline.features[name] for name in names}
        self._stride = max(-(-rows // MAX_ROWS), 1)
        self._sums = {name: np.zeros((3, self._size(name))) for name in names}

    def update(self, batch: Batch, errors: FloatArray) -> None:
        """Take in rows with their errors, shape (n,); NaN where not known."""
        first = -batch.start % self._stride
        chosen = np.arange(first, batch.rows, self._stride)
        chosen = chosen[~np.isnan(errors[chosen])]
        sizes = errors[chosen]
        for name, sums in self._sums.items():
            codes = self._codes(name, batch, chosen)
            for place, weights in enumerate((None, sizes, sizes * sizes)):
                sums[place] += np.bincount(codes, weights=weights, minlength=sums.shape[1])

    def cells(
        self, features: Sequence[FeatureCells], *, scale: float = 1.0, is_inverted: bool = False
    ) -> ErrorCells:
        """Return the sums by the cells of the features.

        Args:
            features: on edges of the baseline's bins, and categories of its cells.
            scale: unit of the errors, above 0.
            is_inverted: whether errors of 0 and 1 are to be taken for each other.
        """
        result = ErrorCells(features)
        for place, one in enumerate(features):
            sums = self._sums[one.name].copy()
            if is_inverted:
                sums[1:] = sums[0] - sums[1:]
            units = np.array([1.0, scale * ERROR_UNIT, scale * scale * SQUARE_UNIT])
            found = np.zeros((3, MAX_CELLS))
            at = self._cell_of_bins(one)
            for row, values in enumerate(sums):
                found[row] = np.bincount(at, weights=values, minlength=MAX_CELLS)
            whole = np.minimum(np.rint(found / units[:, None]), LARGEST_SUM)
            result.sums[:, place] = whole.astype(np.int64)
        return result

    def _size(self, name: str) -> int:
        feature = self._features[name]
        if feature.kind == "categorical":
            return len(feature.cells or ()) + 2
        return (0 if feature.bin_edges is None else feature.bin_edges.size) + 2

    def _codes(self, name: str, batch: Batch, chosen: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Return the fine bin of each chosen row: the last one where the value is missing."""
        feature, column, missing = self._features[name], batch.column(name), self._size(name) - 1
        if isinstance(column, CategoricalColumn):
            places = {key: place for place, key in enumerate(feature.cells or ())}
            codes = column.codes(places, len(places))[chosen]
            return np.where(codes < 0, missing, codes)
        values = column.values[chosen]
        edges = np.empty(0) if feature.bin_edges is None else feature.bin_edges
        return np.where(np.isnan(values), missing, np.searchsorted(edges, values, side="left"))

    def _cell_of_bins(self, cells: FeatureCells) -> npt.NDArray[np.intp]:
        """Return the cell of each fine bin."""
        feature, last = self._features[cells.name], cells.size - 1
        if cells.categories is not None:
            fine = len(feature.cells or ()) + 1
            return np.append(np.minimum(np.arange(fine), len(cells.categories)), last)
        edges = np.empty(0) if feature.bin_edges is None else feature.bin_edges
        ends = np.append(np.searchsorted(cells.bin_edges, edges, side="left"), last - 1)
        return np.append(ends, last)
