"""Which points were stored before: one row a group, told apart point by point where need be.

A group is what one sender tells of one window. As a rule it comes whole, again and again with the
same series: then it takes one small row, which names the set of its keys, and a resend one look.
Where it comes in pieces, or is cut otherwise when it is sent again, the sets of keys are compared.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.collector.storing.bulk import insert_rows, select_rows
from modelwatch.collector.storing.series_shelf import SeriesShelf, load_keys, set_key_of
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.telemetry.wire.arrivals import Arrival, hash_of

__all__ = ["LOOKUP", "Judged", "SeenGroups", "purge"]

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Group = tuple[int, int]

_CACHED: Final = 8_192
"""Pairs of a known set and one that arrives, whose comparison is remembered."""

_EXPIRY_GRAIN_SECONDS: Final = 600
"""Expiry times are rounded up to this."""

# Each key of the list is looked up. IN (VALUES ...) would go through the whole table instead.
LOOKUP = """
WITH wanted (end_seconds, key) AS (VALUES {})
SELECT seen.end_seconds, seen.key, seen.set_key, seen.expires_seconds FROM wanted CROSS JOIN seen
WHERE seen.end_seconds = wanted.end_seconds AND seen.key = wanted.key
"""
_REMEMBER = (
    "INSERT INTO seen (end_seconds, key, set_key, expires_seconds) VALUES {}"
    " ON CONFLICT (end_seconds, key) DO UPDATE SET set_key = excluded.set_key,"
    " expires_seconds = excluded.expires_seconds"
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is new in an arrival.

    Attributes:
        new: which of its points, series first, then others; None where all are.
        count: how many are new.
        set_key: names all keys that are known of its group now.
        together: those keys, where the arrival's own series are not all of them.
    """

    new: BoolArray | None
    count: int
    set_key: int
    together: IntArray | None = None


class SeenGroups:
    """Judges arrivals. Used by the writer's thread alone.

    Args:
        shelf: keeps sets of keys.
        dedupe_seconds: how long a group is remembered after it was last added to.
    """

    def __init__(self, shelf: SeriesShelf, *, dedupe_seconds: int) -> None:
        self._shelf = shelf
        self._dedupe_seconds = dedupe_seconds
        self._own: dict[tuple[int, ...], int] = {}
        self._judged: dict[tuple[int | None, int], Judged] = {}

    def judge(
        self,
        connection: sqlite3.Connection,
        arrivals: Sequence[Arrival],
        now_seconds: int,
        *,
        latest_seconds: int,
    ) -> list[Judged]:
        """Tell what is new of each arrival, and remember all, in the current transaction.

        Args:
            connection: writes.
            arrivals: what came, in its order.
            now_seconds: a time that has surely come: what expired before it is forgotten.
            latest_seconds: one that has surely not gone by: from it on all is remembered.
        """
        groups = [_group(arrival) for arrival in arrivals]
        known: dict[Group, int] = {
            (end_seconds, key): set_key
            for end_seconds, key, set_key, expires in select_rows(connection, LOOKUP, groups)
            if expires >= now_seconds  # one that is to be purged is forgotten already
        }
        changed: dict[Group, Judged] = {}
        fresh: dict[int, IntArray] = {}
        judged = []
        for group, arrival in zip(groups, arrivals, strict=True):
            found = self._judge(connection, arrival, known.get(group), fresh)
            if found.together is not None:
                fresh[found.set_key] = found.together
            if found.count:
                known[group] = found.set_key
                changed[group] = found
            judged.append(found)
        self._remember(connection, changed, now_seconds, latest_seconds)
        return judged

    def _remember(
        self,
        connection: sqlite3.Connection,
        changed: Mapping[Group, Judged],
        now_seconds: int,
        latest_seconds: int,
    ) -> None:
        expires = latest_seconds + self._dedupe_seconds + _EXPIRY_GRAIN_SECONDS
        expires -= expires % _EXPIRY_GRAIN_SECONDS
        insert_rows(
            connection,
            _REMEMBER,
            [(*group, found.set_key, expires) for group, found in changed.items()],
        )
        sets = {found.set_key: found.together for found in changed.values()}
        whole = {key: keys for key, keys in sets.items() if keys is not None}
        self._shelf.store_keys(connection, whole, now_seconds)

    def _judge(
        self,
        connection: sqlite3.Connection,
        arrival: Arrival,
        known: int | None,
        fresh: Mapping[int, IntArray],
    ) -> Judged:
        set_key = self._set_key(arrival)
        found = self._judged.get((known, set_key))
        if found is None:
            if len(self._judged) >= _CACHED:
                self._judged.clear()
            before = None
            if known is not None:
                before = fresh[known] if known in fresh else load_keys(connection, known)
            found = self._judged[known, set_key] = _compare(arrival, set_key, before, known)
        return found

    def _set_key(self, arrival: Arrival) -> int:
        if not arrival.others:
            return arrival.series_set.key
        name = (arrival.series_set.key, *(other.key for other in arrival.others))
        set_key = self._own.get(name)
        if set_key is None:
            if len(self._own) >= _CACHED:
                self._own.clear()
            set_key = self._own[name] = set_key_of(_keys(arrival))
        return set_key


def _compare(arrival: Arrival, set_key: int, before: IntArray | None, known: int | None) -> Judged:
    if before is None:
        before = np.zeros(0, np.int64)
    elif known == set_key:
        return Judged(None, 0, set_key)
    keys = _keys(arrival)
    together, new = _added(before, keys)
    count = int(new.sum())
    if not count:
        return Judged(None, 0, set_key)
    if before.size or count < keys.size:
        set_key = set_key_of(together)
    is_own = set_key == arrival.series_set.key
    return Judged(None if count == keys.size else new, count, set_key, None if is_own else together)


def _keys(arrival: Arrival) -> IntArray:
    own = np.array([other.key for other in arrival.others], np.int64)
    return np.concatenate([arrival.series_set.keys, own])


def _added(before: IntArray, keys: IntArray) -> tuple[IntArray, BoolArray]:
    """Return the keys of both, and which of the later ones are new, the first of each alone."""
    _, first = np.unique(keys, return_index=True)
    new = np.zeros(keys.size, np.bool_)
    new[first] = True
    if before.size:
        new &= ~np.isin(keys, before)
    return np.concatenate([before, keys[new]]), new


def _group(arrival: Arrival) -> Group:
    """Return when the window ends, so that neighbours in time lie together, and its hash."""
    window = arrival.window
    identity = (
        arrival.sender, window.model, window.version, window.segment, window.baseline_id,
        window.instance, window.start_ns, window.end_ns,
    )  # fmt: skip
    return window.end_ns // NANOSECONDS, hash_of(repr(identity).encode())


def purge(
    connection: sqlite3.Connection, *, now_seconds: int, dedupe_seconds: int, most: int
) -> int:
    """Forget groups that have expired, oldest windows first, at most some; return how many."""
    bound = connection.execute(
        "SELECT end_seconds FROM seen WHERE end_seconds < ? AND expires_seconds < ?"
        " ORDER BY end_seconds LIMIT 1 OFFSET ?",
        (now_seconds - dedupe_seconds, now_seconds, most),
    ).fetchone()
    last = now_seconds - dedupe_seconds if bound is None else bound[0]
    found = connection.execute(
        "DELETE FROM seen WHERE end_seconds < ? AND expires_seconds < ?", (last, now_seconds)
    )
    return found.rowcount
