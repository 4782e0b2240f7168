"""The latest cumulative points of senders: what theirs that come next are subtracted from.

One row a sender and model version, written in the transaction of the rows that it led to. Those of
senders that are silent for long are let go of; then it is kept until when they were heard, as what
began before may have been counted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from typing import Final

from modelwatch.collector.storing.bulk import insert_rows, select_rows
from modelwatch.collector.storing.store import Recalled, SenderMemory

__all__ = ["forget_before", "forget_silent", "recall", "remember"]

DAY: Final = 86_400

_REMEMBER: Final = (
    "INSERT INTO cumulative_points (key, latest_ns, touched_day, content) VALUES {}"
    " ON CONFLICT (key) DO UPDATE SET latest_ns = excluded.latest_ns,"
    " touched_day = excluded.touched_day, content = excluded.content"
)
_RECALL: Final = """
WITH wanted (key) AS (VALUES {})
SELECT p.key, p.latest_ns, p.content FROM wanted CROSS JOIN cumulative_points p
WHERE p.key = wanted.key
"""
_SINCE: Final = "SELECT since_ns FROM cumulative_since"
_FORGET: Final = """
DELETE FROM cumulative_points WHERE key IN (
    SELECT key FROM cumulative_points WHERE touched_day < ? LIMIT ?) RETURNING latest_ns
"""
_LIFT: Final = "UPDATE cumulative_since SET since_ns = max(since_ns, ?)"


def remember(
    connection: sqlite3.Connection, memories: Mapping[int, SenderMemory], now_seconds: int
) -> None:
    """Keep memories in place of those before, in the current transaction."""
    today = now_seconds // DAY
    rows = [(key, one.latest_ns, today, one.content) for key, one in memories.items()]
    insert_rows(connection, _REMEMBER, rows)


def recall(connection: sqlite3.Connection, keys: Collection[int]) -> Recalled:
    """Return the memories of some keys, as of one moment of the file."""
    connection.execute("BEGIN")
    found = select_rows(connection, _RECALL, [(key,) for key in keys])
    memories = {key: SenderMemory(latest_ns, content) for key, latest_ns, content in found}
    return Recalled(since_ns=int(connection.execute(_SINCE).fetchone()[0]), memories=memories)


def forget_silent(connection: sqlite3.Connection, *, before_seconds: int, most: int) -> int:
    """Let go of senders unheard since a time, at most some; return how many."""
    latest = connection.execute(_FORGET, (before_seconds // DAY, most)).fetchall()
    if latest:
        forget_before(connection, max(told for (told,) in latest) + 1)
    return len(latest)


def forget_before(connection: sqlite3.Connection, since_ns: int) -> None:
    """Note that what began before a time may have been counted, though no memory tells so."""
    connection.execute(_LIFT, (since_ns,))
