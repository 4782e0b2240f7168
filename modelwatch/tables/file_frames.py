"""Parquet and Arrow files, frame by frame, with whichever library is installed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["ArrowFile", "ParquetFile", "ScannedFile", "WholeFile"]

READ_BYTES = 1 << 20
"""Bytes of each column that pyarrow reads at a time."""

SCANNED_ROWS = 1 << 18
"""Rows that polars reads at a time: for fewer it would decode a group of rows again and again."""


class ParquetFile:
    """A Parquet file that pyarrow reads. Memory: a few batches of decoded rows.

    Args:
        path: the file.
        batch_rows: how many rows a frame has at most.

    Attributes:
        rows: how many the file says that it has.
        needs_look: False, as the types are in the file.
        where: empty: an error names no part of it.
    """

    needs_look = False
    where = ""

    def __init__(self, path: Path, batch_rows: int) -> None:
        self._batch_rows = batch_rows
        from pyarrow import parquet, types

        schema = parquet.read_schema(path)
        texts = [
            field.name
            for field in schema
            if types.is_string(field.type) or types.is_large_string(field.type)
        ]
        # Read as needed: a whole group of rows at once may be larger than memory.
        self._file = parquet.ParquetFile(
            path, read_dictionary=texts, pre_buffer=False, buffer_size=READ_BYTES
        )
        self.rows: int | None = self._file.metadata.num_rows

    def looked_at(self) -> Iterator[float]:
        """Yield nothing: there is nothing to find out first."""
        return iter(())

    def frames(self) -> Iterator[tuple[Any, float]]:
        """Yield record batches, and the share that was read, up to 1."""
        done = 0
        for batch in self._file.iter_batches(batch_size=self._batch_rows):
            done += batch.num_rows
            yield batch, done / max(self.rows or 0, 1)


class ArrowFile:
    """An Arrow file, or stream of one, that pyarrow reads: as large as its own record batches."""

    needs_look = False
    where = ""
    rows: int | None = None

    def __init__(self, path: Path, batch_rows: int) -> None:
        self._batch_rows = batch_rows
        import pyarrow as pa

        self._bytes = max(path.stat().st_size, 1)
        self._source = pa.memory_map(str(path))
        try:
            self._reader: Any = pa.ipc.open_file(self._source)
        except pa.ArrowInvalid:
            self._source.seek(0)
            self._reader = pa.ipc.open_stream(self._source)
            self._path = path

    def looked_at(self) -> Iterator[float]:
        """Yield nothing: there is nothing to find out first."""
        return iter(())

    def frames(self) -> Iterator[tuple[Any, float]]:
        """Yield record batches, and the share that was read, up to 1."""
        for batch, done in self._batches():
            for start in range(0, batch.num_rows, self._batch_rows):
                yield batch.slice(start, self._batch_rows), done

    def _batches(self) -> Iterator[tuple[Any, float]]:
        import pyarrow as pa

        if hasattr(self._reader, "num_record_batches"):
            total = self._reader.num_record_batches
            for place in range(total):
                yield self._reader.get_batch(place), (place + 1) / total
            return
        with pa.memory_map(str(self._path)) as source:
            for batch in pa.ipc.open_stream(source):
                yield batch, source.tell() / self._bytes


class ScannedFile:
    """A file that polars scans, some groups of rows at a time.

    Args:
        path: the file.
        batch_rows: about how many rows a frame has.
        scan: name of the function of polars.
    """

    needs_look = False
    where = ""

    def __init__(self, path: Path, batch_rows: int, scan: str) -> None:
        self._batch_rows = batch_rows
        import polars as pl

        self._frame = getattr(pl, scan)(path)
        self.rows: int | None = int(self._frame.select(pl.len()).collect().item())

    def looked_at(self) -> Iterator[float]:
        """Yield nothing: there is nothing to find out first."""
        return iter(())

    def frames(self) -> Iterator[tuple[Any, float]]:
        """Yield frames, and the share that was read, up to 1."""
        total, step = self.rows or 0, max(self._batch_rows, SCANNED_ROWS)
        for start in range(0, total, step):
            yield self._frame.slice(start, step).collect(), min((start + step) / total, 1.0)


class WholeFile:
    """A file that can only be read as a whole, by pandas. Memory: all of it.

    Args:
        path: the file.
        batch_rows: how many rows a frame has at most.
        read: name of the function of pandas.
    """

    needs_look = False
    where = ""

    def __init__(self, path: Path, batch_rows: int, read: str) -> None:
        self._batch_rows = batch_rows
        read_file = getattr(importlib.import_module("pandas"), read)
        self._frame = read_file(path, dtype_backend="numpy_nullable")  # null stays null
        self.rows: int | None = len(self._frame)

    def looked_at(self) -> Iterator[float]:
        """Yield nothing: there is nothing to find out first."""
        return iter(())

    def frames(self) -> Iterator[tuple[Any, float]]:
        """Yield frames, and the share that was read, up to 1."""
        total = len(self._frame)
        for start in range(0, total, self._batch_rows):
            end = min(start + self._batch_rows, total)
            yield self._frame.iloc[start:end], end / total
