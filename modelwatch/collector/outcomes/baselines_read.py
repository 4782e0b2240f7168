"""Baselines by which rows are read, the latest few kept at hand."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from typing import Final

from modelwatch.baseline import Baseline
from modelwatch.collector.quick_json import from_json
from modelwatch.collector.storing.packing import unpack
from modelwatch.errors import ModelwatchError
from modelwatch.outcomes.read_rows import can_be_judged

__all__ = ["BaselinesRead", "current_baseline_id"]

_MOST_KEPT: Final = 8

_ONE: Final = "SELECT content FROM baselines WHERE version_id = ? AND id = ?"
_CURRENT: Final = "SELECT id FROM baselines WHERE version_id = ? ORDER BY number DESC LIMIT 1"


class BaselinesRead:
    """Finds baselines. Used by one thread at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], Baseline | None] = OrderedDict()

    def judging(
        self, connection: sqlite3.Connection, version_id: int, baseline_id: str
    ) -> Baseline | None:
        """Return a baseline; None where it is damaged, not there, or was fitted without labels."""
        if (version_id, baseline_id) not in self._kept:
            found = connection.execute(_ONE, (version_id, baseline_id)).fetchone()
            if found is None or not _knows_labels(found[0]):
                return None
        baseline = self.find(connection, version_id, baseline_id)
        return baseline if can_be_judged(baseline) else None

    def find(
        self, connection: sqlite3.Connection, version_id: int, baseline_id: str
    ) -> Baseline | None:
        """Return a baseline; None where it is damaged or not there."""
        key = (version_id, baseline_id)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = connection.execute(_ONE, key).fetchone()
        baseline = None if found is None else _read(found[0])
        self._kept[key] = baseline
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return baseline


def current_baseline_id(connection: sqlite3.Connection, version_id: int) -> str | None:
    """Return the id of a version's current baseline; None where none was pushed."""
    found = connection.execute(_CURRENT, (version_id,)).fetchone()
    return None if found is None else str(found[0])


def _knows_labels(packed: bytes) -> bool:
    """Tell whether a baseline tells of performance, in a tenth of the time of reading it."""
    try:
        body = from_json(unpack(packed))
    except (ModelwatchError, ValueError):
        return False
    return isinstance(body, dict) and body.get("performance") is not None


def _read(packed: bytes) -> Baseline | None:
    try:
        return Baseline.from_json(unpack(packed))
    except ModelwatchError:
        return None
