"""Labels in CSV, the first record of which names the columns."""

from __future__ import annotations

import csv
from typing import Final

from modelwatch.collector.labels.formats import ColumnNames
from modelwatch.collector.labels.label_chunk import LabelChunk
from modelwatch.collector.labels.line_buffer import LineBuffer
from modelwatch.collector.labels.row_checks import typed_text
from modelwatch.errors import DataError
from modelwatch.telemetry.wire.outcomes import OutcomeValue

__all__ = ["CsvLabels", "places_of"]

_MOST_REMEMBERED: Final = 4_096
_CUT_SHORT: Final = "unexpected end of data"


class CsvLabels:
    r"""Reads records of RFC 4180. Not thread-safe.

    Each value is of the type that it would have in a file of a baseline. A record without a label
    is passed over: it is not known yet.

    Args:
        names: of the columns; any others are passed over.
        model: of all rows.

    >>> reader = CsvLabels(model="churn")
    >>> reader.feed(b'prediction_id,label\na,true\n"b,c"').rows
    [Row(line=2, model='churn', prediction_id='a', label=True, time_ns=0)]
    >>> reader.feed(b",7", is_last=True).rows
    [Row(line=3, model='churn', prediction_id='b,c', label=7, time_ns=0)]
    """

    def __init__(self, names: ColumnNames | None = None, *, model: str = "") -> None:
        self._names = names or ColumnNames()
        self._model = model
        self._lines = LineBuffer()
        self._rest: list[str] = []
        self._read = 0
        self._places: tuple[int, int, int | None] | None = None
        self._typed: dict[str, OutcomeValue] = {}

    def feed(self, content: bytes, *, is_last: bool = False) -> LabelChunk:
        """Return the labels of the records that a part completes; see `LabelReader.feed`.

        Raises:
            DataError: the header lacks a column, or a line is too long.
        """
        text = self._lines.cut(content, is_last=is_last).decode(errors="surrogateescape")
        lines = [*self._rest, *_split(text)]
        chunk = LabelChunk()
        reader = csv.reader(lines, strict=True)
        done = 0
        while done < len(lines):
            try:
                record = next(reader)
            except csv.Error as error:
                if str(error) == _CUT_SHORT and not is_last:
                    break
                chunk.refuse(
                    self._read + done + 1, f"no CSV ({error})", "quote it as RFC 4180 says"
                )
            else:
                if record:
                    self._add(chunk, self._read + done + 1, record)
            done = reader.line_num
        self._read += done
        self._rest = lines[done:]
        if is_last and self._places is None:
            raise DataError("there is no CSV header: the first line must name the columns.")
        chunk.require_texts()
        return chunk

    def _add(self, chunk: LabelChunk, line: int, record: list[str]) -> None:
        if self._places is None:
            self._places = places_of(record, self._names)
            return
        id_at, label_at, time_at = self._places
        try:
            prediction_id, text = record[id_at], record[label_at]
            time = record[time_at] if time_at is not None else None
        except IndexError:
            chunk.refuse(
                line, f"a record of {len(record)}", "give one for each column of the header"
            )
            return
        label = self._typed_text(text)
        if label is None:
            chunk.unlabelled += 1
        else:
            chunk.add(line, self._model, prediction_id, label, time)

    def _typed_text(self, text: str) -> OutcomeValue:
        if text in self._typed:
            return self._typed[text]
        typed = typed_text(text)
        if len(self._typed) < _MOST_REMEMBERED:
            self._typed[text] = typed
        return typed


def places_of(header: list[str], names: ColumnNames) -> tuple[int, int, int | None]:
    """Return where the id, the label and the time are found; no time where there is none.

    The column of times has to be there only where it has another name than by default; where its
    name is empty, it is not looked for.

    Raises:
        DataError: a column is absent, or there twice.

    >>> places_of(["label", "prediction_id"], ColumnNames())
    (1, 0, None)
    >>> places_of(["prediction_id", "label", "time"], ColumnNames(time=""))
    (0, 1, None)
    """
    places = []
    for part, name in (("id", names.id), ("label", names.label), ("time", names.time)):
        found = header.count(name)
        if part == "time" and (not name or (not found and name == ColumnNames.time)):
            places.append(-1)
        elif found == 1:
            places.append(header.index(name))
        else:
            named = ", ".join(map(repr, header[:20]))
            wrong = f"{found} columns are named" if found else "there is no column"
            raise DataError(
                f"{wrong} {name!r:.100}; the columns are {named:.1000}: say which holds the {part} "
                f"(the parameter {part} of a request, --{part} of the command)."
            )
    return places[0], places[1], places[2] if places[2] >= 0 else None


def _split(text: str) -> list[str]:
    """Return lines with their ends; of no other characters than these are line ends in CSV."""
    parts = text.split("\n")
    last = parts.pop()
    return [f"{part}\n" for part in parts] + ([last] if last else [])
