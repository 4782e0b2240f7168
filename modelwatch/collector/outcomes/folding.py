"""What is done with joined rows beside receiving: summed up, and put into longer spans."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from modelwatch.collector.outcomes.baselines_read import BaselinesRead
from modelwatch.collector.outcomes.cells import Spans
from modelwatch.collector.outcomes.summing import Cell, Summed, Summing, write_summaries
from modelwatch.collector.outcomes.tail import by_layout, let_go, read_tail, waiting_rows
from modelwatch.collector.outcomes.watching import Watched, watch, write_watched
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.rolling_up import Step
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.outcomes.custom_metrics import CustomMetrics

__all__ = ["Folder"]

ROWS_AT_ONCE: Final = 400_000
"""Joined rows that are summed up together. With so many, each of them is cheap however many windows
and segments they lie in."""

LONGEST_WAIT_SECONDS: Final = 30.0
"""After which rows are summed up though they are few; until then readers add them up."""

_SHORT: Final = """
SELECT DISTINCT segment, baseline_id, (end_ns - 1) / :grain FROM outcome_summaries
WHERE version_id = :version AND end_ns > :after AND end_ns <= :until
    AND end_ns - start_ns < :grain LIMIT :most
"""
_WINDOWS: Final = """
SELECT (end_ns - 1) / :grain, sum(predictions), sum(labelled), max(through) FROM outcome_windows
WHERE version_id = :version AND end_ns > :after AND end_ns <= :until GROUP BY 1
HAVING max(end_ns - start_ns) < :grain OR count(*) > 1
"""
_OLD_WINDOWS: Final = """
DELETE FROM outcome_windows WHERE version_id = ? AND end_ns > ? AND end_ns <= ?
"""
_LONG_WINDOW: Final = "INSERT INTO outcome_windows VALUES (?, ?, ?, ?, ?, ?)"

CELLS_AT_ONCE: Final = 200

logger = logging.getLogger(__name__)


class _Folded(NamedTuple):
    """Rows that were read, by the numbers of the store's rows, and what they come to."""

    numbers: list[int]
    rows: int
    summed: Summed | None
    watched: Watched | None


class Folder:
    """Sums rows up. Used by one task; nobody else writes summaries.

    Args:
        database: the file.
        spans: of time.
        baselines: by which rows are read.
        custom: metrics to compute besides the built-in ones.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        database: Database,
        spans: Spans,
        baselines: BaselinesRead,
        custom: CustomMetrics | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._spans = spans
        self._custom = custom
        self._clock = clock
        self._baselines = baselines
        self._since: dict[tuple[int, str], float] = {}
        self._long_until: dict[tuple[int, int], int] = {}

    async def run(self, *, at_once: bool = False) -> None:
        """Sum up the rows of versions that have many, or have had some for long.

        Args:
            at_once: all of them.
        """
        waiting = await asyncio.to_thread(self._waiting)
        now = self._clock()
        self._since = {key: self._since.get(key, now) for key in waiting}
        for key, rows in waiting.items():
            is_due = at_once or now - self._since[key] >= LONGEST_WAIT_SECONDS
            while rows > 0 and (is_due or rows >= ROWS_AT_ONCE):
                folded = await self._fold(*key)
                rows = rows - folded if folded else 0  # damaged ones are gone, and not counted

    async def roll_up(self) -> None:
        """Put short spans that have grown old into long ones."""
        versions = await asyncio.to_thread(
            self._database.read, "SELECT DISTINCT version_id FROM outcome_windows"
        )
        for step in self._spans.longer:
            until_ns = self._spans.due_ns(step)
            for (version_id,) in versions:
                key = (step.grain_seconds, version_id)
                if self._long_until.get(key, 0) < until_ns:
                    await self._roll_up(version_id, step, self._long_until.get(key, 0), until_ns)
                    self._long_until[key] = until_ns

    def _waiting(self) -> dict[tuple[int, str], int]:
        with self._database.reading() as connection:
            return {(version, name): rows for version, name, rows in waiting_rows(connection)}

    async def _fold(self, version_id: int, baseline_id: str) -> int:
        """Sum up some rows of a version; return how many."""
        folded = await asyncio.to_thread(self._folded, version_id, baseline_id)

        def work(connection: sqlite3.Connection) -> None:
            let_go(connection, folded.numbers)
            if folded.summed is not None:
                write_summaries(folded.summed, connection)
            if folded.watched is not None:
                write_watched(folded.watched, connection)

        await self._database.write(work)
        return folded.rows

    def _folded(self, version_id: int, baseline_id: str) -> _Folded:
        with self._database.reading() as connection:
            connection.execute("BEGIN")
            tail = read_tail(connection, version_id, baseline_id, most=ROWS_AT_ONCE)
            runs = by_layout(tail.chunks)
            rows = sum(run.places.size for run in runs)
            baseline = self._baselines.judging(connection, version_id, baseline_id)
            if baseline is None:
                told = "%d labels are not summed up: their baseline %s is not there any more"
                logger.warning(told, rows, baseline_id)
                return _Folded(tail.numbers, rows, None, None)
            summing = Summing(connection, version_id, baseline, self._spans, self._custom)
            summed = summing.fold(run.chunk for run in runs)
            watched = watch(connection, version_id, baseline, runs)
            return _Folded(tail.numbers, rows, summed, watched)

    def _summing(
        self, connection: sqlite3.Connection, version_id: int, baseline_id: str
    ) -> Summing | None:
        baseline = self._baselines.judging(connection, version_id, baseline_id)
        if baseline is None:
            return None
        return Summing(connection, version_id, baseline, self._spans, self._custom)

    async def _roll_up(self, version_id: int, step: Step, after_ns: int, until_ns: int) -> None:
        named = {
            "version": version_id,
            "grain": step.grain_seconds * NANOSECONDS,
            "after": after_ns,
            "until": until_ns,
            "most": CELLS_AT_ONCE,
        }
        while True:
            found = await asyncio.to_thread(self._long, named)
            for summed in found:
                await self._database.write(partial(write_summaries, summed))
            if sum(len(summed.contents) for summed in found) < CELLS_AT_ONCE:
                break
        await self._database.write(partial(_roll_up_windows, named))

    def _long(self, named: dict[str, int]) -> list[Summed]:
        """Return long summaries of what lies in short ones."""
        grain_ns, cells = named["grain"], dict[str, list[Cell]]()
        with self._database.reading() as connection:
            connection.execute("BEGIN")
            for segment, baseline_id, number in connection.execute(_SHORT, named).fetchall():
                cell = Cell(segment, number * grain_ns, (number + 1) * grain_ns)
                cells.setdefault(baseline_id, []).append(cell)
            summings = {name: self._summing(connection, named["version"], name) for name in cells}
            return [
                summing.put_together(cells[name])
                for name, summing in summings.items()
                if summing is not None
            ]


def _roll_up_windows(named: dict[str, int], connection: sqlite3.Connection) -> None:
    grain_ns, version_id = named["grain"], named["version"]
    for number, predictions, labelled, through in connection.execute(_WINDOWS, named).fetchall():
        start_ns, end_ns = number * grain_ns, (number + 1) * grain_ns
        connection.execute(_OLD_WINDOWS, (version_id, start_ns, end_ns))
        row = (version_id, end_ns, start_ns, predictions, labelled, through)
        connection.execute(_LONG_WINDOW, row)
