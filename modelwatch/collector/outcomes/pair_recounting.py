"""Pairs of predictions that were there before their versions were set side by side, summed up."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from itertools import groupby
from typing import Any, Final

from modelwatch.baseline import Baseline
from modelwatch.collector.outcomes.baselines_read import BaselinesRead
from modelwatch.collector.outcomes.counted import ALL_KEYS, NO_KEYS
from modelwatch.collector.outcomes.label_values import LabelKind
from modelwatch.collector.outcomes.open_rows import LABEL, HeldLabel, HeldPrediction
from modelwatch.collector.outcomes.pair_chunks import (
    Pair,
    PairEvent,
    PairRow,
    append_pairs,
    pair_row,
)
from modelwatch.collector.outcomes.recounting import ROWS_A_WRITE, WRITES_A_RUN, next_rows
from modelwatch.collector.storing.database import Database
from modelwatch.rollout.pair_summary import PairSummary

__all__ = ["PairRecounter", "baselines_of"]

_CURRENT: Final = """
coalesce((SELECT b.id FROM baselines b WHERE b.version_id = {} ORDER BY b.number DESC LIMIT 1), '')
"""
_PAIRS: Final = f"""
SELECT first_id, second_id, baseline_ids,
    {_CURRENT.format("first_id")} || ' ' || {_CURRENT.format("second_id")}
FROM outcome_pairs
"""
_FORGET: Final = (
    "DELETE FROM pair_summaries WHERE first_id = ?1 AND second_id = ?2 AND baseline_ids = ?3",
    "DELETE FROM pair_summaries WHERE first_id = ?2 AND second_id = ?1 AND baseline_ids = ?3",
    "DELETE FROM pair_rows WHERE first_id = ?1 AND second_id = ?2 AND baseline_ids = ?3",
)
_BEGIN: Final = """
UPDATE outcome_pairs SET baseline_ids = ?, counted_prefix = ?, counted_hash = ?
WHERE first_id = ? AND second_id = ?
"""
_UNFINISHED: Final = """
SELECT p.first_id, p.second_id, m.id FROM outcome_pairs p
JOIN versions v ON v.id = p.first_id JOIN outcome_models m ON m.model = v.model
WHERE p.baseline_ids <> '' AND (p.counted_prefix, p.counted_hash) <> (?, ?)
"""
_PLACE: Final = """
SELECT baseline_ids, counted_prefix, counted_hash FROM outcome_pairs
WHERE first_id = ? AND second_id = ?
"""
_NO_LABEL: Final = HeldLabel(0, LabelKind.NONE, None)


def baselines_of(
    connection: sqlite3.Connection, baselines: BaselinesRead, pair: Pair, baseline_ids: str
) -> list[Baseline | None]:
    """Return the baselines of two versions that some ids name; None where one has none."""
    return [
        baselines.find(connection, version_id, baseline_id) if baseline_id else None
        for version_id, baseline_id in zip(pair, baseline_ids.split(" "), strict=True)
    ]


class PairRecounter:
    """Notes which versions are set side by side, and walks through what was there. One task's.

    Args:
        database: the file.
        baselines: by which rows are read.
    """

    def __init__(self, database: Database, baselines: BaselinesRead) -> None:
        self._database = database
        self._baselines = baselines
        self._useless: dict[Pair, str] = {}

    async def run(self) -> None:
        """Go on with all pairs that are new, or whose baselines changed."""
        for pair, baseline_ids in await asyncio.to_thread(self._changed):
            await self._database.write(partial(_begin, pair, baseline_ids))
        unfinished = await asyncio.to_thread(self._database.read, _UNFINISHED, *ALL_KEYS)
        for first_id, second_id, model_id in unfinished:
            for _ in range(WRITES_A_RUN):
                if await self._database.write(partial(_walk, (first_id, second_id), model_id)):
                    break

    def _changed(self) -> list[tuple[Pair, str]]:
        """Return pairs, and for which baselines they are to be summed up; empty for none."""
        changed: list[tuple[Pair, str]] = []
        with self._database.reading() as connection:
            for first_id, second_id, counted, current in connection.execute(_PAIRS).fetchall():
                pair = (first_id, second_id)
                if counted == current or self._useless.get(pair) == current:
                    continue
                found = baselines_of(connection, self._baselines, pair, current)
                if PairSummary.empty(*found) is not None:
                    changed.append((pair, current))
                    continue
                self._useless[pair] = current
                if counted:
                    changed.append((pair, ""))
        return changed


def _begin(pair: Pair, baseline_ids: str, connection: sqlite3.Connection) -> None:
    for statement in _FORGET:
        connection.execute(statement, (*pair, baseline_ids))
    connection.execute(_BEGIN, (baseline_ids, *NO_KEYS, *pair))


def _walk(pair: Pair, model_id: int, connection: sqlite3.Connection) -> bool:
    """Sum up some pairs of two versions; return whether there are no more."""
    found = connection.execute(_PLACE, pair).fetchone()
    if found is None or not found[0]:
        return True
    baseline_ids, *place = found
    rows, through = next_rows(connection, model_id, (place[0], place[1]), ROWS_A_WRITE)
    append_pairs(connection, _pairs(rows, pair, baseline_ids))
    connection.execute(_BEGIN, (baseline_ids, *through, *pair))
    return through == ALL_KEYS


def _pairs(rows: list[tuple[Any, ...]], pair: Pair, baseline_ids: str) -> list[PairRow]:
    pairs: list[PairRow] = []
    for place, (_, group) in enumerate(groupby(rows, key=lambda row: row[:2])):
        found = {row[2]: row[3:] for row in group}
        if pair[0] in found and pair[1] in found:
            first, second = (HeldPrediction(one, *found[one]) for one in pair)
            label = HeldLabel(*found[LABEL]) if LABEL in found else _NO_LABEL
            pairs.append(pair_row(place, baseline_ids, (first, second), label, PairEvent.BOTH))
    return pairs
