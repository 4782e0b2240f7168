"""Labels in Parquet and Arrow files, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from modelwatch.collector.labels.csv_labels import places_of
from modelwatch.collector.labels.formats import ColumnNames
from modelwatch.collector.labels.label_chunk import LabelChunk
from modelwatch.errors import BodyTooLarge, DataError
from modelwatch.tables.batches import load_batches
from modelwatch.tables.compact_columns import MaskedColumn, RawColumn

__all__ = ["TABLE_ROWS", "check_table", "table_labels"]

TABLE_ROWS: Final = 5_000
"""Rows of a table that are read at a time."""


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
    for batch in load_batches(path, TABLE_ROWS).read(lambda _: None):
        columns = list(batch.columns)
        id_at, label_at, time_at = places_of(columns, names)
        ids = _plain(batch.columns[columns[id_at]])
        labels = _plain(batch.columns[columns[label_at]])
        times = [None] * len(ids)
        if time_at is not None:
            times = _plain(batch.columns[columns[time_at]])
        chunk = LabelChunk()
        for place, (prediction_id, label, time) in enumerate(zip(ids, labels, times, strict=True)):
            if label is None or label != label:
                chunk.unlabelled += 1
            else:
                chunk.add(line + place, model, prediction_id, label, time)
        line += len(ids)
        chunk.require_texts()
        yield chunk, 1.0 if batch.done is None else batch.done


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
            f"{most_bytes}, such as 100,000 rows."
        )


def _plain(raw: RawColumn) -> list[Any]:
    """Return one value a row: times as Unix nanoseconds, None where there is none."""
    array = raw.values if isinstance(raw, MaskedColumn) else raw
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fM":
        return [_of_numpy(value) for value in raw.tolist()] if hasattr(raw, "tolist") else list(raw)
    missing = np.isnat(array) if array.dtype.kind == "M" else np.isnan(array)
    if isinstance(raw, MaskedColumn):
        missing = missing | raw.nulls
    if array.dtype.kind == "M":
        array = array.astype("M8[ns]").astype(np.int64)
    values: list[Any] = array.tolist()
    return [None if gone else v for v, gone in zip(values, missing.tolist(), strict=True)]


def _of_numpy(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
