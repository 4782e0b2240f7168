"""Suggestions in the collector's own file, committed together with the notices of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from modelwatch.collector.alerting.sqlite_alerts import put_notices
from modelwatch.collector.rollouts.made import MadeSuggestion, SuggestionNotice
from modelwatch.collector.rollouts.planning import Plan
from modelwatch.collector.storing.database import Database
from modelwatch.errors import FormatError, StoreError

__all__ = ["SqliteSuggestions", "SuggestionPage"]

MOST_ENDED: Final = 1_000
"""Suggestions that hold no more and are kept all the same, the latest."""

_HOLDING: Final = "SELECT content FROM suggestions WHERE ended_ns IS NULL ORDER BY number"
_LISTED: Final = """
SELECT number, content FROM suggestions WHERE number < ? AND (? IS NULL OR model = ?)
AND (? = 0 OR ended_ns IS NULL) AND may_read(model) ORDER BY number DESC LIMIT ?
"""
_PUT: Final = """
INSERT INTO suggestions (id, model, ended_ns, content) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET ended_ns = excluded.ended_ns, content = excluded.content
"""
_DROP: Final = """
DELETE FROM suggestions WHERE ended_ns IS NOT NULL AND number <= (SELECT number FROM suggestions
WHERE ended_ns IS NOT NULL ORDER BY number DESC LIMIT 1 OFFSET ?)
"""


@dataclass(frozen=True, kw_only=True)
class SuggestionPage:
    """Some suggestions, the newest first, and where the next ones start; None at the end."""

    suggestions: Sequence[MadeSuggestion]
    cursor: int | None


class SqliteSuggestions:
    """Keeps suggestions. Thread-safety: every method may be called from any thread or event loop.

    Args:
        database: the open file; whoever opened it closes it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def holding(self) -> list[MadeSuggestion]:
        """Return those that hold. Blocking.

        Raises:
            StoreError: the store cannot be read, or a row is damaged.
        """
        return [_read(content) for (content,) in self._database.read(_HOLDING)]

    def page(
        self,
        *,
        model: str | None,
        holding: bool,
        may_read: Callable[[str], bool],
        limit: int,
        before: int | None,
    ) -> SuggestionPage:
        """Return the newest, or those after a cursor. Blocking.

        Args:
            model: of this model; of all where None.
            holding: those alone that hold.
            may_read: tells of a model whether it may be told of.
            limit: how many at most.
            before: the cursor.

        Raises:
            StoreError: see `holding`.
        """
        last = 2**63 - 1 if before is None else before
        with self._database.reading() as connection:
            connection.create_function("may_read", 1, may_read, deterministic=True)
            found = connection.execute(_LISTED, (last, model, model, holding, limit + 1)).fetchall()
        shown = found[:limit]
        return SuggestionPage(
            suggestions=[_read(content) for _, content in shown],
            cursor=shown[-1][0] if len(found) > limit else None,
        )

    async def commit(self, plan: Plan, notices: Sequence[tuple[str, SuggestionNotice]]) -> None:
        """Commit what changes and the notices of it, in one transaction.

        Args:
            plan: what changes.
            notices: who is to be told what: names of targets, and notices.

        Raises:
            StoreError: the store failed; nothing was committed.
        """
        rows = [
            (one.id, one.model, one.ended_ns, one.to_json()) for one in (*plan.ended, *plan.made)
        ]
        told = [
            (target, one.key, one.key, one.at_ns, one.at_ns, one.to_json())
            for target, one in notices
        ]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(_PUT, rows)
            put_notices(connection, told)
            connection.execute(_DROP, (MOST_ENDED,))

        await self._database.write(work)


def _read(content: str) -> MadeSuggestion:
    try:
        return MadeSuggestion.from_dict(json.loads(content))
    except (ValueError, FormatError) as error:
        raise StoreError(f"a row of the store is damaged: {error}") from error
