"""Who changed what, when, from where, and what came of it: a table of the store's file."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from modelwatch.collector.storing.database import Database

__all__ = ["AuditEntry", "AuditLog", "StoredEntry", "insert_entry"]

MOST_ENTRIES: Final = 100_000
"""Acts that are remembered: some 20 MB. Older ones go when a new one comes."""

_LONGEST_TEXT: Final = 512


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One act.

    Attributes:
        at_ns: when, Unix nanoseconds.
        who: the token's name; what stands for nobody in particular is in brackets.
        act: what was done, as ``PUT`` or ``token create``.
        target: what it was done to, as a path or a name.
        address: from where.
        outcome: ``done``, or the status and the kind of the refusal.
    """

    at_ns: int
    who: str
    act: str
    target: str
    address: str
    outcome: str


@dataclass(frozen=True, kw_only=True)
class StoredEntry:
    """An act and its number, which grows."""

    number: int
    entry: AuditEntry


class AuditLog:
    """The acts in a database. Thread-safety: as `Database`.

    Args:
        database: the open file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, entry: AuditEntry) -> None:
        """Keep an act.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._database.write(lambda connection: insert_entry(connection, entry))

    def entries(self, *, limit: int, before: int | None = None) -> list[StoredEntry]:
        """Return the latest acts, newest first. Blocking.

        Args:
            limit: how many at most.
            before: only acts whose number is lower; None for all.

        Raises:
            StoreError: the store cannot be read.
        """
        rows = self._database.read(
            "SELECT number, at_ns, who, act, target, address, outcome FROM audit"
            " WHERE number < ? ORDER BY number DESC LIMIT ?",
            2**62 if before is None else before,
            limit,
        )
        return [
            StoredEntry(
                number=number,
                entry=AuditEntry(
                    at_ns=at_ns, who=who, act=act, target=target, address=address, outcome=outcome
                ),
            )
            for number, at_ns, who, act, target, address, outcome in rows
        ]


def insert_entry(connection: sqlite3.Connection, entry: AuditEntry) -> None:
    """Keep an act in the current transaction, and let go of those that are too many."""
    texts = (entry.who, entry.act, entry.target, entry.address, entry.outcome)
    inserted = connection.execute(
        "INSERT INTO audit (at_ns, who, act, target, address, outcome) VALUES (?, ?, ?, ?, ?, ?)",
        (entry.at_ns, *(text[:_LONGEST_TEXT] for text in texts)),
    )
    newest = inserted.lastrowid or 0
    connection.execute("DELETE FROM audit WHERE number <= ?", (newest - MOST_ENTRIES,))
