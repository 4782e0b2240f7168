"""Predictions whose labels are known already, summed up for a baseline that came after them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from functools import partial
from itertools import groupby
from typing import Any, Final

from modelwatch.collector.outcomes.baselines_read import BaselinesRead
from modelwatch.collector.outcomes.counted import ALL_KEYS, NO_KEYS
from modelwatch.collector.outcomes.joined_chunks import AGAIN, JoinedRow, append_joined
from modelwatch.collector.outcomes.keys import Key
from modelwatch.collector.outcomes.label_values import LabelKind
from modelwatch.collector.outcomes.open_rows import LABEL, HeldLabel
from modelwatch.collector.storing.database import Database

__all__ = ["ROWS_A_WRITE", "WRITES_A_RUN", "Recounter", "next_rows"]

ROWS_A_WRITE: Final = 5_000
"""Rows that are looked through in one transaction; bounds how long acknowledgements wait."""

WRITES_A_RUN: Final = 200

_BASELINES: Final = """
SELECT v.id,
    (SELECT b.id FROM baselines b WHERE b.version_id = v.id ORDER BY b.number DESC LIMIT 1),
    (SELECT o.baseline_id FROM outcome_versions o WHERE o.version_id = v.id)
FROM versions v WHERE v.id IN (SELECT version_id FROM baselines)
"""
_BEGIN: Final = """
INSERT OR REPLACE INTO outcome_versions (version_id, baseline_id, counted_prefix, counted_hash)
VALUES (?, ?, ?, ?)
"""
_END: Final = "DELETE FROM outcome_versions WHERE version_id = ?"
_FORGET: Final = (
    "DELETE FROM outcome_summaries WHERE version_id = ? AND baseline_id = ?",
    "DELETE FROM joined_rows WHERE version_id = ? AND baseline_id = ?",
)
_HAS_ROWS: Final = "SELECT EXISTS (SELECT 1 FROM outcome_windows WHERE version_id = ?)"
_UNFINISHED: Final = """
SELECT o.version_id, m.id FROM outcome_versions o
JOIN versions v ON v.id = o.version_id JOIN outcome_models m ON m.model = v.model
WHERE (o.counted_prefix, o.counted_hash) <> (?, ?)
"""
_PLACE: Final = """
SELECT baseline_id, counted_prefix, counted_hash FROM outcome_versions WHERE version_id = ?
"""
NEXT: Final = """
SELECT prefix, hash, version_id, at_ns, layout, content FROM outcomes
WHERE model_id = ? AND (prefix, hash) > (?, ?) ORDER BY prefix, hash, version_id LIMIT ?
"""
_MOVE: Final = """
UPDATE outcome_versions SET counted_prefix = ?, counted_hash = ? WHERE version_id = ?
"""


class Recounter:
    """Notes which baselines are in force, and walks through what was there before. One task's.

    Args:
        database: the file.
        baselines: by which rows are read.
    """

    def __init__(self, database: Database, baselines: BaselinesRead) -> None:
        self._database = database
        self._baselines = baselines
        self._useless: dict[int, str] = {}

    async def run(self) -> None:
        """Go on with all versions whose baseline changed."""
        for version_id, baseline_id in await asyncio.to_thread(self._changed):
            await self._database.write(partial(_begin, version_id, baseline_id))
        unfinished = await asyncio.to_thread(self._database.read, _UNFINISHED, *ALL_KEYS)
        for version_id, model_id in unfinished:
            for _ in range(WRITES_A_RUN):
                if await self._database.write(partial(_walk, version_id, model_id)):
                    break

    def _changed(self) -> list[tuple[int, str | None]]:
        """Return versions, and for which baseline their rows are to be summed up from now on."""
        changed: list[tuple[int, str | None]] = []
        with self._database.reading() as connection:
            for version_id, current, counted in connection.execute(_BASELINES).fetchall():
                if current == counted or self._useless.get(version_id) == current:
                    continue
                if self._baselines.judging(connection, version_id, current) is not None:
                    changed.append((version_id, current))
                    continue
                self._useless[version_id] = current
                if counted is not None:
                    changed.append((version_id, None))
        return changed


def _begin(version_id: int, baseline_id: str | None, connection: sqlite3.Connection) -> None:
    if baseline_id is None:
        connection.execute(_END, (version_id,))
        return
    # It may have been in force before, and what was summed up then holds no longer.
    for statement in _FORGET:
        connection.execute(statement, (version_id, baseline_id))
    has_rows = connection.execute(_HAS_ROWS, (version_id,)).fetchone()[0]
    place = NO_KEYS if has_rows else ALL_KEYS
    connection.execute(_BEGIN, (version_id, baseline_id, *place))


def _walk(version_id: int, model_id: int, connection: sqlite3.Connection) -> bool:
    """Sum up some of a version's rows; return whether there are no more."""
    found = connection.execute(_PLACE, (version_id,)).fetchone()
    if found is None:
        return True
    baseline_id, prefix, digest = found
    rows, through = next_rows(connection, model_id, (prefix, digest), ROWS_A_WRITE)
    append_joined(connection, _labelled(rows, version_id, baseline_id))
    connection.execute(_MOVE, (*through, version_id))
    return through == ALL_KEYS


def next_rows(
    connection: sqlite3.Connection, model_id: int, after: Key, most: int
) -> tuple[list[tuple[Any, ...]], Key]:
    """Return what lies after a key of a model, all of each id, and the key it goes through.

    Args:
        connection: any.
        model_id: of which model.
        after: the key.
        most: about so many rows.
    """
    rows = connection.execute(NEXT, (model_id, *after, most)).fetchall()
    if len(rows) < most:
        return rows, ALL_KEYS
    last = rows[-1][:2]  # there may be more of it
    rows = [row for row in rows if row[:2] != last]
    return rows, rows[-1][:2]


def _labelled(
    rows: Iterable[tuple[Any, ...]], version_id: int, baseline_id: str
) -> list[JoinedRow]:
    joined: list[JoinedRow] = []
    for place, (_, group) in enumerate(groupby(rows, key=lambda row: row[:2])):
        by_version = {row[2]: row[3:] for row in group}
        if LABEL not in by_version or version_id not in by_version:
            continue
        label = HeldLabel(*by_version[LABEL])
        if label.kind == LabelKind.NONE:
            continue
        at_ns, layout, record = by_version[version_id]
        joined.append(
            JoinedRow(
                place, version_id, baseline_id, layout, AGAIN, label.kind, label.value, at_ns,
                label.at_ns, record,
            )
        )  # fmt: skip
    return joined
