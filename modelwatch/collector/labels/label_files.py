"""Labels in files of any kind, or from standard input, some rows at a time."""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from modelwatch.collector.labels.csv_labels import CsvLabels
from modelwatch.collector.labels.formats import ColumnNames, LabelFormat
from modelwatch.collector.labels.json_labels import JsonLabels, NdjsonLabels
from modelwatch.collector.labels.label_chunk import LabelChunk, LabelReader
from modelwatch.collector.labels.table_labels import table_labels
from modelwatch.errors import DataError
from modelwatch.tables.data_files import SUFFIXES

__all__ = ["STDIN", "Part", "format_of", "label_parts"]

STDIN: Final = Path("-")

MOST_JSON_BYTES: Final = 256 * 1_048_576
"""A file of JSON that is no NDJSON is read as a whole."""

_PART_BYTES: Final = 262_144


_BY_SUFFIX: Final = {
    ".csv": LabelFormat.CSV,
    ".json": LabelFormat.JSON,
    ".jsonl": LabelFormat.NDJSON,
    ".ndjson": LabelFormat.NDJSON,
    **{suffix: LabelFormat.PARQUET for suffix in SUFFIXES if suffix != ".csv"},
}


class Part(NamedTuple):
    """Some labels of a file, and which share of it was read with them, in [0, 1], where known."""

    chunk: LabelChunk
    done: float | None


def format_of(path: Path) -> LabelFormat:
    """Return what a file is written in, as its suffix tells; NDJSON on standard input.

    Raises:
        DataError: the suffix does not tell.

    >>> format_of(Path("labels.csv.gz")).value, format_of(STDIN).value
    ('csv', 'ndjson')
    """
    if path == STDIN:
        return LabelFormat.NDJSON
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    kind = _BY_SUFFIX.get(plain.suffix.lower())
    if kind is None:
        known = ", ".join(sorted(_BY_SUFFIX))
        raise DataError(
            f"cannot tell what {path} is by its suffix {plain.suffix!r}: name it one of {known}, "
            "or give --format."
        )
    return kind


def label_parts(path: Path, names: ColumnNames, *, model: str, kind: LabelFormat) -> Iterator[Part]:
    """Yield the labels of a file in their order.

    Args:
        path: the file, also a gzipped one of text; `STDIN` for standard input.
        names: of columns and members.
        model: of rows that name none.
        kind: what it is written in.

    Raises:
        DataError: it cannot be read, or not to its end.
    """
    with _failing_as_data(path):
        if kind is LabelFormat.PARQUET:
            yield from _of_table(path, names, model)
        else:
            yield from _of_text(path, _reader(kind, names, model))


def _reader(kind: LabelFormat, names: ColumnNames, model: str) -> LabelReader:
    if kind is LabelFormat.CSV:
        return CsvLabels(names, model=model)
    if kind is LabelFormat.NDJSON:
        return NdjsonLabels(names, model=model)
    return JsonLabels(names, model=model, most_bytes=MOST_JSON_BYTES)


def _of_text(path: Path, reader: LabelReader) -> Iterator[Part]:
    size = 0 if path == STDIN else path.stat().st_size
    with _opened(path) as source:
        content = gzip.GzipFile(fileobj=source) if path.suffix.lower() == ".gz" else source
        while part := content.read(_PART_BYTES):
            chunk = reader.feed(part)
            yield Part(chunk, min(source.tell() / size, 1.0) if size else None)
        yield Part(reader.feed(b"", is_last=True), 1.0)


def _of_table(path: Path, names: ColumnNames, model: str) -> Iterator[Part]:
    if path != STDIN:
        yield from (Part(*part) for part in table_labels(path, names, model=model))
        return
    with tempfile.TemporaryDirectory(prefix="modelwatch-labels-") as folder:
        spooled = Path(folder, "labels.parquet")
        with spooled.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield from (Part(*part) for part in table_labels(spooled, names, model=model))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if path == STDIN:
        yield sys.stdin.buffer
        return
    with path.open("rb") as source:
        yield source


@contextmanager
def _failing_as_data(path: Path) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(f"{'standard input' if path == STDIN else path}: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataError(f"cannot read {path}: {reason}.") from error
