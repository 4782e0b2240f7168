"""What is old, or what the file has no room for, deleted some rows at a time."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import Final

from modelwatch.collector.storing import cumulative_shelf, seen_groups
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.known_time import keep_time
from modelwatch.collector.storing.merged_rows import Level
from modelwatch.collector.storing.retention import Retention
from modelwatch.collector.storing.series_shelf import SeriesShelf, unpack_keys
from modelwatch.collector.windows import NANOSECONDS

__all__ = ["Purger"]

DAY: Final = 86_400

ROWS_A_WRITE: Final = 200
"""Rows that are deleted in one transaction; bounds how long acknowledgements wait."""

WRITES_A_RUN: Final = 500

SPARE_PAGES: Final = 4_096
"""Free pages that the file keeps, for what comes next."""

logger = logging.getLogger(__name__)


_OLD_ARRIVALS = """
DELETE FROM arrivals WHERE id IN (
    SELECT a.id FROM versions v JOIN arrivals a ON a.version_id = v.id
    WHERE a.end_ns < ? AND a.id <= v.merged_through LIMIT ?)
"""
_OLD_DAYS = """
DELETE FROM merged WHERE id IN (
    SELECT id FROM merged WHERE level = ? AND end_ns < ? ORDER BY end_ns LIMIT ?)
"""
_OLD_PROFILES = """
DELETE FROM profiles WHERE id IN (SELECT id FROM profiles WHERE end_ns < ? LIMIT ?)
"""
_OLD_EVALUATIONS = """
DELETE FROM {} WHERE (version_id, end_ns, start_ns, baseline_id) IN (
    SELECT e.version_id, e.end_ns, e.start_ns, e.baseline_id
    FROM versions v JOIN {} e ON e.version_id = v.id WHERE e.end_ns < ? LIMIT ?)
"""
_OLD_EXAMPLES = """
DELETE FROM trace_examples WHERE (version_id, kind, name, at_ns, trace_id) IN (
    SELECT e.version_id, e.kind, e.name, e.at_ns, e.trace_id
    FROM versions v JOIN trace_examples e ON e.version_id = v.id WHERE e.at_ns < ? LIMIT ?)
"""
_OLD_SUMMARIES = """
DELETE FROM outcome_summaries WHERE (version_id, end_ns, start_ns, baseline_id, segment) IN (
    SELECT s.version_id, s.end_ns, s.start_ns, s.baseline_id, s.segment
    FROM versions v JOIN outcome_summaries s ON s.version_id = v.id WHERE s.end_ns < ? LIMIT ?)
"""
_OLD_PAIRS = """
DELETE FROM pair_summaries WHERE (first_id, second_id, end_ns, start_ns, baseline_ids) IN (
    SELECT first_id, second_id, end_ns, start_ns, baseline_ids FROM pair_summaries
    WHERE end_ns < ? LIMIT ?)
"""
_OLD_WINDOWS = """
DELETE FROM outcome_windows WHERE (version_id, end_ns, start_ns) IN (
    SELECT w.version_id, w.end_ns, w.start_ns
    FROM versions v JOIN outcome_windows w ON w.version_id = v.id WHERE w.end_ns < ? LIMIT ?)
"""
_OLD_CHANGES = """
DELETE FROM concept_changes WHERE number IN (
    SELECT c.number FROM versions v JOIN concept_changes c ON c.version_id = v.id
    WHERE c.detected_ns < ? LIMIT ?)
"""
_OLDEST_ARRIVALS = """
DELETE FROM arrivals WHERE id IN (
    SELECT a.id FROM arrivals a JOIN versions v ON v.id = a.version_id
    WHERE a.id <= v.merged_through ORDER BY a.id LIMIT ?)
"""
_OLDEST_MERGED = """
DELETE FROM merged WHERE id IN (SELECT id FROM merged WHERE level = ? ORDER BY end_ns LIMIT ?)
"""
_OLDEST_PROFILES = """
DELETE FROM profiles WHERE id IN (SELECT id FROM profiles ORDER BY end_ns LIMIT ?)
"""
_OLDEST_EVALUATIONS = """
DELETE FROM {} WHERE (version_id, end_ns, start_ns, baseline_id) IN (
    SELECT version_id, end_ns, start_ns, baseline_id FROM {} ORDER BY end_ns LIMIT ?)
"""
_OLDEST_SUMMARIES = """
DELETE FROM outcome_summaries WHERE (version_id, end_ns, start_ns, baseline_id, segment) IN (
    SELECT version_id, end_ns, start_ns, baseline_id, segment FROM outcome_summaries
    ORDER BY end_ns LIMIT ?)
"""
_OLDEST_EXAMPLES = """
DELETE FROM trace_examples WHERE (version_id, kind, name, at_ns, trace_id) IN (
    SELECT version_id, kind, name, at_ns, trace_id FROM trace_examples ORDER BY at_ns LIMIT ?)
"""
_UNUSED_SETS = """
DELETE FROM series_sets WHERE touched_day < ? AND key NOT IN (SELECT set_key FROM arrivals)
    AND key NOT IN (SELECT set_key FROM merged)
"""

Statement = tuple[str, tuple[int, ...]]


class Purger:
    """Lets go of what is old.

    Args:
        database: the file.
        shelf: is told that series may have gone.
        retention: what is old.
        dedupe_seconds: how long groups are remembered.
        clock: Unix nanoseconds, a time that has surely come; it is kept for the next process.
    """

    def __init__(
        self,
        database: Database,
        shelf: SeriesShelf,
        retention: Retention,
        *,
        dedupe_seconds: int,
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._retention = retention
        self._dedupe_seconds = dedupe_seconds
        self._clock = clock
        self._swept_day = -1
        self.deleted: Counter[str] = Counter()

    async def run(self) -> None:
        """Delete what is older than it is kept, then what the file has no room for."""
        now_ns = self._clock()
        await self._database.write(lambda connection: keep_time(connection, now_ns))
        now_seconds = now_ns // NANOSECONDS
        for name, statement in self._by_age(now_seconds).items():
            await self._delete(name, "age", statement)
        await self._forget_groups(now_seconds)
        await self._sweep(now_seconds)
        for name, statement in _BY_SIZE.items():
            await self._delete(name, "size", statement, until=self._fits)
        await self._database.write(_shrink)

    def _by_age(self, now_seconds: int) -> dict[str, Statement]:
        kept = self._retention

        def before(seconds: int) -> int:
            return (now_seconds - seconds) * NANOSECONDS

        reports, summaries = (
            _OLD_EVALUATIONS.format(*(name,) * 2)
            for name in ("evaluations", "evaluation_summaries")
        )
        judged = (before(kept.evaluations_seconds), ROWS_A_WRITE)
        return {
            "rows of senders": (_OLD_ARRIVALS, (before(kept.instances_seconds), ROWS_A_WRITE)),
            "days": (_OLD_DAYS, (int(Level.DAY), before(kept.days_seconds), ROWS_A_WRITE)),
            "profiles": (_OLD_PROFILES, (before(kept.days_seconds), ROWS_A_WRITE)),
            "summaries of evaluations": (summaries, judged),
            "evaluations": (reports, judged),
            "examples": (_OLD_EXAMPLES, (before(kept.days_seconds), ROWS_A_WRITE)),
            "summaries of labels": (_OLD_SUMMARIES, (before(kept.days_seconds), ROWS_A_WRITE)),
            "summaries of pairs": (_OLD_PAIRS, (before(kept.days_seconds), ROWS_A_WRITE)),
            "windows of predictions": (_OLD_WINDOWS, (before(kept.days_seconds), ROWS_A_WRITE)),
            "changes of concepts": (_OLD_CHANGES, (before(kept.days_seconds), ROWS_A_WRITE)),
        }

    async def _delete(
        self,
        name: str,
        reason: str,
        statement: Statement,
        *,
        until: Callable[[sqlite3.Connection], bool] = lambda connection: False,
    ) -> None:
        def work(connection: sqlite3.Connection) -> int:
            return 0 if until(connection) else connection.execute(*statement).rowcount

        total = 0
        for _ in range(WRITES_A_RUN):
            deleted = await self._database.write(work)
            total += deleted
            if deleted < ROWS_A_WRITE:
                break
        if total:
            self.deleted[name] += total
            logger.info("%d %s were deleted for their %s", total, name, reason)

    def _fits(self, connection: sqlite3.Connection) -> bool:
        most = self._retention.max_store_bytes
        pages = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
        return most == 0 or pages * _pragma(connection, "page_size") <= most

    async def _some_at_a_time(self, work: Callable[[sqlite3.Connection], int]) -> None:
        for _ in range(WRITES_A_RUN):
            if not await self._database.write(work):
                break

    async def _forget_groups(self, now_seconds: int) -> None:
        await self._some_at_a_time(
            lambda connection: seen_groups.purge(
                connection,
                now_seconds=now_seconds,
                dedupe_seconds=self._dedupe_seconds,
                most=ROWS_A_WRITE * 10,
            )
        )

    async def _sweep(self, now_seconds: int) -> None:
        """Once a day, delete what no row names any more, and forget senders that are silent."""
        today = now_seconds // DAY
        if today == self._swept_day:
            return
        self._swept_day = today
        before = today - self._dedupe_seconds // DAY - 2

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_UNUSED_SETS, (before,))
            _delete_unused_series(connection)

        await self._database.write(work, lambda _: self._shelf.forget())
        silent = now_seconds - self._retention.instances_seconds
        await self._some_at_a_time(
            lambda connection: cumulative_shelf.forget_silent(
                connection, before_seconds=silent, most=ROWS_A_WRITE
            )
        )


_BY_SIZE: Final[dict[str, Statement]] = {
    "rows of senders": (_OLDEST_ARRIVALS, (ROWS_A_WRITE,)),
    "examples": (_OLDEST_EXAMPLES, (ROWS_A_WRITE,)),
    "minutes": (_OLDEST_MERGED, (int(Level.MINUTE), ROWS_A_WRITE)),
    "hours": (_OLDEST_MERGED, (int(Level.HOUR), ROWS_A_WRITE)),
    "days": (_OLDEST_MERGED, (int(Level.DAY), ROWS_A_WRITE)),
    "profiles": (_OLDEST_PROFILES, (ROWS_A_WRITE,)),
    "evaluations": (_OLDEST_EVALUATIONS.format(*("evaluations",) * 2), (ROWS_A_WRITE,)),
    "summaries of labels": (_OLDEST_SUMMARIES, (ROWS_A_WRITE,)),
    "summaries of evaluations": (
        _OLDEST_EVALUATIONS.format(*("evaluation_summaries",) * 2), (ROWS_A_WRITE,),
    ),
}  # fmt: skip


def _delete_unused_series(connection: sqlite3.Connection) -> None:
    named: set[int] = set()
    for (keys,) in connection.execute("SELECT keys FROM series_sets"):
        named.update(unpack_keys(keys).tolist())
    known = connection.execute("SELECT key FROM series").fetchall()
    unused = [(key,) for (key,) in known if key not in named]
    connection.executemany("DELETE FROM series WHERE key = ?", unused)


def _shrink(connection: sqlite3.Connection) -> None:
    """Give free pages back, some at a time, where there are many."""
    free = _pragma(connection, "freelist_count")
    if free > max(SPARE_PAGES, _pragma(connection, "page_count") // 4):
        connection.execute("PRAGMA incremental_vacuum(1000)").fetchall()


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
