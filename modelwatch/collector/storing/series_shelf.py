"""Series and sets of them, each kept once however many rows tell of it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.collector.latest import Latest
from modelwatch.collector.storing.bulk import insert_rows
from modelwatch.errors import FormatError, StoreError
from modelwatch.telemetry.wire.arrivals import Series, SeriesSet, hash_of

__all__ = ["SeriesShelf", "pack_keys", "set_key_of", "unpack_keys"]

IntArray = npt.NDArray[np.int64]

_CACHED_SETS: Final = 4_096
"""Series sets that are kept read; one of 40 features takes some 5 kB besides its series."""

_CACHED_SERIES: Final = 65_536
"""Series that are kept read; one on 120 bins takes some 2 kB."""

_SECONDS_PER_DAY: Final = 86_400

_KEEP_SERIES = "INSERT OR IGNORE INTO series (key, content) VALUES {}"
_KEEP_SET = (
    "INSERT INTO series_sets (key, touched_day, keys) VALUES {}"
    " ON CONFLICT (key) DO UPDATE SET touched_day = excluded.touched_day"
    " WHERE touched_day < excluded.touched_day"
)


class SeriesShelf:
    """Reads and writes the tables of series.

    Thread-safety: `load` may be called from any thread, the rest by the writer's thread alone.
    """

    def __init__(self) -> None:
        self._stored: dict[int, int] = {}
        self._sets = Latest[SeriesSet](capacity=_CACHED_SETS)
        self._lock = threading.Lock()  # guards the dictionary of series
        self._series: dict[int, Series] = {}

    def store(
        self, connection: sqlite3.Connection, sets: Iterable[SeriesSet], now_seconds: int
    ) -> dict[int, int]:
        """Keep sets that are not kept yet, in the current transaction.

        Returns:
            What `stored` must be told once this is committed.
        """
        today = now_seconds // _SECONDS_PER_DAY
        new = {found.key: found for found in sets if self._stored.get(found.key) != today}
        if not new:
            return {}
        series = {one.key: one for found in new.values() for one in found.series}
        insert_rows(connection, _KEEP_SERIES, [(key, one.to_json()) for key, one in series.items()])
        self.store_keys(connection, {key: found.keys for key, found in new.items()}, now_seconds)
        return dict.fromkeys(new, today)

    def stored(self, days: dict[int, int]) -> None:
        """Know that sets are committed."""
        if len(self._stored) > _CACHED_SETS:
            self._stored.clear()
        self._stored.update(days)

    def forget(self) -> None:
        """Know nothing of what is committed, as after rows were deleted."""
        self._stored.clear()

    def store_keys(
        self, connection: sqlite3.Connection, sets: Mapping[int, IntArray], now_seconds: int
    ) -> None:
        """Keep sets of keys, in the current transaction."""
        today = now_seconds // _SECONDS_PER_DAY
        rows = [(key, today, pack_keys(keys)) for key, keys in sets.items()]
        insert_rows(connection, _KEEP_SET, rows)

    def load(self, connection: sqlite3.Connection, set_key: int) -> SeriesSet:
        """Return a stored set.

        Raises:
            StoreError: where it is not there, or damaged.
        """
        return self._sets.get(set_key, lambda: self._read(connection, set_key))

    def _read(self, connection: sqlite3.Connection, set_key: int) -> SeriesSet:
        keys = load_keys(connection, set_key).tolist()
        with self._lock:
            known = {key: self._series[key] for key in keys if key in self._series}
        for key in keys:
            if key not in known:
                known[key] = _read_series(connection, key)
        with self._lock:
            if len(self._series) + len(known) > _CACHED_SERIES:
                self._series.clear()
            self._series.update(known)
        return SeriesSet(tuple(known[key] for key in keys))


def load_keys(connection: sqlite3.Connection, set_key: int) -> IntArray:
    """Return the keys of a stored set.

    Raises:
        StoreError: where it is not there, or damaged.
    """
    row = connection.execute("SELECT keys FROM series_sets WHERE key = ?", (set_key,)).fetchone()
    if row is None:
        raise StoreError(f"a row of the store is damaged: series set {set_key} is not there.")
    return unpack_keys(row[0])


def _read_series(connection: sqlite3.Connection, key: int) -> Series:
    row = connection.execute("SELECT content FROM series WHERE key = ?", (key,)).fetchone()
    try:
        series = Series.from_json(row[0]) if row else None
    except FormatError as error:
        raise StoreError(f"a row of the store is damaged: {error}") from error
    if series is None or series.key != key:
        raise StoreError(f"a row of the store is damaged: series {key} is not there.")
    return series


def set_key_of(keys: IntArray) -> int:
    """Return a signed 64-bit hash of keys in their order, as `SeriesSet.key` is."""
    return hash_of(pack_keys(keys))


def pack_keys(keys: IntArray | Sequence[int]) -> bytes:
    """Return keys as bytes."""
    return np.asarray(keys, dtype="<i8").tobytes()


def unpack_keys(content: bytes) -> IntArray:
    """Return packed keys.

    Raises:
        StoreError: where the bytes are none.
    """
    if len(content) % 8:
        raise StoreError("a row of the store is damaged: its keys are none.")
    return np.frombuffer(content, "<i8").astype(np.int64)
