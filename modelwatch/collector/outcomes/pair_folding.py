"""Pairs of predictions put into the summaries of their windows.

A summary of two versions is read by the first one's baseline, so that there are two of them: with
the one version first, and with the other.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.collector.outcomes.baselines_read import BaselinesRead
from modelwatch.collector.outcomes.cells import Spans
from modelwatch.collector.outcomes.pair_chunks import Pair, PairChunk, PairEvent, read_pairs
from modelwatch.collector.outcomes.pair_recounting import baselines_of
from modelwatch.collector.storing.database import Database
from modelwatch.collector.windows import TimeWindow
from modelwatch.errors import FormatError, ProfileMismatch, StoreError
from modelwatch.rollout.pair_summary import PairSummary

__all__ = ["PairFolder", "fold_pairs", "pair_tail", "stored_pairs"]

CHUNKS_AT_ONCE: Final = 200

_WAITING: Final = "SELECT DISTINCT first_id, second_id, baseline_ids FROM pair_rows"
_TAIL: Final = """
SELECT number, first_layout, second_layout, row_count, content FROM pair_rows
WHERE first_id = ? AND second_id = ? AND baseline_ids = ? ORDER BY number LIMIT ?
"""
_LET_GO: Final = "DELETE FROM pair_rows WHERE number = ?"
_IN_SPAN: Final = """
SELECT end_ns, content FROM pair_summaries
WHERE first_id = ? AND second_id = ? AND end_ns > ? AND end_ns <= ? AND start_ns >= ?
    AND baseline_ids = ?
"""
_DELETE: Final = """
DELETE FROM pair_summaries WHERE first_id = ? AND second_id = ? AND end_ns > ? AND end_ns <= ?
    AND start_ns >= ? AND baseline_ids = ?
"""
_PUT: Final = """
INSERT OR REPLACE INTO pair_summaries
    (first_id, second_id, baseline_ids, start_ns, end_ns, row_count, content)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""

logger = logging.getLogger(__name__)

Places = npt.NDArray[np.intp]


class _Folded(NamedTuple):
    """Rows of the store that were read, and the summaries of their spans."""

    numbers: list[int]
    contents: dict[tuple[Pair, TimeWindow], tuple[int, bytes]]


class PairFolder:
    """Sums pairs up. Used by one task; nobody else writes their summaries.

    Args:
        database: the file.
        spans: of time.
        baselines: by which predictions are read.
    """

    def __init__(self, database: Database, spans: Spans, baselines: BaselinesRead) -> None:
        self._database = database
        self._spans = spans
        self._baselines = baselines

    async def run(self) -> None:
        """Sum up all pairs that wait for it."""
        waiting = await asyncio.to_thread(self._database.read, _WAITING)
        for first_id, second_id, baseline_ids in waiting:
            size = CHUNKS_AT_ONCE
            while size == CHUNKS_AT_ONCE:
                pair = (first_id, second_id)
                folded = await asyncio.to_thread(self._folded, pair, baseline_ids)
                await self._database.write(partial(_write, baseline_ids, folded))
                size = len(folded.numbers)

    def _folded(self, pair: Pair, baseline_ids: str) -> _Folded:
        with self._database.reading() as connection:
            connection.execute("BEGIN")
            numbers, chunks = pair_tail(connection, pair, baseline_ids, most=CHUNKS_AT_ONCE)
            first, second = baselines_of(connection, self._baselines, pair, baseline_ids)
            found: dict[tuple[Pair, TimeWindow], PairSummary] = {}
            for chunk in chunks:
                for span, places in _spans_of(chunk, self._spans):
                    for asked, seen, empty in (
                        (pair, chunk, PairSummary.empty(first, second)),
                        (pair[::-1], chunk.reversed(), PairSummary.empty(second, first)),
                    ):
                        key = (asked, span)
                        if key not in found and empty is not None:
                            found[key] = stored_pairs(connection, *key, baseline_ids, empty)
                        if key in found:
                            fold_pairs(found[key], seen, places)
        return _Folded(
            numbers, {key: (summary.rows, summary.to_bytes()) for key, summary in found.items()}
        )


def pair_tail(
    connection: sqlite3.Connection, pair: Pair, baseline_ids: str, *, most: int = -1
) -> tuple[list[int], list[PairChunk]]:
    """Return pairs that are not summed up yet, and the numbers of the store's rows they lie in."""
    numbers: list[int] = []
    chunks: list[PairChunk] = []
    for number, *layouts, size, content in connection.execute(_TAIL, (*pair, baseline_ids, most)):
        numbers.append(number)
        try:
            first, second = layouts
            chunks.append(read_pairs(connection, pair, (first, second), size, content))
        except StoreError as error:
            logger.warning("%d pairs are left out: %s", size, error)
    return numbers, chunks


def stored_pairs(
    connection: sqlite3.Connection,
    pair: Pair,
    span: TimeWindow,
    baseline_ids: str,
    empty: PairSummary,
) -> PairSummary:
    """Return what lies in a span, added to nothing; what is damaged is left out, and logged."""
    result = empty
    place = (*pair, span.start_ns, span.end_ns, span.start_ns, baseline_ids)
    for end_ns, content in connection.execute(_IN_SPAN, place).fetchall():
        try:
            result = result.merge(PairSummary.from_bytes(content))
        except (FormatError, ProfileMismatch) as error:
            logger.warning("pairs that end at %d are left out: %s", end_ns, error)
    return result


def fold_pairs(summary: PairSummary, chunk: PairChunk, places: Places) -> None:
    """Put pairs into a summary, then their labels, and take those out that hold no longer."""
    events = chunk.events[places]
    for event, fold in (
        (PairEvent.BOTH, summary.update),
        (PairEvent.LABELLED, summary.update_labels),
        (PairEvent.UNLABELLED, summary.remove_labels),
    ):
        some = places[events == event]
        if some.size:
            fold(chunk.rows(some))


def _spans_of(chunk: PairChunk, spans: Spans) -> Iterator[tuple[TimeWindow, Places]]:
    ends = spans.ends(chunk.at_ns)
    by_span: dict[TimeWindow, list[Places]] = {}
    for end_ns in np.unique(ends).tolist():
        by_span.setdefault(spans.span_of(end_ns), []).append(np.flatnonzero(ends == end_ns))
    for span, parts in by_span.items():
        yield span, np.sort(np.concatenate(parts))


def _write(baseline_ids: str, folded: _Folded, connection: sqlite3.Connection) -> None:
    gone = connection.executemany(_LET_GO, [(number,) for number in folded.numbers]).rowcount
    if folded.numbers and gone != len(folded.numbers):
        raise StoreError(f"{len(folded.numbers) - gone} groups of pairs were summed up meanwhile.")
    for (pair, span), (rows, content) in folded.contents.items():
        place = (*pair, span.start_ns, span.end_ns, span.start_ns, baseline_ids)
        connection.execute(_DELETE, place)
        row = (*pair, baseline_ids, span.start_ns, span.end_ns, rows, content)
        connection.execute(_PUT, row)
