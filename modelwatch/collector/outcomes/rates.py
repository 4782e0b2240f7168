"""At which rates predictions were sampled, so that what the sample left out is told from a loss."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from modelwatch.collector.windows import NANOSECONDS

__all__ = ["highest_rate", "note_rate"]

_DAY_NS: Final = 86_400 * NANOSECONDS

_NOTE: Final = """
INSERT INTO outcome_rates (version_id, day, lowest, highest) VALUES (?, ?, ?, ?)
ON CONFLICT (version_id, day) DO UPDATE SET
    lowest = min(lowest, excluded.lowest), highest = max(highest, excluded.highest)
"""
_HIGHEST: Final = """
SELECT max(highest) FROM outcome_rates
WHERE version_id IN (SELECT id FROM versions WHERE model = ?)
"""


def note_rate(
    connection: sqlite3.Connection, version_id: int, rate: float, times_ns: Iterable[int]
) -> None:
    """Note at which rate predictions of some times were sampled, in the current transaction."""
    days = {at_ns // _DAY_NS for at_ns in times_ns}
    connection.executemany(_NOTE, [(version_id, day, rate, rate) for day in sorted(days)])


def highest_rate(connection: sqlite3.Connection, model: str) -> float | None:
    """Return the highest rate at which a model's predictions were sampled; None where none is."""
    found = connection.execute(_HIGHEST, (model,)).fetchone()[0]
    return None if found is None else float(found)
