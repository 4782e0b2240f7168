"""What was observed in a window, summed over rows of all kinds that lie in it.

Merged rows, arrivals that are not merged yet, and profiles of documents never tell of the same rows
twice: they are read in one transaction. Vectors are summed as they are, and become a profile once.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from modelwatch.collector.storing.arrival_rows import ARRIVAL_COLUMNS, read_arrival
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.merged_rows import (
    MERGED_COLUMNS,
    read_merged,
)
from modelwatch.collector.storing.packing import unpack
from modelwatch.collector.storing.rows_sum import RowsSum, Sum
from modelwatch.collector.storing.senders import sender_hash
from modelwatch.collector.storing.series_shelf import SeriesShelf
from modelwatch.collector.storing.store import FilledWindow, WindowProfiles
from modelwatch.collector.storing.window_index import filled_windows, latest_arrival
from modelwatch.collector.windows import TimeWindow
from modelwatch.errors import FormatError, StoreError
from modelwatch.profile import Profile

__all__ = ["MERGED_ROWS", "SENDERS_ROWS", "UNMERGED_ROWS", "WindowReader"]

_VERSION: Final = "SELECT id, merged_through FROM versions WHERE model = ? AND version = ?"

MERGED_ROWS: Final = f"""
SELECT {MERGED_COLUMNS} FROM merged INDEXED BY merged_by_end
WHERE version_id = ? AND end_ns > ? AND end_ns <= ?
"""
_THROUGH: Final = MERGED_COLUMNS.split(", ").index("through_id")
UNMERGED_ROWS: Final = f"""
SELECT {ARRIVAL_COLUMNS} FROM arrivals INDEXED BY arrivals_by_version
WHERE version_id = ? AND id > ? AND end_ns > ? AND end_ns <= ?
"""
SENDERS_ROWS: Final = f"""
SELECT {ARRIVAL_COLUMNS} FROM arrivals INDEXED BY arrivals_by_end
WHERE version_id = ? AND end_ns > ? AND end_ns <= ?
"""
_DOCUMENTS: Final = """
SELECT id, instance, content FROM profiles WHERE version_id = ? AND end_ns > ? AND end_ns <= ?
"""
_LATEST: Final = """
SELECT end_ns, row_count, content FROM (
    SELECT end_ns, row_count, NULL AS content FROM merged WHERE version_id = :version
    UNION ALL
    SELECT end_ns, row_count, NULL FROM arrivals WHERE version_id = :version AND id > :through
    UNION ALL
    SELECT end_ns, NULL, content FROM profiles WHERE version_id = :version
) ORDER BY end_ns DESC
"""


class WindowReader:
    """Reads windows. Blocking, and safe to share among threads.

    Args:
        database: the file.
        shelf: has the series.
    """

    def __init__(self, database: Database, shelf: SeriesShelf) -> None:
        self._database = database
        self._shelf = shelf

    def window(self, model: str, version: str, window: TimeWindow) -> WindowProfiles:
        """Return the merged profiles of one window; see `WindowSource.window`."""
        with self._reading(model, version) as (connection, version_id, through):
            return self._sum(connection, (model, version), (version_id, through), window)

    def latest_rows(self, model: str, version: str, rows: int) -> WindowProfiles:
        """Return the newest rows; see `WindowSource.latest_rows`."""
        with self._reading(model, version) as (connection, version_id, through):
            span = self._latest_span(connection, version_id, through, rows)
            return self._sum(connection, (model, version), (version_id, through), span)

    def window_by_instance(
        self, model: str, version: str, window: TimeWindow
    ) -> dict[str, Profile]:
        """Return what each sender told; see `WindowSource.window_by_instance`."""
        sums: defaultdict[tuple[str, str], Sum] = defaultdict(Sum)
        with self._reading(model, version) as (connection, version_id, _):
            bounds = (version_id, window.start_ns, window.end_ns)
            for columns in connection.execute(SENDERS_ROWS, bounds):
                try:
                    row = read_arrival(connection, self._shelf, columns)
                except StoreError:
                    continue
                sums[row.instance, row.baseline_id].add(row)
        found: dict[str, Profile] = {}
        for (instance, baseline_id), total in sums.items():
            profile = total.profile(model, version, baseline_id or None)
            if profile is None:
                continue
            profile.instance = instance or None
            if instance not in found or found[instance].rows < profile.rows:
                found[instance] = profile
        return found

    def through_id(self, model: str, version: str, window: TimeWindow) -> int:
        """Return the latest arrival of a window; see `WindowSource.through_id`."""
        with self._reading(model, version) as (connection, version_id, through):
            return latest_arrival(connection, version_id, through, window)

    def filled_windows(
        self, model: str, version: str, *, seconds: int, since_ns: int
    ) -> list[FilledWindow]:
        """Return the windows that hold data; see `WindowSource.filled_windows`."""
        with self._reading(model, version) as (connection, version_id, through):
            return filled_windows(
                connection, version_id, through, seconds=seconds, since_ns=since_ns
            )

    @contextmanager
    def _reading(self, model: str, version: str) -> Iterator[tuple[sqlite3.Connection, int, int]]:
        """Open one moment of the file, in which the version has a number: 0 where it is unknown."""
        with self._database.reading() as connection:
            connection.execute("BEGIN")
            found = connection.execute(_VERSION, (model, version)).fetchone()
            yield connection, *(found or (0, 0))

    def _latest_span(
        self, connection: sqlite3.Connection, version_id: int, through: int, rows: int
    ) -> TimeWindow:
        """Return the span that ends with the newest row and holds so many, or all there are."""
        named = {"version": version_id, "through": through}
        found, first_ns, last_ns = 0, 0, 0
        for end_ns, row_count, content in connection.execute(_LATEST, named):
            if found >= rows and end_ns != first_ns:
                break
            first_ns, last_ns = end_ns, last_ns or end_ns
            with suppress(StoreError, FormatError):
                found += row_count if content is None else _document(content).rows
        return TimeWindow(first_ns - 1, last_ns)

    def _sum(
        self,
        connection: sqlite3.Connection,
        names: tuple[str, str],
        known: tuple[int, int],
        window: TimeWindow,
    ) -> WindowProfiles:
        """Sum rows of all kinds up, one row at a time: a week never lies in memory at once."""
        version_id, through = known
        total = RowsSum()
        bounds = (window.start_ns, window.end_ns)
        for columns in connection.execute(MERGED_ROWS, (version_id, *bounds)):
            total.latest = max(total.latest, columns[_THROUGH])
            with total.counting():
                merged = read_merged(connection, self._shelf, columns)
                total.add(merged, merged.senders)
        for columns in connection.execute(UNMERGED_ROWS, (version_id, through, *bounds)):
            total.latest = max(total.latest, columns[0])
            with total.counting():
                arrival = read_arrival(connection, self._shelf, columns)
                total.add(arrival, {sender_hash(arrival.instance)})
        for number, instance, content in connection.execute(_DOCUMENTS, (version_id, *bounds)):
            total.latest = max(total.latest, number)
            total.senders.add(sender_hash(instance or ""))
            with total.counting():
                total.add_document(_document(content))
        return total.profiles(*names)


def _document(content: bytes) -> Profile:
    profile = Profile.from_json(unpack(content))
    profile.segment = None  # segments are parts of the whole, which is asked for here
    return profile
