"""Data files in, frames out: with whichever of pyarrow, polars and pandas is installed."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from modelwatch.errors import DataError
from modelwatch.tables.csv_batches import CsvFile, check_header
from modelwatch.tables.csv_parsers import NULL_TEXTS, ArrowParser, PandasParser, PolarsParser
from modelwatch.tables.file_frames import ArrowFile, ParquetFile, ScannedFile, WholeFile

__all__ = ["BATCH_ROWS", "NULL_TEXTS", "SUFFIXES", "DataFile", "read_batches"]

BATCH_ROWS = 1 << 15
"""Rows worked on at a time: a column of them, sorted, stays in the processor's cache."""


class _OpenFile(Protocol):
    """One library's way to read one kind of file."""

    needs_look: bool
    where: str

    @property
    def rows(self) -> int | None: ...

    def looked_at(self) -> Iterator[float]: ...

    def frames(self) -> Iterator[tuple[Any, float]]: ...


_Opener = Callable[[Path, int], _OpenFile]

# Suffix -> library -> what opens such a file with it.
_OPENERS: Mapping[str, Mapping[str, _Opener]] = {
    ".arrow": {
        "pyarrow": ArrowFile,
        "polars": lambda path, rows: ScannedFile(path, rows, "scan_ipc"),
        "pandas": lambda path, rows: WholeFile(path, rows, "read_feather"),
    },
    ".csv": {
        "pyarrow": lambda path, rows: CsvFile(path, ArrowParser()),
        "polars": lambda path, rows: CsvFile(path, PolarsParser()),
        "pandas": lambda path, rows: CsvFile(path, PandasParser()),
    },
    ".parquet": {
        "pyarrow": ParquetFile,
        "polars": lambda path, rows: ScannedFile(path, rows, "scan_parquet"),
        "pandas": lambda path, rows: WholeFile(path, rows, "read_parquet"),
    },
}
_SAME_AS = {".feather": ".arrow", ".ipc": ".arrow", ".pq": ".parquet"}

SUFFIXES: tuple[str, ...] = tuple(sorted({*_OPENERS, *_SAME_AS}))
"""The file name suffixes that can be read."""


class DataFile:
    """A CSV, Parquet or Arrow (Feather) file that is read some rows at a time. Not thread-safe.

    In a CSV file, a column's type is that of all its values, times in ISO 8601 are times, and what
    stands for no value (`NULL_TEXTS`) is missing, whichever library reads it: pyarrow, polars or
    pandas, the first of them that is installed.

    Args:
        path: the file; its suffix tells of which kind it is.
        batch_rows: how many rows a frame has at most, where the kind of file lets one choose.

    Attributes:
        rows: how many it has, where it tells; else None.
        needs_look: whether it has to be read once to find its types, before rows can be had.

    Raises:
        SchemaError: where two columns of a CSV file have one name.
        DataError: where the suffix is unknown, no library that reads it is installed, or the file
            is absent or damaged.
    """

    def __init__(self, path: Path, batch_rows: int = BATCH_ROWS) -> None:
        self._path = path
        self._suffix = _SAME_AS.get(path.suffix.lower(), path.suffix.lower())
        if self._suffix not in _OPENERS:
            raise DataError(
                f"cannot tell what {path} is by its suffix {path.suffix!r}: "
                f"name it {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}."
            )
        if not path.is_file():
            raise DataError(f"there is no file {path}.")
        self._file: _OpenFile | None = None
        open_file = self._opener()
        with self._reading():
            if self._suffix == ".csv":
                check_header(path)
            self._file = open_file(path, batch_rows)
        self.rows = self._file.rows
        self.needs_look = self._file.needs_look

    def looked_at(self) -> Iterator[float]:
        """Find out what has to be known first; yield which share of the file was read, up to 1.

        Raises:
            DataError: where the file is damaged.
        """
        if self._file is not None and self.needs_look:
            with self._reading():
                yield from self._file.looked_at()
            self.needs_look = False

    def batches(self) -> Iterator[tuple[Any, float]]:
        """Yield frames one after the other, and which share of the file was read, up to 1.

        Raises:
            DataError: where the file is damaged.
        """
        for _ in self.looked_at():
            pass
        if self._file is not None:
            with self._reading():
                yield from self._file.frames()

    def _opener(self) -> _Opener:
        for library, opener in _OPENERS[self._suffix].items():
            if importlib.util.find_spec(library) is not None:
                return opener
        raise DataError(
            f"reading {self._suffix} files needs pyarrow, polars or pandas, and none of them is "
            "installed: pip install polars"
        )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Say which file it was, and where in it, where reading it fails."""
        failures: tuple[type[Exception], ...] = (OSError, ValueError, csv.Error, *_library_errors())
        try:
            yield
        except DataError:
            raise
        except failures as error:
            reason = str(error).partition("\n")[0]
            where = "" if self._file is None else self._file.where
            raise DataError(
                f"cannot read {self._path}{where} as a file of kind {self._suffix}: {reason}"
            ) from error


def read_batches(path: Path, batch_rows: int = BATCH_ROWS) -> Iterator[Any]:
    """Read a file as frames of some rows each; see `DataFile`.

    Args:
        path: a CSV, Parquet or Arrow (Feather) file.
        batch_rows: how many rows a frame has at most, where the kind of file lets one choose.

    Raises:
        DataError: see `DataFile`.
    """
    for frame, _ in DataFile(path, batch_rows).batches():
        yield frame


def _library_errors() -> tuple[type[Exception], ...]:
    """Return the roots of errors that are no ValueError."""
    found: list[type[Exception]] = []
    if importlib.util.find_spec("polars") is not None:
        from polars.exceptions import PolarsError

        found.append(PolarsError)
    if importlib.util.find_spec("pyarrow") is not None:
        from pyarrow import ArrowException

        found.append(ArrowException)
    return tuple(found)
