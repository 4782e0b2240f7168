"""Tables of any kind and size, some rows at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from modelwatch.compact_columns import RawColumn
from modelwatch.data_files import BATCH_ROWS, DataFile
from modelwatch.tables import raw_columns

__all__ = ["Batches", "Progress", "RawBatch", "load_batches", "step_of"]

Progress = Callable[[float], None]
"""Is told which share of the work is done, in [0, 1], never less than before."""

Parts = Iterator[tuple[Mapping[str, RawColumn], float | None]]


@dataclass(frozen=True)
class RawBatch:
    """Some rows of a table.

    Attributes:
        columns: raw columns of one length, by name.
        rows: that length, 1 or more.
        done: share of the table read with these rows, in [0, 1]; None where it is unknown.
    """

    columns: dict[str, RawColumn]
    rows: int
    done: float | None


class Batches:
    """A table that is read some rows at a time.

    Args:
        read: starts reading: yields columns, and which share of the table was read with them.
        in_memory: all rows at once where they are in memory anyway.
        repeatable: whether it can be read more than once.
        file: the file that it is, where that has to be looked at first.
        batch_rows: how many rows a batch has at most.
    """

    def __init__(
        self,
        read: Callable[[], Parts],
        *,
        in_memory: Mapping[str, RawColumn] | None = None,
        repeatable: bool = True,
        file: DataFile | None = None,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        self._read = read
        self._file = file
        self._batch_rows = batch_rows
        self.in_memory = in_memory
        self.repeatable = repeatable

    @classmethod
    def of_columns(cls, columns: Mapping[str, RawColumn], batch_rows: int = BATCH_ROWS) -> Batches:
        """Return batches of a table in memory."""
        return cls(lambda: iter([(columns, 1.0)]), in_memory=columns, batch_rows=batch_rows)

    @property
    def looks(self) -> int:
        """How often the table is read before there are rows: 1 for a large CSV file, else 0."""
        return 0 if self._file is None else self._file.looks

    def look(self, report: Progress) -> None:
        """Read it as often; does nothing where that was done.

        Raises:
            DataError: where the data cannot be read.
        """
        if self._file is not None:
            for done in self._file.looked_at():
                report(done)

    def read(self, report: Progress) -> Iterator[RawBatch]:
        """Yield the rows in their order; batches without a row are passed over.

        Args:
            report: is told, after each batch, which share of the table was read.

        Raises:
            SchemaError: where columns have no proper names, or differ in length.
            DataError: where the data cannot be read.
        """
        for columns, done in self._read():
            rows = len(next(iter(columns.values()), ()))
            for start in range(0, rows, self._batch_rows):
                end = min(start + self._batch_rows, rows)
                part = {name: values[start:end] for name, values in columns.items()}
                share = end / rows if self.in_memory is not None else done
                yield RawBatch(part if rows > end - start else dict(columns), end - start, share)
                if share is not None:
                    report(share)


def load_batches(data: object, batch_rows: int = BATCH_ROWS) -> Batches:
    """Read a table of any kind some rows at a time.

    Not for data that a service's clients send: this opens files.

    Args:
        data: a table as `tables.raw_columns` takes it; the name of a CSV, Parquet or Arrow file,
            which may be larger than memory; a list of frames; an iterator of tables; or a function
            without arguments that makes such an iterator.
        batch_rows: how many rows a batch has at most, 1 or more.

    Raises:
        SchemaError: see `raw_columns`.
        DataError: where the data is no table, or the file cannot be read.
    """
    if isinstance(data, (str, os.PathLike)):
        file = DataFile(Path(data), batch_rows)
        return Batches(
            lambda: ((raw_columns(frame), done) for frame, done in file.batches()),
            file=file,
            batch_rows=batch_rows,
        )
    if isinstance(data, Iterator):
        return Batches(lambda: _tables(data), repeatable=False, batch_rows=batch_rows)
    if _is_list_of_frames(data):
        return Batches(lambda: _tables(data), batch_rows=batch_rows)
    if callable(data):
        return Batches(lambda: _tables(data()), batch_rows=batch_rows)
    return Batches.of_columns(raw_columns(data), batch_rows)


def step_of(progress: Progress | None, step: int, steps: int) -> Progress:
    """Return what is told the share done of one of several steps, the first being 0.

    >>> step_of(print, 1, 2)(0.5)
    0.75
    """
    if progress is None:
        return lambda share: None
    return lambda share: progress((step + share) / steps)


def _tables(tables: Iterable[object]) -> Parts:
    return ((raw_columns(table), None) for table in tables)


def _is_list_of_frames(data: object) -> TypeGuard[Iterable[object]]:
    if not isinstance(data, (list, tuple)) or not data:
        return False
    return not isinstance(data[0], Mapping) and hasattr(data[0], "columns")
