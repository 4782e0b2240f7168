"""Errors by cells of features: in which bins and categories a model errs, and how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import FormatError, ProfileMismatch

__all__ = ["MAX_CELLS", "ErrorCells", "FeatureCells", "numeric_cells"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Codes = npt.NDArray[np.intp]

MAX_CELLS = 12
"""Cells of one feature: ten bins or categories, all other categories, missing."""

DECILES = 10

LARGEST_ERROR = 64.0
"""Larger errors count as of this size: one wrong label must not hide all others."""

ERROR_UNIT = 2.0**-14
SQUARE_UNIT = 2.0**-20
"""Errors and their squares are summed up in whole units, so that what is taken away again leaves
nothing behind. The squares of two billion rows fit into 64 bits."""


@dataclass(frozen=True, kw_only=True)
class FeatureCells:
    """The cells that one feature's values are put into. Immutable.

    Attributes:
        name: the feature.
        bin_edges: interior edges of bins (-inf, e0], (e0, e1], ... (ek, inf); none of categories.
        categories: those with a cell each; None for numbers.
    """

    name: str
    bin_edges: tuple[float, ...] = ()
    categories: tuple[str, ...] | None = None

    @property
    def size(self) -> int:
        """How many cells there are: bins and missing, or categories, others and missing."""
        if self.categories is not None:
            return len(self.categories) + 2
        return len(self.bin_edges) + 2

    def of_numbers(self, values: FloatArray) -> Codes:
        """Return the cell of each number, shape (n,); NaN is missing, the last cell.

        >>> FeatureCells(name="x", bin_edges=(0.0, 1.0)).of_numbers(np.array([0, 5, np.nan]))
        array([0, 2, 3])
        """
        codes = np.searchsorted(self.bin_edges, values, side="left")
        return np.where(np.isnan(values), self.size - 1, codes)

    def of_codes(self, codes: Codes) -> Codes:
        """Return the cell of each category by its place, the others' being the next, -1 missing."""
        return np.where(codes < 0, self.size - 1, codes)


def numeric_cells(name: str, bin_edges: FloatArray, counts: IntArray) -> FeatureCells:
    """Return cells near a baseline's deciles, on edges that its bins have.

    Args:
        name: the feature.
        bin_edges: interior edges of the baseline's bins, shape (k,).
        counts: its rows in each, shape (k + 1,).

    >>> numeric_cells("x", np.arange(1.0, 100.0), np.ones(100, np.int64)).bin_edges[:3]
    (10.0, 20.0, 30.0)
    """
    if not bin_edges.size or not counts.sum():
        return FeatureCells(name=name)
    below = np.cumsum(counts[:-1]) / counts.sum()
    targets = np.arange(1, DECILES) / DECILES
    nearest = np.abs(below[None, :] - targets[:, None]).argmin(axis=1)
    chosen = np.unique(nearest)
    chosen = chosen[(below[chosen] > 0) & (below[chosen] < 1)]
    return FeatureCells(name=name, bin_edges=tuple(bin_edges[chosen].tolist()))


class ErrorCells:
    """Rows, and the sums of their errors and squared errors, by feature and cell.

    Errors are 0 or 1 of a classifier, and absolute deviations in some unit of a regression. Sums
    are whole numbers of `ERROR_UNIT` and `SQUARE_UNIT`, so that merging and taking away are exact,
    and merging is associative and commutative. Memory: 288 bytes a feature. Not thread-safe.

    Args:
        features: the cells of each feature.
        sums: rows, errors, squares, shape (3, features, MAX_CELLS); zeros where None.

    Raises:
        ProfileMismatch: where the sums have another shape.

    >>> cells = ErrorCells([FeatureCells(name="x", bin_edges=(0.0,))])
    >>> cells.update({"x": np.array([0, 0, 1])}, np.array([1.0, 0.0, 1.0]))
    >>> cells.rows("x").tolist(), cells.means("x").tolist()
    ([2, 1, 0], [0.5, 1.0, 0.0])
    """

    __slots__ = ("_places", "features", "sums")

    def __init__(self, features: Sequence[FeatureCells], sums: IntArray | None = None) -> None:
        self.features = tuple(features)
        self._places = {cells.name: place for place, cells in enumerate(self.features)}
        shape = (3, len(self.features), MAX_CELLS)
        self.sums: IntArray = np.zeros(shape, np.int64) if sums is None else sums
        if self.sums.shape != shape:
            raise ProfileMismatch(f"errors of shape {self.sums.shape} do not fit {shape}.")

    @property
    def is_empty(self) -> bool:
        """Whether no row was counted."""
        return not self.sums[0].any()

    @property
    def names(self) -> tuple[str, ...]:
        """Features of which rows were counted."""
        return tuple(cells.name for cells in self.features if self.rows(cells.name).any())

    def cells_of(self, name: str) -> FeatureCells:
        """Return the cells of a feature."""
        return self.features[self._places[name]]

    def rows(self, name: str) -> IntArray:
        """Return the rows in each cell of a feature, shape (cells,)."""
        return self._part(0, name)

    def means(self, name: str) -> FloatArray:
        """Return the mean error in each cell, shape (cells,); 0.0 in those without rows."""
        return self._part(1, name) * ERROR_UNIT / np.maximum(self.rows(name), 1)

    def variances(self, name: str) -> FloatArray:
        """Return the variance (n) of the errors in each cell, shape (cells,)."""
        squares = self._part(2, name) * SQUARE_UNIT / np.maximum(self.rows(name), 1)
        return np.maximum(squares - self.means(name) ** 2, 0.0)

    def update(self, cells: Mapping[str, Codes], errors: FloatArray) -> None:
        """Fold in rows.

        Args:
            cells: of each row, as each feature's cells tell, shape (n,), by feature.
            errors: of each row, shape (n,), 0 or more; NaN where it is not known: such rows are
                left out.
        """
        known = ~np.isnan(errors)
        sizes = np.minimum(errors[known], LARGEST_ERROR)
        if not (cells and sizes.size):
            return
        codes = np.concatenate(
            [MAX_CELLS * self._places[name] + found[known] for name, found in cells.items()]
        )
        units = (None, np.rint(sizes / ERROR_UNIT), np.rint(sizes * sizes / SQUARE_UNIT))
        for sums, weights in zip(self.sums, units, strict=True):
            tiled = None if weights is None else np.tile(weights, len(cells))
            found = np.bincount(codes, weights=tiled, minlength=sums.size)
            sums += np.rint(found).astype(np.int64).reshape(sums.shape)

    def merge(self, other: ErrorCells) -> ErrorCells:
        """Return the sums of both.

        Raises:
            ProfileMismatch: where features or cells differ.
        """
        self._check_same(other)
        return ErrorCells(self.features, self.sums + other.sums)

    def without(self, part: ErrorCells) -> ErrorCells:
        """Return the sums of the rest, of which `merge` with the part would give these.

        Raises:
            ProfileMismatch: where features or cells differ, or the part has more rows.
        """
        self._check_same(part)
        sums = self.sums - part.sums
        if sums.min(initial=0) < 0:
            raise ProfileMismatch("errors cannot be taken away that were never counted.")
        return ErrorCells(self.features, sums)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: sums of rows, errors and squares of features with rows."""
        return {name: self.sums[:, self._places[name]].ravel().tolist() for name in self.names}

    @classmethod
    def from_dict(cls, body: Body, features: Sequence[FeatureCells]) -> ErrorCells:
        """Read what `to_dict` made.

        Args:
            body: the plain values.
            features: the cells of each feature, which the plain values do not hold.

        Raises:
            FormatError: where a feature is unknown or its sums are none.
        """
        result = cls(features)
        for name in body:
            if name not in result._places:
                raise FormatError(f"errors of feature {name!r}, which the baseline lacks")
            sums = body[name]
            if not _are_sums(sums):
                document.refuse(body, name, f"3 * {MAX_CELLS} sums")
            result.sums[:, result._places[name]] = np.array(sums).reshape(3, MAX_CELLS)
        return result

    def _part(self, place: int, name: str) -> IntArray:
        at = self._places[name]
        return self.sums[place, at, : self.features[at].size]

    def _check_same(self, other: ErrorCells) -> None:
        if self.features != other.features:
            raise ProfileMismatch("errors counted in different cells cannot be put together.")


def _are_sums(values: object) -> bool:
    largest = np.iinfo(np.int64).max
    return (
        isinstance(values, list)
        and len(values) == 3 * MAX_CELLS
        and all(document.is_whole(value, 0, largest) for value in values)
    )
