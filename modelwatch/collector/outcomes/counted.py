"""Which stored predictions are summed up, and for which baseline.

Those of a model version whose key is not beyond a place are: every one of them whose label is known
has been summed up with exactly that label. When a baseline comes, the place is set before the first
key and walks to the last one; in between, what comes beyond it is left to the walk.
"""

from __future__ import annotations

import sqlite3
from typing import Final, NamedTuple

from modelwatch.collector.outcomes.keys import Key

__all__ = ["ALL_KEYS", "NO_KEYS", "Counted", "counted_of"]

ALL_KEYS: Final[Key] = (2**63 - 1, 2**63 - 1)
NO_KEYS: Final[Key] = (-(2**63), -(2**63))

_COUNTED: Final = """
SELECT version_id, baseline_id, counted_prefix, counted_hash
FROM outcome_versions WHERE version_id IN (SELECT id FROM versions WHERE model = ?)
"""


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
