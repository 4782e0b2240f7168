"""What the writer's thread does with points: leave out what was seen, put profiles together.

All of it happens in the caller's transaction: a point's key and what it told are committed
together or not at all, which is what makes a resend harmless.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Sequence

from modelwatch.collector.storing.store import Written
from modelwatch.collector.windows import LATEST_NS, NANOSECONDS
from modelwatch.errors import StoreError
from modelwatch.profile import Profile
from modelwatch.telemetry.wire import Point, assemble

__all__ = ["PointWriter", "pack", "unpack", "version_number"]

_EXPIRY_GRAIN_SECONDS = 600
"""Expiry times are rounded up to this, which keeps their index small and purges rare."""

_COMPRESSION_LEVEL = 1


class PointWriter:
    """Stores points, each once. Used by the writer's thread alone.

    Args:
        dedupe_seconds: how long a key is remembered.
        clock: Unix nanoseconds.
    """

    def __init__(self, *, dedupe_seconds: int, clock: Callable[[], int]) -> None:
        self._dedupe_seconds = dedupe_seconds
        self._clock = clock
        self._purged_seconds = 0

    def write(self, connection: sqlite3.Connection, points: Sequence[Point]) -> Written:
        """Store the points that were not seen before, in the current transaction."""
        storable = [p for p in points if 0 <= p.window.start_ns <= p.window.end_ns <= LATEST_NS]
        unseen = _unseen(connection, storable)
        self._remember(connection, unseen, self._clock() // NANOSECONDS)
        for profile in assemble(unseen.values()):
            _insert_profile(connection, profile)
        return Written(
            stored=len(unseen),
            duplicates=len(storable) - len(unseen),
            rejected=len(points) - len(storable),
        )

    def _remember(
        self, connection: sqlite3.Connection, keys: Iterable[int], now_seconds: int
    ) -> None:
        expires = now_seconds + self._dedupe_seconds + _EXPIRY_GRAIN_SECONDS
        expires -= expires % _EXPIRY_GRAIN_SECONDS
        connection.executemany("INSERT INTO seen VALUES (?, ?)", ((key, expires) for key in keys))
        if now_seconds >= self._purged_seconds + _EXPIRY_GRAIN_SECONDS:
            self._purged_seconds = now_seconds
            connection.execute("DELETE FROM seen WHERE expires_seconds < ?", (now_seconds,))


def version_number(connection: sqlite3.Connection, model: str, version: str) -> int:
    """Return the row number of a model version, which is made where it is new."""
    connection.execute(
        "INSERT OR IGNORE INTO versions (model, version) VALUES (?, ?)", (model, version)
    )
    found = connection.execute(
        "SELECT id FROM versions WHERE model = ? AND version = ?", (model, version)
    )
    return int(found.fetchone()[0])


def pack(text: str) -> bytes:
    """Return the text compressed."""
    return zlib.compress(text.encode(), _COMPRESSION_LEVEL)


def unpack(content: bytes) -> str:
    """Return the text that was compressed.

    Raises:
        StoreError: the bytes are damaged.
    """
    try:
        return zlib.decompress(content).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise StoreError(f"a row of the store is damaged: {error}.") from error


def _unseen(connection: sqlite3.Connection, points: Sequence[Point]) -> dict[int, Point]:
    by_key = {point.key: point for point in points}
    seen = connection.execute(
        "SELECT key FROM seen WHERE key IN (SELECT value FROM json_each(?))",
        (json.dumps(list(by_key)),),
    )
    for (key,) in seen.fetchall():
        del by_key[key]
    return by_key


def _insert_profile(connection: sqlite3.Connection, profile: Profile) -> None:
    version_id = version_number(connection, profile.model, profile.version)
    connection.execute(
        "INSERT INTO profiles (version_id, instance, segment, baseline_id, start_ns, end_ns,"
        " content) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            version_id,
            profile.instance,
            profile.segment,
            profile.baseline_id,
            profile.start_ns,
            profile.end_ns,
            pack(profile.to_json()),
        ),
    )
    connection.execute(
        "UPDATE versions SET row_count = row_count + ?,"
        " first_seen_ns = min(coalesce(first_seen_ns, ?), ?),"
        " last_seen_ns = max(coalesce(last_seen_ns, ?), ?) WHERE id = ?",
        (profile.rows, *(profile.start_ns,) * 2, *(profile.end_ns,) * 2, version_id),
    )
