"""Labels in Parquet and Arrow files, some rows at a time."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from modelwatch.collector.labels.csv_labels import places_of
from modelwatch.collector.labels.formats import ColumnNames
from modelwatch.collector.labels.label_chunk import LabelChunk
from modelwatch.errors import BodyTooLarge, DataError
from modelwatch.tables.batches import load_batches
from modelwatch.tables.compact_columns import MaskedColumn, RawColumn
from modelwatch.tables.raw_columns import raw_columns

__all__ = ["TABLE_ROWS", "check_table", "table_labels"]

TABLE_ROWS: Final = 5_000
"""Rows of a table that are read at a time."""

READ_BYTES: Final = 1 << 20
"""Bytes of each column that pyarrow reads at a time."""

_PARQUET: Final = frozenset({".parquet", ".pq"})


def table_labels(
    path: Path, names: ColumnNames | None = None, *, model: str
) -> Iterator[tuple[LabelChunk, float]]:
    """Yield the labels of a file, and which share of it was read, up to 1.

    A row without a label is passed over: it is not known yet.

    Args:
        path: a file that `modelwatch.tables.data_files.DataFile` reads.
        names: of the columns; any others are passed over.
        model: of all rows.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    names = names or ColumnNames()
    line = 1
    for columns, done in _batches(path, names):
        header = list(columns)
        id_at, label_at, time_at = places_of(header, names)
        ids = _plain(columns[header[id_at]])
        labels = _plain(columns[header[label_at]])
        times = _plain(columns[header[time_at]]) if time_at is not None else [None] * len(ids)
        chunk = LabelChunk()
        for place, (prediction_id, label, time) in enumerate(zip(ids, labels, times, strict=True)):
            if label is None or (isinstance(label, float) and math.isnan(label)):
                chunk.unlabelled += 1
            else:
                chunk.add(line + place, model, prediction_id, label, time)
        line += len(ids)
        chunk.require_texts()
        yield chunk, done


def _batches(path: Path, names: ColumnNames) -> Iterator[tuple[Mapping[str, RawColumn], float]]:
    """Yield the columns of some rows, and which share of the file was read with them."""
    if path.suffix.lower() in _PARQUET and importlib.util.find_spec("pyarrow") is not None:
        yield from _read_by_pyarrow(path, names)
        return
    for batch in load_batches(path, TABLE_ROWS).read(lambda _: None):
        yield batch.columns, 1.0 if batch.done is None else batch.done


def _read_by_pyarrow(
    path: Path, names: ColumnNames
) -> Iterator[tuple[Mapping[str, RawColumn], float]]:
    """Yield the columns that matter: a table of labels may hold all features besides."""
    from pyarrow import ArrowException, parquet

    done = 0
    try:
        with parquet.ParquetFile(path, pre_buffer=False, buffer_size=READ_BYTES) as file:
            header = file.schema_arrow.names
            wanted = [header[at] for at in places_of(header, names) if at is not None]
            for batch in file.iter_batches(TABLE_ROWS, columns=wanted):
                done += batch.num_rows
                yield raw_columns(batch), done / max(file.metadata.num_rows, 1)
    except (ArrowException, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise DataError(f"cannot read {path}: {reason or error!s:.200}.") from error


def check_table(path: Path, *, most_bytes: int) -> None:
    """Do nothing where a Parquet file that somebody sent can be read without much memory.

    Of what the file says of itself: how large each group of its rows is.

    Raises:
        BodyTooLarge: it cannot.
        DataError: it is damaged.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        return
    try:
        metadata = parquet.read_metadata(path)
        groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
        largest = max((group.total_byte_size for group in groups), default=0)
    except (ArrowException, OSError) as error:
        raise DataError(f"{path} is no Parquet file: {error!s:.200}.") from error
    if largest > most_bytes:
        raise BodyTooLarge(
            f"a group of rows of the table has {largest} bytes: write groups of at most "
            f"{most_bytes} bytes, such as 100,000 rows."
        )


def _plain(raw: RawColumn) -> list[Any]:
    """Return one value a row: times as Unix nanoseconds, None where there is none."""
    array = raw.values if isinstance(raw, MaskedColumn) else raw
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fM":
        return (
            [_of_library(value) for value in raw.tolist()] if hasattr(raw, "tolist") else list(raw)
        )
    missing = np.isnat(array) if array.dtype.kind == "M" else np.isnan(array)
    if isinstance(raw, MaskedColumn):
        missing = missing | raw.nulls
    if array.dtype.kind == "M":
        array = array.astype("M8[ns]").astype(np.int64)
    values: list[Any] = array.tolist()
    return [None if gone else v for v, gone in zip(values, missing.tolist(), strict=True)]


def _of_library(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.item() if isinstance(value, np.generic) else value
