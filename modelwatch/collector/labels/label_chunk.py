"""Some labels as they were read: those that can be taken as columns, the others by their line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from modelwatch.collector.labels.row_checks import (
    BadValue,
    checked_id,
    checked_label,
    checked_model,
    checked_time,
)
from modelwatch.telemetry.wire.outcomes import LabelRows, OutcomeValue

__all__ = ["MOST_SHOWN", "LabelChunk", "LabelReader", "RefusedRow", "Row"]

MOST_SHOWN: Final = 20
"""Refused rows that are told of one by one."""


class RefusedRow(NamedTuple):
    """A row that is not taken.

    Attributes:
        line: its line, or its place in a list or table; from 1.
        problem: what is wrong.
        remedy: what to do.
    """

    line: int
    problem: str
    remedy: str


class Row(NamedTuple):
    """One label that can be taken.

    Attributes:
        line: its line, or its place in a list or table; from 1.
        model: the model's name.
        prediction_id: of the prediction.
        label: what turned out to be true.
        time_ns: when that was known, Unix nanoseconds; 0 where it is not told.
    """

    line: int
    model: str
    prediction_id: str
    label: OutcomeValue
    time_ns: int


@dataclass
class LabelChunk:
    """Some labels. Not thread-safe.

    Attributes:
        rows: those that can be taken.
        refused: how many cannot.
        shown: the first of these.
        unlabelled: rows of a table whose label is empty, as it is not known yet.
    """

    rows: list[Row] = field(default_factory=list)
    refused: int = 0
    shown: list[RefusedRow] = field(default_factory=list)
    unlabelled: int = 0

    def add(self, line: int, model: Any, prediction_id: Any, label: Any, time: Any) -> None:
        """Add a row, to those that can be taken or to the others."""
        try:
            row = Row(
                line,
                checked_model(model),
                checked_id(prediction_id),
                checked_label(label),
                checked_time(time),
            )
        except BadValue as error:
            self.refuse(line, error.problem, error.remedy)
        else:
            self.rows.append(row)

    def refuse(self, line: int, problem: str, remedy: str) -> None:
        """Note a row that is not taken."""
        self.refused += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(RefusedRow(line, problem, remedy))

    def keep(self, rows: Sequence[Row]) -> None:
        """Let these rows be all that can be taken."""
        self.rows = list(rows)

    def require_texts(self) -> None:
        """Refuse rows with half characters, which no text in UTF-8 has."""
        told = [text for row in self.rows for text in row[1:4] if isinstance(text, str)]
        if _is_text("".join(told)):
            return
        whole = []
        for row in self.rows:
            if all(_is_text(text) for text in row[1:4] if isinstance(text, str)):
                whole.append(row)
            else:
                self.refuse(row.line, "characters that are not UTF-8", "write the row in UTF-8")
        self.keep(whole)

    def batches(self, most_rows: int) -> Iterator[list[LabelRows]]:
        """Yield the rows in their order, so many at a time, as columns of each model."""
        for start in range(0, len(self.rows), most_rows):
            by_model: dict[str, list[Row]] = {}
            for row in self.rows[start : start + most_rows]:
                by_model.setdefault(row.model, []).append(row)
            yield [_columns(model, rows) for model, rows in by_model.items()]


class LabelReader(Protocol):
    """Reads labels from a text that comes in parts. Not thread-safe."""

    def feed(self, content: bytes, *, is_last: bool = False) -> LabelChunk:
        """Return the labels that a part completes; what is left waits for the next part.

        Raises:
            DataError: nothing more can be read.
        """
        ...


def _columns(model: str, rows: Sequence[Row]) -> LabelRows:
    return LabelRows(
        model=model,
        ids=[row.prediction_id for row in rows],
        labels=[row.label for row in rows],
        times_ns=[row.time_ns for row in rows],
    )


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
