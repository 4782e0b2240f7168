"""Joined rows put into the summaries of their windows and segments."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline
from modelwatch.collector.outcomes.cells import Spans
from modelwatch.collector.outcomes.joined_chunks import TAKEN, JoinedChunk
from modelwatch.collector.windows import TimeWindow
from modelwatch.errors import FormatError, ProfileMismatch
from modelwatch.outcomes.custom_metrics import CustomMetrics
from modelwatch.outcomes.outcome_summary import OutcomeSummary

__all__ = ["Cell", "Summed", "Summing", "fold_in", "write_summaries"]

_IN_SPAN: Final = """
SELECT end_ns, content FROM outcome_summaries
WHERE version_id = ? AND end_ns > ? AND end_ns <= ? AND baseline_id = ? AND segment = ?
"""
_IN_WINDOW: Final = """
SELECT segment, end_ns, content FROM outcome_summaries
WHERE version_id = ? AND end_ns > ? AND end_ns <= ? AND start_ns >= ? AND baseline_id = ?
"""
_DELETE: Final = """
DELETE FROM outcome_summaries
WHERE version_id = ? AND end_ns > ? AND end_ns <= ? AND baseline_id = ? AND segment = ?
"""
_PUT: Final = """
INSERT OR REPLACE INTO outcome_summaries
    (version_id, end_ns, baseline_id, segment, start_ns, row_count, content)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""

logger = logging.getLogger(__name__)

Places = npt.NDArray[np.intp]


class Cell(NamedTuple):
    """A summary's place: a segment (empty for all rows) and a span of time."""

    segment: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Summed:
    """Summaries of one version and baseline, each for the place of what lies in its span.

    Attributes:
        version_id: of which version.
        baseline_id: for which baseline.
        contents: rows and bytes by place.
    """

    version_id: int
    baseline_id: str
    contents: dict[Cell, tuple[int, bytes]] = field(default_factory=dict)


class Summing:
    """Sums up rows of one version for one baseline. Reads, and writes nothing.

    Args:
        connection: sees one moment of the file.
        version_id: of which version.
        baseline: for which baseline.
        spans: of time.
        custom: metrics to compute besides the built-in ones.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        version_id: int,
        baseline: Baseline,
        spans: Spans,
        custom: CustomMetrics | None,
    ) -> None:
        self._connection = connection
        self._version_id = version_id
        self._baseline = baseline
        self._spans = spans
        self._custom = custom

    def fold(self, chunks: Iterable[JoinedChunk]) -> Summed:
        """Return the summaries that rows lie in, with these rows."""
        summed = Summed(self._version_id, self._baseline.id)
        parts: dict[Cell, list[tuple[JoinedChunk, Places]]] = {}
        for chunk in chunks:
            for cell, places in self._cells(chunk):
                parts.setdefault(cell, []).append((chunk, places))
        for cell, some in parts.items():  # one after the other: together they would take much room
            summary = self.stored(cell)
            for chunk, places in some:
                fold_in(summary, chunk, places)
            summed.contents[cell] = (summary.rows, summary.to_bytes())
        return summed

    def of_window(self, window: TimeWindow) -> dict[str, OutcomeSummary]:
        """Return by segment what lies in spans that lie in a window."""
        result: dict[str, OutcomeSummary] = {}
        place = (self._version_id, window.start_ns, window.end_ns, window.start_ns)
        found = self._connection.execute(_IN_WINDOW, (*place, self._baseline.id)).fetchall()
        for segment, end_ns, content in found:
            part = self._read(end_ns, content)
            if part is not None:
                before = result.get(segment)
                result[segment] = part if before is None else before.merge(part)
        return result

    def add(self, found: dict[str, OutcomeSummary], chunk: JoinedChunk, places: Places) -> None:
        """Put rows into summaries by segment."""
        for segment, some in _by_segment(chunk, places):
            if segment not in found:
                found[segment] = OutcomeSummary.empty(self._baseline, custom=self._custom)
            fold_in(found[segment], chunk, some)

    def put_together(self, cells: list[Cell]) -> Summed:
        """Return what lies in some spans, each in one summary."""
        summed = Summed(self._version_id, self._baseline.id)
        for cell in cells:
            summary = self.stored(cell)
            summed.contents[cell] = (summary.rows, summary.to_bytes())
        return summed

    def stored(self, cell: Cell) -> OutcomeSummary:
        """Return what lies in a span; what is damaged is left out, and logged."""
        result = OutcomeSummary.empty(self._baseline, custom=self._custom)
        place = (self._version_id, cell.start_ns, cell.end_ns, self._baseline.id, cell.segment)
        for end_ns, content in self._connection.execute(_IN_SPAN, place).fetchall():
            part = self._read(end_ns, content)
            if part is not None:
                result = result.merge(part)
        return result

    def _read(self, end_ns: int, content: bytes) -> OutcomeSummary | None:
        try:
            return OutcomeSummary.from_bytes(content, self._baseline, custom=self._custom)
        except FormatError as error:
            logger.warning("a summary of labels that ends at %d is left out: %s", end_ns, error)
            return None

    def _cells(self, chunk: JoinedChunk) -> Iterator[tuple[Cell, Places]]:
        """Yield where rows lie: each in the whole and, where it has one, in its segment."""
        ends, numbers = np.unique(self._spans.ends(chunk.predicted_ns), return_inverse=True)
        spans = [self._spans.span_of(end_ns) for end_ns in ends.tolist()]
        distinct = sorted(set(spans), key=lambda span: span.end_ns)
        at = {span: number for number, span in enumerate(distinct)}
        spans_of_rows = np.array([at[span] for span in spans], np.int64)[numbers]
        for number, places in _groups(spans_of_rows):
            span = distinct[number]
            for segment, some in _by_segment(chunk, places):
                yield Cell(segment, span.start_ns, span.end_ns), some


def fold_in(summary: OutcomeSummary, chunk: JoinedChunk, places: Places) -> None:
    """Put rows into a summary, and take those out that hold no longer."""
    gone = chunk.signs[places] == TAKEN
    summary.update(chunk.rows(places[~gone]))
    if gone.any():
        try:
            summary.remove(chunk.rows(places[gone]))
        except ProfileMismatch as error:
            logger.warning("labels cannot be taken back from a summary: %s", error)


def write_summaries(summed: Summed, connection: sqlite3.Connection) -> None:
    """Put summaries in the place of what lies in their spans, in the current transaction."""
    version_id, baseline_id = summed.version_id, summed.baseline_id
    for cell, (rows, content) in summed.contents.items():
        span = (version_id, cell.start_ns, cell.end_ns, baseline_id, cell.segment)
        connection.execute(_DELETE, span)
        if rows:
            connection.execute(
                _PUT,
                (version_id, cell.end_ns, baseline_id, cell.segment, cell.start_ns, rows, content),
            )


def _by_segment(chunk: JoinedChunk, places: Places) -> Iterator[tuple[str, Places]]:
    """Yield all rows, by the empty text, then those of each segment."""
    if places.size:
        yield "", places
    segments = chunk.columns.segments
    for code, some in _groups(segments.codes[places]):
        name = segments.values[code] if code >= 0 else ""
        if name:
            yield str(name), places[some]


def _groups(numbers: npt.NDArray[np.int64]) -> Iterator[tuple[int, Places]]:
    """Yield each number, and where it stands, in order."""
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    bounds = np.flatnonzero(np.diff(ordered)) + 1
    for places in np.split(order, bounds):
        if places.size:
            yield int(numbers[places[0]]), places
