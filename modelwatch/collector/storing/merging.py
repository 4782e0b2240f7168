"""Arrivals of all senders added up, one row of the fleet a grain of time.

What was committed is added to open rows in memory. From time to time those of a version that
changed are written, and with them, in the same transaction, through which arrival the version is
merged: a reader takes the merged rows and the arrivals after that one, and each arrival once. What
a killed process had not written yet is read from the arrivals when it starts again.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from modelwatch.collector.storing.arrival_rows import ARRIVAL_COLUMNS, ArrivalRow, read_arrival
from modelwatch.collector.storing.merged_rows import insert_merged, update_merged
from modelwatch.collector.storing.open_row import OpenRow
from modelwatch.collector.storing.series_shelf import SeriesShelf
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.errors import ModelwatchError

__all__ = ["Flushed", "Merger"]

MOST_BYTES: Final = 64 * 1_048_576
"""Of vectors in memory; versions that would need more are merged from the file, later."""

ROWS_A_CATCH_UP: Final = 200
"""Arrivals read from the file in one transaction; bounds how long acknowledgements wait."""

_UNMERGED = f"""
SELECT {ARRIVAL_COLUMNS} FROM arrivals INDEXED BY arrivals_by_version
WHERE version_id = ? AND id > (SELECT merged_through FROM versions WHERE id = ?)
ORDER BY id LIMIT ?
"""

logger = logging.getLogger(__name__)

Cell = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Flushed:
    """What was written of one version.

    Attributes:
        version_id: which.
        done: whether no arrival is left that was there before.
        rows: each row, its number in the file, and how many changes it holds.
        sets: series that are kept now.
    """

    version_id: int
    done: bool
    rows: list[tuple[OpenRow, int, int]]
    sets: dict[int, int]


@dataclass(slots=True)
class _Version:
    """What is in memory of one version.

    A version that lags is merged from the file: after a start, and where memory did not suffice.
    """

    cells: dict[Cell, OpenRow] = field(default_factory=dict)
    through_id: int = 0
    newest_grain: int = 0
    changed: bool = True
    lags: bool = True


class Merger:
    """Merges arrivals. Used by the writer's thread alone, but for `has_work`.

    Args:
        shelf: keeps series.
        clock: Unix nanoseconds.
        grain_seconds: length of the spans that a row of the fleet tells of.
        most_bytes: of rows in memory; `MOST_BYTES` where None.
    """

    def __init__(
        self,
        shelf: SeriesShelf,
        *,
        clock: Callable[[], int],
        grain_seconds: int = 60,
        most_bytes: int | None = None,
    ) -> None:
        self._shelf = shelf
        self._clock = clock
        self._grain_ns = grain_seconds * NANOSECONDS
        self._most_bytes = MOST_BYTES if most_bytes is None else most_bytes
        self._versions: dict[int, _Version] = {}
        self._bytes = 0

    def has_work(self, version_id: int) -> bool:
        """Return whether arrivals of a version may not be merged yet. From any thread."""
        version = self._versions.get(version_id)
        return version is None or version.changed

    def add(self, arrivals: Iterable[ArrivalRow]) -> None:
        """Add arrivals that were committed just now, in their order. Never fails."""
        for arrival in arrivals:
            version = self._versions.setdefault(arrival.version_id, _Version())
            version.changed = True
            if version.lags:
                continue
            try:
                self._add(version, arrival)
                version.through_id = arrival.id
            except (ModelwatchError, ArithmeticError, ValueError, TypeError, MemoryError):
                logger.exception("arrival %d cannot be merged in memory", arrival.id)
                self._let_lag(version)
            if self._bytes > self._most_bytes:
                self._let_lag(version)

    def flush(self, connection: sqlite3.Connection, version_id: int) -> Flushed:
        """Write the rows of a version that changed, in the current transaction.

        A version that lags is brought some arrivals further in place of that.
        """
        version = self._versions.setdefault(version_id, _Version())
        if version.lags:
            return self._catch_up(connection, version_id)
        changed = [row for row in version.cells.values() if row.changes != row.written]
        sets = self._store_sets(connection, changed)
        rows = [
            (row, update_merged(connection, row.row_id, row.row()), row.changes) for row in changed
        ]
        if rows:
            _set_merged(connection, version_id, version.through_id)
        return Flushed(version_id, True, rows, sets)

    def flushed(self, flushed: Flushed) -> None:
        """Know what was committed. Rows of times gone by are let go."""
        version = self._versions[flushed.version_id]
        self._shelf.stored(flushed.sets)
        if version.lags:
            version.lags = not flushed.done
            version.changed = version.lags
            return
        for row, number, changes in flushed.rows:
            row.row_id, row.written = number, changes
        version.changed = any(row.changes != row.written for row in version.cells.values())
        self._drop(version, lambda cell, row: cell[2] < version.newest_grain - 1)

    def release(self, row_ids: Iterable[int]) -> bool:
        """Let rows of the file go, which are about to be merged into others.

        Returns:
            Whether none of them is still to be written.
        """
        wanted = set(row_ids)
        for version in self._versions.values():
            self._drop(version, lambda cell, row: row.row_id in wanted)
        return not any(
            row.row_id in wanted for v in self._versions.values() for row in v.cells.values()
        )

    def _add(self, version: _Version, arrival: ArrivalRow) -> None:
        grain = (arrival.end_ns - 1) // self._grain_ns
        cell = (arrival.segment, arrival.baseline_id, grain)
        row = version.cells.get(cell)
        if row is None:
            row = version.cells[cell] = OpenRow(arrival)
            self._bytes += row.nbytes
            version.newest_grain = max(version.newest_grain, grain)
        before = row.nbytes
        row.add(arrival)
        self._bytes += row.nbytes - before

    def _drop(self, version: _Version, unwanted: Callable[[Cell, OpenRow], bool]) -> None:
        """Let rows go that are as they lie in the file."""
        for cell, row in list(version.cells.items()):
            if row.changes == row.written and unwanted(cell, row):
                self._bytes -= row.nbytes
                del version.cells[cell]

    def _let_lag(self, version: _Version) -> None:
        version.lags = True
        self._bytes -= sum(row.nbytes for row in version.cells.values())
        version.cells.clear()

    def _catch_up(self, connection: sqlite3.Connection, version_id: int) -> Flushed:
        found = connection.execute(_UNMERGED, (version_id, version_id, ROWS_A_CATCH_UP)).fetchall()
        passing = _Version()
        before = self._bytes
        for columns in found:
            try:
                self._add(passing, read_arrival(connection, self._shelf, columns))
            except (ModelwatchError, ArithmeticError, ValueError, TypeError):
                logger.exception("arrival %d is damaged, and is left out", columns[0])
        self._bytes = before
        rows = list(passing.cells.values())
        sets = self._store_sets(connection, rows)
        for row in rows:
            insert_merged(connection, row.row())
        if found:
            _set_merged(connection, version_id, found[-1][0])
        return Flushed(version_id, len(found) < ROWS_A_CATCH_UP, [], sets)

    def _store_sets(self, connection: sqlite3.Connection, rows: list[OpenRow]) -> dict[int, int]:
        sets = [row.sums.vectors().series_set for row in rows]
        return self._shelf.store(connection, sets, self._clock() // NANOSECONDS)


def _set_merged(connection: sqlite3.Connection, version_id: int, through_id: int) -> None:
    connection.execute(
        "UPDATE versions SET merged_through = ? WHERE id = ?", (through_id, version_id)
    )
