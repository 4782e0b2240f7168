"""Which stored predictions are summed up, and for which baseline.

Those of a model version whose key is not beyond a place are: every one of them whose label is known
has been summed up with exactly that label. When a baseline comes, the place is set before the first
key and walks to the last one; in between, what comes beyond it is left to the walk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from modelwatch.collector.outcomes.keys import Key

__all__ = ["ALL_KEYS", "NO_KEYS", "Counted", "counted_of", "counted_pairs_of", "note_pairs"]

ALL_KEYS: Final[Key] = (2**63 - 1, 2**63 - 1)
NO_KEYS: Final[Key] = (-(2**63), -(2**63))

_COUNTED: Final = """
SELECT version_id, baseline_id, counted_prefix, counted_hash
FROM outcome_versions WHERE version_id IN (SELECT id FROM versions WHERE model = ?)
"""


_PAIRS: Final = """
SELECT first_id, second_id, baseline_ids, counted_prefix, counted_hash FROM outcome_pairs
WHERE first_id IN (SELECT id FROM versions WHERE model = ?)
"""
_NOTE: Final = "INSERT OR IGNORE INTO outcome_pairs VALUES (?, ?, '', ?, ?)"


class Counted(NamedTuple):
    """How far a version's predictions are summed up.

    Attributes:
        baseline_id: for which baseline.
        through: the last key that is.
    """

    baseline_id: str
    through: Key


def counted_of(connection: sqlite3.Connection, model: str) -> dict[int, Counted]:
    """Return the versions of a model whose rows are summed up, by their numbers."""
    return {
        version_id: Counted(baseline_id, (prefix, digest))
        for version_id, baseline_id, prefix, digest in connection.execute(_COUNTED, (model,))
    }


def counted_pairs_of(connection: sqlite3.Connection, model: str) -> dict[tuple[int, int], Counted]:
    """Return the pairs of a model's versions that predicted under the same ids, likewise."""
    return {
        (first, second): Counted(baseline_ids, (prefix, digest))
        for first, second, baseline_ids, prefix, digest in connection.execute(_PAIRS, (model,))
    }


def note_pairs(connection: sqlite3.Connection, pairs: Iterable[tuple[int, int]]) -> None:
    """Note that two versions predicted under the same ids, in the current transaction.

    Their pairs are summed up by the walk that the next look at baselines begins.
    """
    connection.executemany(_NOTE, [(*pair, *NO_KEYS) for pair in pairs])
