"""Predictions and labels beyond the horizon, let go of some at a time.

No index tells how old they are, which would cost as much as they do: all of them are looked through
in the order of their keys, over and over, by readers that nobody waits for.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any, Final

from modelwatch.collector.outcomes.open_rows import LABEL
from modelwatch.collector.storing.database import Database
from modelwatch.collector.windows import NANOSECONDS

__all__ = ["Expiring", "expired_before"]

ROWS_AT_ONCE: Final = 5_000
READS_A_RUN: Final = 20
"""So that ten million rows are looked through in an hour, with a run every half a minute."""

_RECORD: Final = "SELECT avg(length(content)) FROM (SELECT content FROM outcomes LIMIT 1000)"
_NEWEST: Final = """
SELECT end_ns, sum(predictions) FROM outcome_windows WHERE end_ns > ?
GROUP BY end_ns ORDER BY end_ns DESC
"""
_BYTES_BESIDE_RECORD: Final = 60
"""Of a prediction in the file: its key, its time, and what is free in the page beside it."""

_PLACE: Final = "SELECT swept_model, swept_prefix, swept_hash FROM outcome_progress"
NEXT: Final = """
SELECT model_id, prefix, hash, version_id, at_ns FROM outcomes
WHERE (model_id, prefix, hash) > (?, ?, ?) ORDER BY model_id, prefix, hash, version_id LIMIT ?
"""
_MOVE: Final = """
UPDATE outcome_progress SET swept_model = ?, swept_prefix = ?, swept_hash = ?,
    expired_before_ns = max(expired_before_ns, ?)
"""
_PREDICTIONS: Final = """
DELETE FROM outcomes
WHERE model_id = ? AND prefix = ? AND hash = ? AND version_id > 0 AND at_ns < ?
"""
_LABELS: Final = """
DELETE FROM outcomes AS o
WHERE model_id = ? AND prefix = ? AND hash = ? AND version_id = 0 AND (? OR at_ns < ?)
    AND NOT EXISTS (SELECT 1 FROM outcomes p WHERE p.model_id = o.model_id
        AND p.prefix = o.prefix AND p.hash = o.hash AND p.version_id > 0)
"""
_WAITING: Final = "UPDATE outcome_models SET waiting = waiting - ? WHERE id = ?"

_START: Final = (0, -(2**63), 0)

logger = logging.getLogger(__name__)

Id = tuple[int, int, int]
"""A model's number, and a key."""


def expired_before(connection: sqlite3.Connection) -> int:
    """Return before when predictions may have been let go of, Unix nanoseconds."""
    found = connection.execute("SELECT expired_before_ns FROM outcome_progress").fetchone()
    return int(found[0])


class Expiring:
    """Lets go of what is old. Used by one task.

    Args:
        database: the file.
        horizon_seconds: how long after a prediction its label is waited for.
        most_bytes: what predictions and labels may take of the file, about; beyond it the oldest
            wait no longer. 0 for no limit.
        clock: Unix nanoseconds, a time that has surely come.

    Attributes:
        horizon_seconds: how long after a prediction its label is waited for; another one holds from
            now on.
        deleted: how many predictions and labels.
    """

    def __init__(
        self,
        database: Database,
        *,
        horizon_seconds: int,
        most_bytes: int = 0,
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._most_bytes = most_bytes
        self.horizon_seconds = horizon_seconds
        self._clock = clock
        self.deleted = 0

    def before_ns(self) -> int:
        """Return before when predictions are beyond the horizon now, Unix nanoseconds."""
        return max(0, self._clock() - self.horizon_seconds * NANOSECONDS)

    async def run(self) -> None:
        """Look through some rows, and go on there the next time."""
        before_ns = await asyncio.to_thread(self._before_ns)
        total = 0
        for _ in range(READS_A_RUN):
            old, place = await asyncio.to_thread(self._look, before_ns)
            total += await self._database.write(partial(_let_go, old, place, before_ns))
            if place == _START:
                break
        if total:
            self.deleted += total
            logger.info("%d predictions and labels were deleted for their age", total)

    def _before_ns(self) -> int:
        """Return before when predictions are let go of, for their age or since they are many."""
        before_ns = self.before_ns()
        if not self._most_bytes:
            return before_ns
        with self._database.reading() as connection:
            connection.execute("BEGIN")
            before_ns = max(before_ns, expired_before(connection))
            record = connection.execute(_RECORD).fetchone()[0] or 0
            left = self._most_bytes / (record + _BYTES_BESIDE_RECORD)
            for end_ns, predictions in connection.execute(_NEWEST, (before_ns,)):
                left -= predictions
                if left < 0:
                    logger.warning(
                        "predictions made before %s wait for labels no longer: there is room for "
                        "no more of them. Allow a larger store, or a shorter horizon of labels.",
                        datetime.fromtimestamp(end_ns / NANOSECONDS, UTC).isoformat(),
                    )
                    return int(end_ns)
        return before_ns

    def _look(self, before_ns: int) -> tuple[list[Id], tuple[int, int, int]]:
        """Return ids of which something is old, and where to go on."""
        with self._database.reading() as connection:
            place = connection.execute(_PLACE).fetchone()
            rows = connection.execute(NEXT, (*place, ROWS_AT_ONCE)).fetchall()
        old = [one for one, some in groupby(rows, key=_id_of) if _has_old(list(some), before_ns)]
        return old, _START if len(rows) < ROWS_AT_ONCE else _id_of(rows[-1])


def _id_of(row: tuple[Any, ...]) -> Id:
    return row[0], row[1], row[2]


def _has_old(rows: list[tuple[Any, ...]], before_ns: int) -> bool:
    is_label_alone = all(row[3] == LABEL for row in rows)
    return any(row[4] < before_ns and (row[3] != LABEL or is_label_alone) for row in rows)


def _let_go(old: list[Id], place: Id, before_ns: int, connection: sqlite3.Connection) -> int:
    """Delete what is old, in the current transaction; return how many rows."""
    waited: Counter[int] = Counter()
    total = 0
    for one in old:
        predictions = connection.execute(_PREDICTIONS, (*one, before_ns)).rowcount
        labels = connection.execute(_LABELS, (*one, predictions > 0, before_ns)).rowcount
        waited[one[0]] += labels if not predictions else 0
        total += predictions + labels
    connection.executemany(_WAITING, [(count, model) for model, count in waited.items()])
    connection.execute(_MOVE, (*place, before_ns))
    return total
