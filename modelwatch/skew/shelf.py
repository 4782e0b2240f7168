"""The columns of a table, one at a time: those of a file wait in a temporary folder."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import numpy as np
import numpy.typing as npt

from modelwatch.skew.values import Column, read_column
from modelwatch.tables.batches import Batches, Progress, load_batches
from modelwatch.tables.compact_columns import CodedColumn, MaskedColumn, RawColumn, concatenated

__all__ = ["Shelf", "open_shelf"]

MOST_TEXTS: Final = 65_536
"""Distinct texts of a column beyond which they wait in a file too."""


class Shelf(Protocol):
    """Columns that are read one at a time."""

    @property
    def names(self) -> list[str]:
        """Names of the columns, in their order."""

    @property
    def rows(self) -> int:
        """How many rows there are."""

    def column(self, name: str) -> Column:
        """Return one column, whole."""


class _InMemory:
    """A table that is in memory as it is."""

    def __init__(self, columns: Mapping[str, RawColumn]) -> None:
        self._columns = columns

    @property
    def names(self) -> list[str]:
        return list(self._columns)

    @property
    def rows(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    def column(self, name: str) -> Column:
        return read_column(self._columns[name])


class _OnDisk:
    """Columns of one table in files of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, _Writer] = {}
        self._rows = 0

    @property
    def names(self) -> list[str]:
        return list(self._writers)

    @property
    def rows(self) -> int:
        return self._rows

    def add(self, columns: Mapping[str, RawColumn], rows: int) -> None:
        """Append some rows; a column that they lack has no value in them."""
        for name, values in columns.items():
            writer = self._writers.get(name)
            if writer is None:
                writer = _Writer(self._folder / str(len(self._writers)))
                writer.add([None] * self._rows)
                self._writers[name] = writer
            writer.add(values)
        for name in self._writers.keys() - columns.keys():
            self._writers[name].add([None] * rows)
        self._rows += rows

    def column(self, name: str) -> Column:
        return read_column(self._writers[name].read())

    def close(self) -> None:
        """Write what is buffered, and let go of the files."""
        for writer in self._writers.values():
            writer.close()


class _Writer:
    """The parts of one column: arrays in a file for each sort, or as they are where odd."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._parts: list[_Part] = []
        self._place: defaultdict[Any, int] = defaultdict(count().__next__)  # a number for each
        self._values: list[Any] = []
        self._texts: Path | None = None

    def add(self, raw: RawColumn) -> None:
        if not len(raw):
            return
        if isinstance(raw, CodedColumn):
            raw = raw.compact()
            keys = (one if isinstance(one, str) else (type(one), one) for one in raw.values)
            table = list(map(self._place.__getitem__, keys))
            codes = np.array([*table, -1], dtype=np.int32)[raw.codes]
            self._write(codes, None, is_coded=True)
        elif isinstance(raw, MaskedColumn):
            self._write(raw.values, raw.nulls)
        elif isinstance(raw, np.ndarray) and raw.dtype.kind in "biufMm":
            self._write(raw, None)
        else:
            self._parts.append(_Part(list(raw)))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._values = [one if isinstance(one, str) else one[1] for one in self._place]
        self._place.clear()
        if len(self._values) > MOST_TEXTS and set(map(type, self._values)) == {str}:
            self._texts = self._path.with_suffix(".texts")
            self._texts.write_text(json.dumps(self._values), encoding="ascii")
            self._values = []

    def read(self) -> RawColumn:
        texts = self._texts
        values = self._values if texts is None else json.loads(texts.read_text(encoding="ascii"))
        is_coded = [part.is_coded for part in self._parts]
        if self._parts and all(is_coded):
            codes = np.concatenate([part.read(self._path)[0] for part in self._parts])
            return CodedColumn(values, codes)
        found: list[RawColumn] = []
        for part in self._parts:
            rows, nulls = part.read(self._path)
            if part.is_coded:
                found.append(CodedColumn(values, rows))
            elif nulls is not None:
                found.append(MaskedColumn(rows, nulls))
            else:
                found.append(rows)
        return concatenated(found) if found else []

    def _write(
        self, values: npt.NDArray[Any], nulls: npt.NDArray[np.bool_] | None, is_coded: bool = False
    ) -> None:
        if self._file is None:
            self._file = self._path.open("wb")
        values = np.ascontiguousarray(values)
        last = self._parts[-1] if self._parts else None
        if nulls is None and last is not None and last.may_grow(values, is_coded):
            last.rows += values.size
        else:
            at = self._file.tell()
            part = _Part(None, at, values.size, values.dtype, nulls is not None, is_coded)
            self._parts.append(part)
        self._file.write(values.tobytes())
        if nulls is not None:
            self._file.write(np.ascontiguousarray(nulls).tobytes())


class _Part:
    """Some rows: where they are in the file, or themselves."""

    def __init__(
        self,
        values: list[Any] | None,
        at: int = 0,
        rows: int = 0,
        dtype: np.dtype[Any] | None = None,
        has_nulls: bool = False,
        is_coded: bool = False,
    ) -> None:
        self.values, self.at, self.rows, self.dtype = values, at, rows, dtype
        self.has_nulls, self.is_coded = has_nulls, is_coded

    def may_grow(self, values: npt.NDArray[Any], is_coded: bool) -> bool:
        """Tell whether rows that are written next belong to this part."""
        is_plain = self.values is None and not self.has_nulls
        return is_plain and self.is_coded == is_coded and self.dtype == values.dtype

    def read(self, path: Path) -> tuple[Any, npt.NDArray[np.bool_] | None]:
        if self.values is not None:
            return self.values, None
        with path.open("rb") as source:
            source.seek(self.at)
            values = np.fromfile(source, dtype=self.dtype, count=self.rows)
            nulls = np.fromfile(source, dtype=bool, count=self.rows) if self.has_nulls else None
        return values, nulls


@contextmanager
def open_shelf(data: object, report: Progress) -> Iterator[Shelf]:
    """Read a table of any kind such that its columns can be had one at a time.

    A table in memory stays as it is. A file, or what comes in parts, is copied by columns into a
    temporary folder, which is removed at the end. Memory: a batch of rows, and the distinct texts
    of all columns while a table is read, of one column later.

    Args:
        data: as `modelwatch.tables.batches.load_batches` takes it.
        report: is told which share was read, up to 1.

    Raises:
        SchemaError: where columns have no proper names, or differ in length.
        DataError: where the data cannot be read.
    """
    batches = load_batches(data)
    if batches.in_memory is not None:
        report(1.0)
        yield _InMemory(batches.in_memory)
        return
    with tempfile.TemporaryDirectory(prefix="modelwatch-skew-") as folder:
        shelf = _OnDisk(Path(folder))
        try:
            _fill(shelf, batches, report)
        finally:
            shelf.close()
        yield shelf


def _fill(shelf: _OnDisk, batches: Batches, report: Progress) -> None:
    """Copy all rows; a look at the whole comes first where the kind of file needs it."""
    looks = batches.needs_look
    if looks:
        batches.look(lambda share: report(share / 2))
    for batch in batches.read(lambda share: report((looks + share) / (1 + looks))):
        shelf.add(batch.columns, batch.rows)
