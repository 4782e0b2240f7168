"""The embedded store: profiles, baselines, steering and evaluations in one SQLite file.

Reading and merging takes some 1.5 ms a profile of 30 features: two seconds for a day of one
sender's minutes. Do it off the event loop.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.sqlite_writes import PointWriter, pack, unpack, version_number
from modelwatch.collector.storing.store import (
    Evaluation,
    FilledWindow,
    StoredBaseline,
    VersionSeen,
    WindowProfiles,
    Written,
)
from modelwatch.collector.windows import LATEST_NS, NANOSECONDS, TimeWindow
from modelwatch.errors import FormatError, ProfileMismatch, StoreError
from modelwatch.profile import Profile
from modelwatch.telemetry.steering import Steering
from modelwatch.telemetry.wire import Point

__all__ = ["SqliteStore"]

_VERSIONS = """
SELECT model, version, row_count, first_seen_ns, last_seen_ns,
    (SELECT b.id FROM baselines b WHERE b.version_id = versions.id ORDER BY number DESC LIMIT 1)
FROM versions ORDER BY model, last_seen_ns DESC, version DESC
"""

_WINDOW = """
SELECT p.id, p.baseline_id, p.instance, p.content FROM profiles p
JOIN versions v ON v.id = p.version_id
WHERE v.model = ? AND v.version = ? AND p.end_ns > ? AND p.end_ns <= ? ORDER BY p.id
"""

_THROUGH = """
SELECT coalesce(max(p.id), 0) FROM profiles p JOIN versions v ON v.id = p.version_id
WHERE v.model = ? AND v.version = ? AND p.end_ns > ? AND p.end_ns <= ?
"""

_FILLED = """
SELECT (p.end_ns - 1) / ?, max(p.id) FROM profiles p JOIN versions v ON v.id = p.version_id
WHERE v.model = ? AND v.version = ? AND p.end_ns > ? GROUP BY 1 ORDER BY 1
"""

_EVALUATIONS = """
SELECT e.baseline_id, e.start_ns, e.end_ns, e.through_id, e.evaluated_ns, e.report
FROM evaluations e JOIN versions v ON v.id = e.version_id
WHERE v.model = ? AND v.version = ? AND e.end_ns <= ?
ORDER BY e.end_ns DESC, e.evaluated_ns DESC LIMIT ?
"""

_EVALUATED = """
SELECT e.start_ns, e.end_ns, e.through_id
FROM evaluations e JOIN versions v ON v.id = e.version_id
WHERE v.model = ? AND v.version = ? AND e.end_ns > ? AND e.baseline_id = ?
"""


class SqliteStore:
    """A `modelwatch.collector.storing.store.Store` in one SQLite file.

    Thread-safety: every method may be called from any thread or event loop.

    Args:
        database: the open file; whoever opened it closes it.
        dedupe_seconds: how long the key of a point is remembered. What is sent again later than
            that counts again.
        clock: Unix nanoseconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        dedupe_seconds: int = 86_400,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._database = database
        self._clock = clock
        self._points = PointWriter(dedupe_seconds=dedupe_seconds, clock=clock)

    @classmethod
    def open(cls, path: str | Path, *, clock: Callable[[], int] = time.time_ns) -> SqliteStore:
        """Return the store in a file that nobody else has open; `close` closes it.

        Raises:
            StoreError: as for `Database`.
        """
        return cls(Database(path), clock=clock)

    @property
    def path(self) -> Path:
        """The store's file."""
        return self._database.path

    @property
    def database(self) -> Database:
        """The open file, for tables of other parts."""
        return self._database

    def close(self) -> None:
        """Commit what is queued and close the file."""
        self._database.close()

    async def write(self, points: Sequence[Point]) -> Written:
        """Commit the points that were not seen before; see `PointSink.write`."""
        return await self._database.write(lambda connection: self._points.write(connection, points))

    async def put_baseline(self, model: str, version: str, baseline_id: str, content: str) -> None:
        """Commit a baseline as the current one; see `BaselineShelf.put_baseline`."""
        row = (baseline_id, self._clock(), pack(content))

        def work(connection: sqlite3.Connection) -> None:
            version_id = version_number(connection, model, version)
            # REPLACE gives the row a new number: what is pushed again is the newest again.
            connection.execute(
                "INSERT OR REPLACE INTO baselines (version_id, id, pushed_ns, content)"
                " VALUES (?, ?, ?, ?)",
                (version_id, *row),
            )

        await self._database.write(work)

    async def put_steering(self, model: str, version: str, steering: Steering | None) -> None:
        """Commit how capture is steered; see `SteeringShelf.put_steering`."""
        row = None if steering is None else (self._clock(), steering.to_json())

        def work(connection: sqlite3.Connection) -> None:
            version_id = version_number(connection, model, version)
            connection.execute("DELETE FROM steering WHERE version_id = ?", (version_id,))
            if row is not None:
                connection.execute(
                    "INSERT INTO steering (version_id, put_ns, content) VALUES (?, ?, ?)",
                    (version_id, *row),
                )

        await self._database.write(work)

    async def record_evaluation(self, model: str, version: str, evaluation: Evaluation) -> None:
        """Commit one evaluation; see `EvaluationLog.record_evaluation`."""
        span = evaluation.window
        row = (evaluation.baseline_id, span.start_ns, span.end_ns, evaluation.through_id)
        packed = (evaluation.evaluated_ns, pack(evaluation.report))

        def work(connection: sqlite3.Connection) -> None:
            version_id = version_number(connection, model, version)
            connection.execute(
                "INSERT OR REPLACE INTO evaluations (version_id, baseline_id, start_ns, end_ns,"
                " through_id, evaluated_ns, report) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (version_id, *row, *packed),
            )

        await self._database.write(work)

    def versions(self) -> list[VersionSeen]:
        """Return every model version; see `VersionSource.versions`."""
        return [
            VersionSeen(
                model=model,
                version=version,
                rows=rows,
                first_seen_ns=first,
                last_seen_ns=last,
                baseline_id=baseline_id,
            )
            for model, version, rows, first, last, baseline_id in self._database.read(_VERSIONS)
        ]

    def window(self, model: str, version: str, window: TimeWindow) -> WindowProfiles:
        """Return the merged profiles of one window; see `WindowSource.window`."""
        merged: dict[str | None, Profile] = {}
        instances: set[str | None] = set()
        left_out = latest = 0
        # Row by row: a week of profiles never lies in memory at once.
        with self._database.reading() as connection:
            bounds = (model, version, window.start_ns, window.end_ns)
            for number, baseline_id, instance, content in connection.execute(_WINDOW, bounds):
                instances.add(instance)
                latest = number
                try:
                    merged[baseline_id] = _merge(merged.get(baseline_id), content)
                except (ProfileMismatch, FormatError, StoreError):
                    left_out += 1
        return WindowProfiles(
            profiles=merged, unmergeable=left_out, instances=len(instances), through_id=latest
        )

    def through_id(self, model: str, version: str, window: TimeWindow) -> int:
        """Return the latest stored profile of a window; see `WindowSource.through_id`."""
        found = self._database.read(_THROUGH, model, version, window.start_ns, window.end_ns)
        return int(found[0][0])

    def filled_windows(
        self, model: str, version: str, *, seconds: int, since_ns: int
    ) -> list[FilledWindow]:
        """Return the windows that hold data; see `WindowSource.filled_windows`."""
        found = self._database.read(_FILLED, seconds * NANOSECONDS, model, version, since_ns)
        return [FilledWindow(number=number, through_id=through) for number, through in found]

    def baseline(self, model: str, version: str) -> StoredBaseline | None:
        """Return the current baseline; see `BaselineShelf.baseline`."""
        found = self._database.read(
            "SELECT b.id, b.content, b.pushed_ns FROM baselines b JOIN versions v"
            " ON v.id = b.version_id WHERE v.model = ? AND v.version = ?"
            " ORDER BY b.number DESC LIMIT 1",
            model,
            version,
        )
        if not found:
            return None
        baseline_id, content, pushed_ns = found[0]
        return StoredBaseline(id=baseline_id, content=unpack(content), pushed_ns=pushed_ns)

    def steering(self, model: str, version: str) -> Steering | None:
        """Return how capture is steered; see `SteeringShelf.steering`."""
        found = self._database.read(
            "SELECT s.content FROM steering s JOIN versions v ON v.id = s.version_id"
            " WHERE v.model = ? AND v.version = ?",
            model,
            version,
        )
        try:
            return Steering.from_json(found[0][0]) if found else None
        except FormatError as error:
            raise StoreError(f"a row of the store is damaged: {error}") from error

    def evaluated(
        self, model: str, version: str, *, baseline_id: str, since_ns: int
    ) -> dict[TimeWindow, int]:
        """Return which windows were evaluated; see `EvaluationLog.evaluated`."""
        found = self._database.read(_EVALUATED, model, version, since_ns, baseline_id)
        return {TimeWindow(start_ns, end_ns): through for start_ns, end_ns, through in found}

    def evaluations(
        self, model: str, version: str, *, limit: int, until_ns: int = LATEST_NS
    ) -> list[Evaluation]:
        """Return stored evaluations; see `EvaluationLog.evaluations`."""
        latest = self._database.read(_EVALUATIONS, model, version, until_ns, limit)
        return [
            Evaluation(
                baseline_id=baseline_id,
                window=TimeWindow(start_ns, end_ns),
                through_id=through_id,
                evaluated_ns=evaluated_ns,
                report=unpack(report),
            )
            for baseline_id, start_ns, end_ns, through_id, evaluated_ns, report in reversed(latest)
        ]


def _merge(merged: Profile | None, content: bytes) -> Profile:
    profile = Profile.from_json(unpack(content))
    profile.segment = None  # segments are parts of the whole, which is asked for here
    return profile if merged is None else merged.merge(profile)
