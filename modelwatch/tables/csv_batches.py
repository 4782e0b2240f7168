"""CSV files in parts that each hold whole records."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwatch.errors import DataError, SchemaError
from modelwatch.tables.csv_parsers import CsvParser, Types

__all__ = ["PART_BYTES", "CsvFile", "check_header"]

PART_BYTES = 1 << 23
"""About so many bytes of a file are parsed at a time."""

_QUOTE, _LINE_END = b'"', b"\n"


@dataclass(frozen=True)
class _Part:
    """The header and some records; the number of their first line; where they end, in bytes."""

    text: bytes
    first_line: int
    lines: int
    end: int


class CsvFile:
    """A CSV file that is read in parts, with types that hold for all of it. Not thread-safe.

    A file of more than one part is parsed once to find the types, by `looked_at`. Memory: a few
    parts; a record longer than a part makes its part longer.

    Args:
        path: a file in UTF-8, whose first record is the header.
        parser: reads the parts.
        part_bytes: about how long a part is; `PART_BYTES` where 0.

    Attributes:
        rows: None, as a CSV file does not tell.
        needs_look: whether its types have to be found first, as it has more than one part.
        where: the lines of the part that was read last, for error messages.
    """

    rows: int | None = None

    def __init__(self, path: Path, parser: CsvParser, part_bytes: int = 0) -> None:
        self._path = path
        self._parser = parser
        self._part_bytes = part_bytes or PART_BYTES
        self._bytes = path.stat().st_size
        self._types: Types | None = None
        self.needs_look = self._bytes > self._part_bytes
        self.where = ""

    def looked_at(self) -> Iterator[float]:
        """Find the types, and yield which share of the file was looked at, up to 1."""
        types: dict[str, Any] = {}
        for part in self._parts():
            for name, kind in self._parser.types(self._parser.parse(part.text)).items():
                before = types.get(name)
                both = before is not None and kind is not None
                types[name] = self._parser.common(before, kind) if both else before or kind
            yield part.end / self._bytes
        self._types = types

    def frames(self) -> Iterator[tuple[Any, float]]:
        """Yield the parts as frames, and which share of the file was read, up to 1."""
        for part in self._parts():
            yield self._parser.parse(part.text, self._types), part.end / max(self._bytes, 1)

    def _parts(self) -> Iterator[_Part]:
        header, line = b"", 1
        for records, end in _records(self._path, self._part_bytes):
            if not header:
                at = _end_of_header(records)
                header, records = records[:at], records[at:]
                line += header.count(_LINE_END)
            part = _Part(header + records, line, records.count(_LINE_END), end)
            line += part.lines
            self.where = f", lines {part.first_line} to {max(line - 1, part.first_line)}"
            yield part
        self.where = ""


def check_header(path: Path) -> None:
    """Refuse two columns of one name, which libraries rename each in its own way, and no columns.

    Raises:
        SchemaError: where two columns have one name.
        DataError: where the file has no line of column names.
    """
    with path.open(encoding="utf-8-sig", newline="") as lines:
        names = next((row for row in csv.reader(lines) if row), [])
    if not names:
        raise DataError(f"{path} is empty: its first line must name the columns.")
    doubled = next((name for name, count in Counter(names).items() if count > 1), None)
    if doubled is not None:
        raise SchemaError(
            f"{names.count(doubled)} columns of {path} are named {doubled!r}: names must be unique."
        )


def _records(path: Path, part_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Yield whole records, and the bytes of the file up to their end."""
    rest, size = b"", path.stat().st_size
    with path.open("rb") as source:
        while (block := source.read(part_bytes)) and source.tell() < size:
            rest += block
            cut = _end_of_records(rest)
            if cut:
                yield rest[:cut], source.tell() - len(rest) + cut
                rest = rest[cut:]
        if rest or block or not size:
            yield rest + block, size


def _end_of_records(text: bytes) -> int:
    r"""Return behind the last line end that is not between quotes; 0 where there is none.

    Up to it there is an even number of quotes, as a quote within quotes is doubled.

    >>> _end_of_records(b'a,b\n"x\ny",1\n"z\n'), _end_of_records(b'"a\n')
    (12, 0)
    """
    end = len(text)
    quotes = text.count(_QUOTE)
    while (at := text.rfind(_LINE_END, 0, end)) >= 0:
        quotes -= text.count(_QUOTE, at, end)
        if quotes % 2 == 0:
            return at + 1
        end = at
    return 0


def _end_of_header(text: bytes) -> int:
    """Return behind the first record that is not empty."""
    end = 0
    while end < len(text):
        at = text.find(_LINE_END, end)
        end = len(text) if at < 0 else at + 1
        if text[:end].count(_QUOTE) % 2 == 0 and text[:end].strip():
            return end
    return end
