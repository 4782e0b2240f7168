"""All baselines that a model version ever had, the current one last put in force."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any, Protocol

from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.packing import unpack
from modelwatch.collector.storing.store import StoredBaseline
from modelwatch.errors import StoreError

__all__ = ["BaselineHistory", "BaselineRecord", "SqliteBaselineHistory"]

_HISTORY = """
SELECT b.number, b.id, b.pushed_ns, b.content FROM baselines b
JOIN versions v ON v.id = b.version_id
WHERE v.model = ? AND v.version = ? AND b.number < ? ORDER BY b.number DESC LIMIT ?
"""

_ONE = """
SELECT b.id, b.content, b.pushed_ns FROM baselines b JOIN versions v ON v.id = b.version_id
WHERE v.model = ? AND v.version = ? AND b.id = ?
"""


@dataclass(frozen=True, kw_only=True)
class BaselineRecord:
    """One baseline in the history.

    Attributes:
        number: grows each time that one is put in force.
        id: of the baseline.
        put_ns: when it was last put in force, Unix nanoseconds.
        rows: rows that it is made of.
        features: how many it has.
        promoted_from: the traffic that it was made of; None where it was fitted on a table.
    """

    number: int
    id: str
    put_ns: int
    rows: int
    features: int
    promoted_from: dict[str, Any] | None


class BaselineHistory(Protocol):
    """Answers which baselines there were. Blocking."""

    def records(
        self, model: str, version: str, *, limit: int, before: int | None
    ) -> list[BaselineRecord]:
        """Return the latest, the current one first; of numbers below ``before`` where given."""
        ...

    def stored(self, model: str, version: str, baseline_id: str) -> StoredBaseline | None:
        """Return one of them, or None."""
        ...


class SqliteBaselineHistory:
    """A `BaselineHistory` of the store's own table. Thread-safe.

    Args:
        database: the file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def records(
        self, model: str, version: str, *, limit: int, before: int | None
    ) -> list[BaselineRecord]:
        """Return the latest; see `BaselineHistory.records`. Some 3 ms each: documents are read."""
        below = 2**62 if before is None else before
        found = self._database.read(_HISTORY, model, version, below, limit)
        return [_record(*row) for row in found]

    def stored(self, model: str, version: str, baseline_id: str) -> StoredBaseline | None:
        """Return one; see `BaselineHistory.stored`."""
        for name, packed, put_ns in self._database.read(_ONE, model, version, baseline_id):
            return StoredBaseline(id=name, packed=packed, pushed_ns=put_ns)
        return None


def _record(number: int, baseline_id: str, put_ns: int, content: bytes) -> BaselineRecord:
    try:
        body = json.loads(unpack(content))
        return BaselineRecord(
            number=number,
            id=baseline_id,
            put_ns=put_ns,
            rows=int(body["rows"]),
            features=len(body["features"]),
            promoted_from=body.get("promoted_from"),
        )
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise StoreError(f"the stored baseline {baseline_id} is damaged: {error!r}.") from error
