"""Some rows of a table, in the form in which the model was trained on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ConfigurationError
from modelwatch.tables.compact_columns import CodedColumn, MaskedColumn, RawColumn, taken
from modelwatch.tables.fields import is_nested
from modelwatch.tables.raw_columns import raw_columns

__all__ = ["ModelRows", "frame_of_columns", "rows_of"]

Positions = npt.NDArray[np.intp]


class ModelRows(Protocol):
    """Rows of the input columns of a model."""

    def native(self) -> Any:
        """Return them as the kind of table that the model is given."""

    def permuted(self, name: str, order: Positions) -> Any:
        """Return the same with the values of one column in another order."""


class FrameRows:
    """Rows of a pandas or polars frame, or of a pyarrow table.

    Args:
        frame: the table.
        names: the columns to keep, in their order.
        rows: positions of the rows to keep.
    """

    def __init__(self, frame: Any, names: Sequence[str], rows: Positions) -> None:
        import narwhals.stable.v2 as nw

        self._frame = nw.from_native(frame, eager_only=True).select(*names)[rows.tolist()]

    def native(self) -> Any:
        """Return a frame of the same library."""
        return self._frame.to_native()

    def permuted(self, name: str, order: Positions) -> Any:
        """Return such a frame with one column in another order; its row labels stay."""
        moved = self._frame[order.tolist()]
        return self._frame.with_columns(moved[name]).to_native()


class MappingRows:
    """Rows of a mapping of arrays.

    Args:
        columns: raw columns of one length.
        names: the columns to keep, in their order.
        rows: positions of the rows to keep.
    """

    def __init__(
        self, columns: Mapping[str, RawColumn], names: Sequence[str], rows: Positions
    ) -> None:
        self._columns = {name: taken(columns[name], rows) for name in names}

    def native(self) -> Any:
        """Return a dictionary of arrays."""
        return dict(self._columns)

    def permuted(self, name: str, order: Positions) -> Any:
        """Return such a dictionary with one column in another order."""
        return self._columns | {name: taken(self._columns[name], order)}


class ListRows:
    """Rows that are a mapping each.

    Args:
        rows: the mappings.
        names: the keys to keep, in their order.
        at: positions of the rows to keep.
    """

    def __init__(
        self, rows: Sequence[Mapping[str, Any]], names: Sequence[str], at: Positions
    ) -> None:
        self._names = tuple(names)
        self._rows = [rows[place] for place in at.tolist()]

    def native(self) -> Any:
        """Return a list of dictionaries."""
        return [{name: row[name] for name in self._names if name in row} for row in self._rows]

    def permuted(self, name: str, order: Positions) -> Any:
        """Return such a list in which each row has the value that another one had, or lacks it."""
        found = []
        for row, place in zip(self._rows, order.tolist(), strict=True):
            of = {other: self._rows[place] if other == name else row for other in self._names}
            found.append({key: given[key] for key, given in of.items() if key in given})
        return found


def rows_of(table: Any, names: Sequence[str], rows: Positions) -> ModelRows:
    """Return some rows of a table in memory, of whatever kind `raw_columns` takes.

    Args:
        table: the table.
        names: the columns that the model reads, in their order.
        rows: positions of the rows.

    Raises:
        ConfigurationError: where they are nested, as the model may not take them flat.
    """
    if isinstance(table, Mapping):
        return MappingRows(raw_columns(table), names, rows)
    if isinstance(table, Sequence):
        if not all(_is_flat(table[place]) for place in rows.tolist()):
            raise ConfigurationError(
                "model_object is asked about rows that are flat mappings or a frame, and these are "
                "nested or no mappings: give such rows, or importances in its place."
            )
        return ListRows(table, names, rows)
    if type(table).__name__ == "RecordBatch":
        import pyarrow as pa

        table = pa.Table.from_batches([table])
    return FrameRows(table, names, rows)


def _is_flat(row: object) -> bool:
    return isinstance(row, Mapping) and not any(map(is_nested, row.values()))


def frame_of_columns(columns: Mapping[str, RawColumn]) -> Any:
    """Return raw columns as a pandas frame.

    Raises:
        ConfigurationError: where pandas is not installed.
    """
    if find_spec("pandas") is None:
        raise ConfigurationError(
            "model_object is given rows of a file or a stream as a pandas frame, and pandas is not "
            "installed: pip install pandas, or give the data as a table in memory."
        )
    import pandas as pd

    return pd.DataFrame({name: _plain(values) for name, values in columns.items()})


def _plain(values: RawColumn) -> Any:
    """Return values as pandas itself would read them: numbers with NaN for null, else objects."""
    if isinstance(values, MaskedColumn):
        if values.values.dtype.kind in "Mm":
            return np.where(values.nulls, np.array("NaT", dtype=values.values.dtype), values.values)
        return np.where(values.nulls, np.nan, values.values.astype(np.float64))
    return values.tolist() if isinstance(values, CodedColumn) else values
