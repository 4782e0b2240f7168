"""The row number of each model version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

__all__ = ["VersionNumbers", "version_number"]

_CACHED: Final = 10_000


class VersionNumbers:
    """Finds numbers, and remembers those that are committed. Not thread-safe."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], int] = {}

    def find(
        self, connection: sqlite3.Connection, versions: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], int]:
        """Return the numbers of versions, which are made where they are new."""
        return {
            version: self._known.get(version) or version_number(connection, *version)
            for version in versions
        }

    def know(self, numbers: dict[tuple[str, str], int]) -> None:
        """Remember numbers that are committed."""
        if len(self._known) > _CACHED:
            self._known.clear()
        self._known.update(numbers)


def version_number(connection: sqlite3.Connection, model: str, version: str) -> int:
    """Return the row number of a model version, which is made where it is new."""
    connection.execute(
        "INSERT OR IGNORE INTO versions (model, version) VALUES (?, ?)", (model, version)
    )
    found = connection.execute(
        "SELECT id FROM versions WHERE model = ? AND version = ?", (model, version)
    )
    return int(found.fetchone()[0])
