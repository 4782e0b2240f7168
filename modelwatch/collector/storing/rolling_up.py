"""Short spans of the fleet merged into long ones when they have grown old."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from modelwatch.collector.storing.accumulator import Accumulator
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.merged_rows import (
    MERGED_COLUMNS,
    Level,
    MergedRow,
    insert_merged,
    read_merged,
)
from modelwatch.collector.storing.merging import Merger
from modelwatch.collector.storing.other_parts import Others
from modelwatch.collector.storing.series_shelf import SeriesShelf
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.errors import StoreError
from modelwatch.seasons import hour_of_week

__all__ = ["RollUp", "Step"]

CELLS_A_RUN: Final = 200
"""Long rows that are made in one run: the next one goes on."""

_DUE = """
SELECT version_id, segment, baseline_id, (end_ns - 1) / ? FROM merged
WHERE level = ? AND end_ns <= ? GROUP BY 1, 2, 3, 4 ORDER BY 4 LIMIT ?
"""

_SOURCES = f"""
SELECT id, {MERGED_COLUMNS} FROM merged
WHERE version_id = ? AND segment = ? AND baseline_id = ? AND level = ? AND end_ns > ?
    AND end_ns <= ?
"""

Cell = tuple[int, str, str, int]


@dataclass(frozen=True, kw_only=True)
class Step:
    """From which rows to which.

    Attributes:
        source: the short spans.
        target: the long ones.
        grain_seconds: length of a long span; they are aligned to the Unix epoch.
        after_seconds: how long after its end a long span is made of short ones.
    """

    source: Level
    target: Level
    grain_seconds: int
    after_seconds: int


class RollUp:
    """Makes long spans. A damaged row stays as it is, and the others of its span are merged.

    Args:
        database: the file.
        shelf: keeps series.
        merger: lets rows go that are merged into others.
        steps: what is merged into what, and when.
        clock: Unix nanoseconds.
    """

    def __init__(
        self,
        database: Database,
        shelf: SeriesShelf,
        merger: Merger,
        steps: tuple[Step, ...],
        *,
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._merger = merger
        self._steps = steps
        self._clock = clock

    async def run(self) -> int:
        """Merge what is due; return how many long rows were made."""
        made = 0
        for step in self._steps:
            grain_ns = step.grain_seconds * NANOSECONDS
            due_ns = self._clock() - step.after_seconds * NANOSECONDS
            last_ns = due_ns // grain_ns * grain_ns
            arguments = (grain_ns, int(step.source), last_ns, CELLS_A_RUN)
            for cell in await asyncio.to_thread(self._database.read, _DUE, *arguments):
                made += await self._merge(step, cell)
        return made

    async def _merge(self, step: Step, cell: Cell) -> bool:
        sources = await asyncio.to_thread(self._read, step, cell)
        if not sources:
            return False
        row = await asyncio.to_thread(_together, step, list(sources.values()))
        through = {number: source.through_id for number, source in sources.items()}

        def replace(connection: sqlite3.Connection) -> dict[int, int] | None:
            if not self._merger.release(through) or not _unchanged(connection, through):
                return None
            days = self._shelf.store(
                connection, [row.vectors.series_set], self._clock() // NANOSECONDS
            )
            connection.executemany(
                "DELETE FROM merged WHERE id = ?", [(number,) for number in through]
            )
            insert_merged(connection, row)
            return days

        done = await self._database.write(replace, lambda days: self._shelf.stored(days or {}))
        return done is not None

    def _read(self, step: Step, cell: Cell) -> dict[int, MergedRow]:
        version_id, segment, baseline_id, number = cell
        grain_ns = step.grain_seconds * NANOSECONDS
        bounds = (number * grain_ns, (number + 1) * grain_ns)
        found: dict[int, MergedRow] = {}
        with self._database.reading() as connection:
            named = (version_id, segment, baseline_id, int(step.source), *bounds)
            for row_id, *columns in connection.execute(_SOURCES, named):
                try:
                    found[row_id] = read_merged(connection, self._shelf, columns)
                except StoreError:
                    continue
        return found


def _unchanged(connection: sqlite3.Connection, through: dict[int, int]) -> bool:
    for number, known in through.items():
        found = connection.execute(
            "SELECT through_id FROM merged WHERE id = ?", (number,)
        ).fetchone()
        if found is None or found[0] != known:
            return False
    return True


def _together(step: Step, sources: list[MergedRow]) -> MergedRow:
    sums, others = Accumulator(), Others()
    senders: set[int] = set()
    for source in sources:
        sums.add_sums(source.vectors)
        senders |= source.senders
        if source.others is not None:
            others.add_packed(source.others)
        if step.target is Level.DAY:  # of a day it is not known at which hours its rows came
            others.add_hour(hour_of_week(source.start_ns, source.end_ns), source.row_count)
    first = sources[0]
    return MergedRow(
        version_id=first.version_id,
        level=step.target,
        segment=first.segment,
        baseline_id=first.baseline_id,
        start_ns=min(source.start_ns for source in sources),
        end_ns=max(source.end_ns for source in sources),
        through_id=max(source.through_id for source in sources),
        row_count=sum(source.row_count for source in sources),
        senders=senders,
        vectors=sums.vectors(),
        others=others.packed(),
    )
