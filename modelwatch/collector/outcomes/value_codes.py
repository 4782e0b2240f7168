"""Values that recur, such as classes and segments, as small numbers of a model version's own."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

__all__ = ["MOST_VALUES", "CodesLearnt", "ValueCodes", "read_values"]

MOST_VALUES: Final = 4_096
"""Values of one version that have a number; rows with others are written out."""

_LONGEST: Final = 256
_CACHED: Final = 1_000
_READ: Final = "SELECT code, content FROM outcome_values WHERE version_id = ? ORDER BY code"
_INSERT: Final = "INSERT INTO outcome_values (version_id, code, content) VALUES (?, ?, ?)"

CodesLearnt = dict[int, dict[str, int]]
"""By version, the numbers of values, each written in JSON."""


class ValueCodes:
    """Gives numbers, and remembers those that are committed. Used by the writer's thread alone."""

    def __init__(self) -> None:
        self._known: CodesLearnt = {}

    def of(
        self,
        connection: sqlite3.Connection,
        version_id: int,
        values: Sequence[Any],
        learnt: CodesLearnt,
    ) -> list[int] | None:
        """Return the numbers of values, new ones among them; None where there are too many.

        Args:
            connection: in a transaction.
            version_id: whose numbers.
            values: distinct ones: texts, booleans, numbers.
            learnt: is told numbers that hold once this transaction is committed.
        """
        texts = [json.dumps(value) for value in values]
        known = learnt.get(version_id) or self._known.get(version_id, {})
        new = [text for text in texts if text not in known]
        if new:
            known = dict(_read(connection, version_id))
            new = [text for text in texts if text not in known]
            if len(known) + len(new) > MOST_VALUES or any(len(text) > _LONGEST for text in new):
                return None
            rows = [(version_id, len(known) + n, text) for n, text in enumerate(new)]
            connection.executemany(_INSERT, rows)
            known.update((text, code) for _, code, text in rows)
            learnt[version_id] = known
        return [known[text] for text in texts]

    def know(self, learnt: CodesLearnt) -> None:
        """Remember numbers that are committed."""
        if len(self._known) > _CACHED:
            self._known.clear()
        self._known.update(learnt)


def read_values(connection: sqlite3.Connection, version_id: int) -> list[Any]:
    """Return a version's values by their numbers."""
    return [json.loads(text) for text in _read(connection, version_id)]


def _read(connection: sqlite3.Connection, version_id: int) -> dict[str, int]:
    return {text: code for code, text in connection.execute(_READ, (version_id,))}
