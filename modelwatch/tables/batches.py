"""Tables of any kind and size, some rows at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Protocol, TypeGuard

from modelwatch.errors import DataError
from modelwatch.parameter_checks import optional_function, shown
from modelwatch.tables.compact_columns import RawColumn
from modelwatch.tables.data_files import BATCH_ROWS, DataFile
from modelwatch.tables.raw_columns import raw_columns

__all__ = ["Batches", "Preparation", "Progress", "RawBatch", "Steps", "load_batches", "read_table"]

Progress = Callable[[float], None]
"""Is told which share of the work is done, in [0, 1], never less than before."""

Parts = Iterator[tuple[Mapping[str, RawColumn], float | None]]


class Preparation(Protocol):
    """Changes tables before they are used."""

    def readable(self, data: object) -> object:
        """Return a table of any kind such that it can be read."""

    def of_columns(self, columns: Mapping[str, RawColumn]) -> dict[str, RawColumn]:
        """Return the columns to use in place of those read."""


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

    def prepared(self, preparation: Preparation) -> Batches:
        """Return the same rows with other columns."""
        if self.in_memory is not None:
            return Batches.of_columns(preparation.of_columns(self.in_memory), self._batch_rows)
        return Batches(
            lambda: ((preparation.of_columns(columns), done) for columns, done in self._read()),
            repeatable=self.repeatable,
            file=self._file,
            batch_rows=self._batch_rows,
        )

    @property
    def needs_look(self) -> bool:
        """Whether it is read once before there are rows, as a large CSV file is for its types."""
        return self._file is not None and self._file.needs_look

    def look(self, report: Progress) -> None:
        """Do that reading; does nothing where it is not needed or was done.

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


def load_batches(
    data: object, batch_rows: int = BATCH_ROWS, preparation: Preparation | None = None
) -> Batches:
    """Read a table of any kind some rows at a time.

    Not for data that a service's clients send: this opens files.

    Args:
        data: a table as `tables.raw_columns` takes it; the name of a CSV, Parquet or Arrow file,
            which may be larger than memory; a list of frames; an iterator of tables; or a function
            without arguments that makes such an iterator.
        batch_rows: how many rows a batch has at most, 1 or more.
        preparation: changes the columns.

    Raises:
        SchemaError: see `raw_columns`.
        DataError: where the data is no table, or the file cannot be read.
    """
    if preparation is None:
        return _loaded(data, batch_rows)
    return _loaded(preparation.readable(data), batch_rows).prepared(preparation)


def _loaded(data: object, batch_rows: int) -> Batches:
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
        return Batches(lambda: _tables(_made_by(data)), batch_rows=batch_rows)
    return Batches.of_columns(raw_columns(data), batch_rows)


class Steps:
    """Tells the share done of work in several steps of about equal length.

    Args:
        progress: is told; nothing is where None.
        count: how many steps there are.

    Raises:
        ConfigurationError: where what is told is no function.

    >>> steps = Steps(print, 2)
    >>> steps.start()(0.5)
    0.25
    >>> steps.start()(1.0)
    1.0
    """

    def __init__(self, progress: Progress | None, count: int) -> None:
        self._progress = optional_function("progress", progress)
        self._count = count
        self._step = -1
        self._told = 0.0

    def start(self) -> Progress:
        """Begin the next step; return what is told its share done."""
        self._step += 1
        return self._report

    def _report(self, share: float) -> None:
        if self._progress is not None:
            self._told = max(self._told, min((self._step + share) / self._count, 1.0))
            self._progress(self._told)


def _tables(tables: Iterable[object]) -> Parts:
    return ((raw_columns(table), None) for table in tables)


def _made_by(function: Callable[[], object]) -> Iterable[object]:
    """Return the tables that a function makes."""
    if not _needs_nothing(function):
        raise DataError(
            "the function given as data needs arguments: give one that is called without any."
        )
    found = function()
    is_table = isinstance(found, (str, bytes, Mapping)) or hasattr(found, "columns")
    if is_table or not isinstance(found, Iterable):
        raise DataError(
            f"the function given as data returned {shown(found)}: let it return an iterator of "
            "tables, a new one whenever it is called."
        )
    return found


def _needs_nothing(function: Callable[..., object]) -> bool:
    try:
        signature(function).bind()
    except TypeError:
        return False
    except ValueError:  # of a function in C, which may not tell
        return True
    return True


def _is_list_of_frames(data: object) -> TypeGuard[Iterable[object]]:
    if not isinstance(data, (list, tuple)) or not data:
        return False
    return not isinstance(data[0], Mapping) and hasattr(data[0], "columns")


def read_table(
    data: object, progress: Progress | None = None, preparation: Preparation | None = None
) -> Iterator[RawBatch]:
    """Yield a table some rows at a time, once, after the look that its kind of file needs.

    Args:
        data: as `load_batches` takes it.
        progress: is told which share of both is done, in [0, 1], where that is known.
        preparation: changes the columns.

    Raises:
        DataError: where the data cannot be read.
    """
    batches = load_batches(data, preparation=preparation)
    steps = Steps(progress, 1 + batches.needs_look)
    if batches.needs_look:
        batches.look(steps.start())
    yield from batches.read(steps.start())
