"""What one sender told of one window put together, so that senders can be compared for days.

Rows of one sender, of a window that has ended and is merged into the fleet's, become one: the last
of them takes up the others, in one transaction. Rows that come later stay beside it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from modelwatch.collector.storing.accumulator import Accumulator
from modelwatch.collector.storing.arrival_rows import ARRIVAL_COLUMNS, ArrivalRow, read_arrival
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.other_parts import Others
from modelwatch.collector.storing.series_shelf import SeriesShelf
from modelwatch.collector.storing.vectors import pack_counts, pack_floats
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.errors import StoreError

__all__ = ["Consolidator"]

SETTLE_SECONDS: Final = 60
"""How long after its end a span is left as it is: most of what comes late has come by then."""

LOOK_BACK_SPANS: Final = 4
"""Spans that are looked at again by a process that has just started."""

GROUPS_A_WRITE: Final = 16
"""Senders whose rows are put together in one transaction."""

_GROUPS = """
SELECT instance, segment, baseline_id FROM arrivals INDEXED BY arrivals_by_end
WHERE version_id = ? AND end_ns > ? AND end_ns <= ? AND id <= ?
GROUP BY 1, 2, 3 HAVING count(*) > 1
"""

_ROWS = f"""
SELECT {ARRIVAL_COLUMNS} FROM arrivals INDEXED BY arrivals_by_end
WHERE version_id = ? AND end_ns > ? AND end_ns <= ? AND id <= ?
    AND instance = ? AND segment = ? AND baseline_id = ? ORDER BY id
"""

_UPDATE = """
UPDATE arrivals SET start_ns = ?, end_ns = ?, row_count = ?, set_key = ?, counts = ?, floats = ?,
    others = ? WHERE id = ?
"""


class Consolidator:
    """Puts rows of senders together, first of short spans, then of whole windows.

    Args:
        database: the file.
        shelf: keeps series.
        spans_seconds: lengths of spans, each a multiple of the one before.
        clock: Unix nanoseconds.
    """

    def __init__(
        self,
        database: Database,
        shelf: SeriesShelf,
        *,
        spans_seconds: tuple[int, ...],
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._spans = spans_seconds
        self._clock = clock
        self._done: dict[tuple[int, int], int] = {}

    async def run(self) -> int:
        """Put together what is due; return how many rows that left over."""
        made = 0
        settled_ns = self._clock() - SETTLE_SECONDS * NANOSECONDS
        statement = "SELECT id, merged_through FROM versions WHERE last_seen_ns > ?"
        for seconds in self._spans:
            last = settled_ns // (seconds * NANOSECONDS)
            since_ns = (last - LOOK_BACK_SPANS) * seconds * NANOSECONDS
            for version_id, through in await asyncio.to_thread(
                self._database.read, statement, since_ns
            ):
                oldest = last - LOOK_BACK_SPANS
                first = self._done.get((seconds, version_id), oldest)
                for number in range(first if oldest < first <= last else oldest, last):
                    made += await self._span(version_id, through, number, seconds)
                self._done[seconds, version_id] = last
        return made

    async def _span(self, version_id: int, through: int, number: int, seconds: int) -> int:
        bounds = (number * seconds * NANOSECONDS, (number + 1) * seconds * NANOSECONDS)
        named = (version_id, *bounds, through)
        groups = await asyncio.to_thread(self._database.read, _GROUPS, *named)
        made = 0
        for first in range(0, len(groups), GROUPS_A_WRITE):
            part = groups[first : first + GROUPS_A_WRITE]
            sources = await asyncio.to_thread(self._read, [(*named, *group) for group in part])
            made += await self._replace([rows for rows in sources if len(rows) > 1])
        return made

    def _read(self, names: list[tuple[Any, ...]]) -> list[list[ArrivalRow]]:
        found = []
        with self._database.reading() as connection:
            for named in names:
                rows = []
                for columns in connection.execute(_ROWS, named):
                    try:
                        rows.append(read_arrival(connection, self._shelf, columns))
                    except StoreError:  # it stays as it is
                        continue
                found.append(rows)
        return found

    async def _replace(self, groups: list[list[ArrivalRow]]) -> int:
        together = await asyncio.to_thread(lambda: [_together(rows) for rows in groups])

        def work(connection: sqlite3.Connection) -> dict[int, int]:
            sets = [row.vectors.series_set for row in together]
            days = self._shelf.store(connection, sets, self._clock() // NANOSECONDS)
            connection.executemany(_UPDATE, [_values(row) for row in together])
            taken = [(row.id,) for rows in groups for row in rows[:-1]]
            connection.executemany("DELETE FROM arrivals WHERE id = ?", taken)
            return days

        if together:
            await self._database.write(work, self._shelf.stored)
        return len(together)


def _together(rows: list[ArrivalRow]) -> ArrivalRow:
    sums, others = Accumulator(), Others()
    for row in rows:
        sums.add_sums(row.vectors)
        if row.others is not None:
            others.add_packed(row.others)
    last = rows[-1]
    return ArrivalRow(
        last.id,
        last.version_id,
        last.instance,
        last.segment,
        last.baseline_id,
        min(row.start_ns for row in rows),
        max(row.end_ns for row in rows),
        sum(row.row_count for row in rows),
        sums.vectors(),
        others.packed(),
    )


def _values(row: ArrivalRow) -> tuple[str | int | bytes | None, ...]:
    vectors = row.vectors
    return (
        row.start_ns,
        row.end_ns,
        row.row_count,
        vectors.series_set.key,
        pack_counts(vectors.counts),
        pack_floats(vectors.sums, vectors.minima, vectors.maxima),
        row.others,
        row.id,
    )
