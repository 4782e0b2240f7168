"""Some rows of the training data, as the second pass hands them to whatever sums them up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from modelwatch.feature import FeatureSpec
from modelwatch.tables.columns import (
    CategoricalColumn,
    NumericColumn,
    categorical_column,
    numeric_column,
)
from modelwatch.tables.compact_columns import RawColumn
from modelwatch.tables.value_kinds import infer_kind

__all__ = ["Batch", "Summary"]

Column = NumericColumn | CategoricalColumn


class Batch:
    """Rows in the order of time, each column read once, when it is first asked for.

    All columns of a batch have the same rows, the label's and timestamp's too: what is missing is
    NaN among numbers and None among keys, and no row is left out.

    Args:
        start: number of the first row among all rows, from 0.
        raw: raw columns of one length by name, features and others.
        specs: how the features among them are read.
    """

    def __init__(
        self, start: int, raw: Mapping[str, RawColumn], specs: Mapping[str, FeatureSpec]
    ) -> None:
        self.start = start
        self.raw = raw
        self.rows = len(next(iter(raw.values())))
        self._specs = specs
        self._columns: dict[str, Column] = {}

    def column(self, name: str) -> Column:
        """Return a column as its feature reads it; of others the majority's kind decides."""
        if name not in self._columns:
            values = self.raw[name]
            if name in self._specs:
                self._columns[name] = self._specs[name].read(values)
            elif infer_kind(values) == "numeric":
                self._columns[name] = numeric_column(values)
            else:
                self._columns[name] = categorical_column(values)
        return self._columns[name]

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column's numbers, NaN where there is none, shape (rows,)."""
        column = self.column(name)
        if isinstance(column, NumericColumn):
            return column.values
        return numeric_column(self.raw[name]).values

    def keys(self, name: str) -> list[str | None]:
        """Return a column's category keys, None where there is none, one a row."""
        column = self.column(name)
        if isinstance(column, CategoricalColumn):
            return column.keys
        return categorical_column(self.raw[name]).keys


class Summary(Protocol):
    """What takes part in the second pass: it is given each batch once, in the order of time."""

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
