"""Which windows hold data, and the latest arrival in each: read from indices alone."""

from __future__ import annotations

import sqlite3
from typing import Final

from modelwatch.collector.storing.store import FilledWindow
from modelwatch.collector.windows import NANOSECONDS, TimeWindow

__all__ = ["FILLED", "THROUGH", "filled_windows", "latest_arrival"]

THROUGH: Final = """
SELECT max(
    (SELECT coalesce(max(through_id), 0) FROM merged INDEXED BY merged_by_end
        WHERE version_id = :version AND end_ns > :after AND end_ns <= :until),
    (SELECT coalesce(max(id), 0) FROM arrivals INDEXED BY arrivals_by_version
        WHERE version_id = :version AND id > :merged AND end_ns > :after AND end_ns <= :until),
    (SELECT coalesce(max(id), 0) FROM profiles INDEXED BY profiles_by_end
        WHERE version_id = :version AND end_ns > :after AND end_ns <= :until))
"""

FILLED: Final = """
SELECT number, max(through) FROM (
    SELECT (end_ns - 1) / :width AS number, max(through_id) AS through
        FROM merged INDEXED BY merged_by_end
        WHERE version_id = :version AND end_ns > :after GROUP BY 1
    UNION ALL
    SELECT (end_ns - 1) / :width, max(id) FROM arrivals INDEXED BY arrivals_by_version
        WHERE version_id = :version AND id > :merged AND end_ns > :after GROUP BY 1
    UNION ALL
    SELECT (end_ns - 1) / :width, max(id) FROM profiles INDEXED BY profiles_by_end
        WHERE version_id = :version AND end_ns > :after GROUP BY 1
) GROUP BY 1 ORDER BY 1
"""


def latest_arrival(
    connection: sqlite3.Connection, version_id: int, merged_through: int, window: TimeWindow
) -> int:
    """Return the latest arrival of a window, 0 where it is empty."""
    named = {
        "version": version_id,
        "merged": merged_through,
        "after": window.start_ns,
        "until": window.end_ns,
    }
    return int(connection.execute(THROUGH, named).fetchone()[0])


def filled_windows(
    connection: sqlite3.Connection,
    version_id: int,
    merged_through: int,
    *,
    seconds: int,
    since_ns: int,
) -> list[FilledWindow]:
    """Return the windows of the grid of ``seconds`` that hold data after ``since_ns``."""
    named = {
        "version": version_id,
        "merged": merged_through,
        "after": since_ns,
        "width": seconds * NANOSECONDS,
    }
    found = connection.execute(FILLED, named)
    return [FilledWindow(number=number, through_id=through) for number, through in found]
