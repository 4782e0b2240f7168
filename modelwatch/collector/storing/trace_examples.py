"""Traces that show a finding: the latest few of each feature in each span of time.

Of a span of some minutes the latest `MOST_EACH` are kept of each feature, kind of finding and type
of error, and `MOST_OF_SPAN` of all together. When the fleet's minutes become hours, and its hours
days, the latest `MOST_EACH` of each hour and each day stay.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.retention import Retention
from modelwatch.collector.storing.store import Traces
from modelwatch.collector.windows import NANOSECONDS, TimeWindow
from modelwatch.telemetry.wire.examples import Example

__all__ = ["MOST_EACH", "MOST_OF_SPAN", "Thinning", "TraceExamples"]

MOST_EACH: Final = 5
MOST_OF_SPAN: Final = 2_000

_MOST_READ: Final = 20_000
"""Of a long window, the latest so many are looked through."""

_HOUR_NS: Final = 3_600 * NANOSECONDS
_DAY_NS: Final = 24 * _HOUR_NS

_VERSION: Final = "SELECT id FROM versions WHERE model = ? AND version = ?"
_INSERT: Final = """
INSERT OR IGNORE INTO trace_examples (version_id, kind, name, at_ns, trace_id, span_id)
VALUES (?, ?, ?, ?, ?, ?)
"""
_BEYOND_EACH: Final = """
DELETE FROM trace_examples WHERE (version_id, kind, name, at_ns, trace_id) IN (
    SELECT version_id, kind, name, at_ns, trace_id FROM trace_examples
    WHERE version_id = ? AND kind = ? AND name = ? AND at_ns > ? AND at_ns <= ?
    ORDER BY at_ns DESC LIMIT -1 OFFSET ?)
"""
_BEYOND_ALL: Final = """
DELETE FROM trace_examples WHERE (version_id, kind, name, at_ns, trace_id) IN (
    SELECT version_id, kind, name, at_ns, trace_id FROM trace_examples
    INDEXED BY trace_examples_by_time
    WHERE version_id = ? AND at_ns > ? AND at_ns <= ? ORDER BY at_ns DESC LIMIT -1 OFFSET ?)
"""
_THIN: Final = """
DELETE FROM trace_examples WHERE (version_id, kind, name, at_ns, trace_id) IN (
    SELECT version_id, kind, name, at_ns, trace_id FROM (
        SELECT version_id, kind, name, at_ns, trace_id, row_number() OVER (
            PARTITION BY version_id, kind, name, (at_ns - 1) / :grain ORDER BY at_ns DESC
        ) AS place
        FROM trace_examples INDEXED BY trace_examples_by_time
        WHERE version_id = :version AND at_ns > :after AND at_ns <= :until)
    WHERE place > :most)
"""
_FIRST: Final = """
SELECT min(at_ns) FROM trace_examples INDEXED BY trace_examples_by_time
WHERE version_id = ? AND at_ns > ? AND at_ns <= ?
"""
_LATEST: Final = """
SELECT kind, name, trace_id FROM (
    SELECT kind, name, trace_id, at_ns, row_number() OVER (
        PARTITION BY kind, name ORDER BY at_ns DESC, trace_id
    ) AS place
    FROM (
        SELECT kind, name, trace_id, at_ns
        FROM trace_examples INDEXED BY trace_examples_by_time
        WHERE version_id = (SELECT id FROM versions WHERE model = ? AND version = ?)
            AND at_ns > ? AND at_ns <= ? ORDER BY at_ns DESC LIMIT ?))
WHERE place <= ? ORDER BY at_ns DESC, trace_id
"""


class TraceExamples:
    """Keeps examples, and finds those of a window. Thread-safe.

    Args:
        database: the file.
        span_seconds: length of the spans in each of which so many are kept.
    """

    def __init__(self, database: Database, *, span_seconds: int) -> None:
        self._database = database
        self._span_ns = span_seconds * NANOSECONDS

    async def keep(self, examples: Sequence[Example]) -> int:
        """Commit the latest; see `ExampleSink.keep_examples`."""
        groups = _latest_of_each(examples, self._span_ns)
        return await self._database.write(lambda connection: self._keep(connection, groups))

    def _keep(self, connection: sqlite3.Connection, groups: Iterable[list[Example]]) -> int:
        kept = 0
        spans: set[tuple[int, int, int]] = set()
        for group in groups:
            one = group[0]
            found = connection.execute(_VERSION, (one.model, one.version)).fetchone()
            if found is None:
                continue
            number = (one.time_ns - 1) // self._span_ns
            span = (number * self._span_ns, (number + 1) * self._span_ns)
            named = (found[0], one.kind, one.name)
            rows = [(*named, e.time_ns, e.trace_id, e.span_id) for e in group]
            kept += connection.executemany(_INSERT, rows).rowcount
            connection.execute(_BEYOND_EACH, (*named, *span, MOST_EACH))
            spans.add((found[0], *span))
        for named_span in spans:
            connection.execute(_BEYOND_ALL, (*named_span, MOST_OF_SPAN))
        return kept

    def of_window(self, model: str, version: str, window: TimeWindow) -> Traces:
        """Return the latest few; see `ExampleSource.traces`."""
        found = self._database.read(
            _LATEST, model, version, window.start_ns, window.end_ns, _MOST_READ, MOST_EACH
        )
        by_kind: dict[str, dict[str, list[str]]] = {"outlier": {}, "shift": {}, "error": {}}
        for kind, name, trace_id in found:
            by_kind[kind].setdefault(name, []).append(trace_id.hex())
        outliers, shifts = by_kind["outlier"], by_kind["shift"]
        return Traces(
            features={
                name: _few([*outliers.get(name, ()), *shifts.get(name, ())])
                for name in {**outliers, **shifts}
            },
            outliers=_few([trace.hex() for kind, _, trace in found if kind == "outlier"]),
            errors={name: _few(traces) for name, traces in by_kind["error"].items()},
        )


class Thinning:
    """Lets go of examples of old spans but for the latest few of each hour, then of each day.

    Args:
        database: the file.
        retention: when minutes become hours, and hours days.
        clock: Unix nanoseconds.
    """

    def __init__(
        self, database: Database, retention: Retention, *, clock: Callable[[], int]
    ) -> None:
        self._database = database
        self._clock = clock
        self._steps = (
            (_HOUR_NS, retention.minutes_seconds * NANOSECONDS),
            (_DAY_NS, retention.hours_seconds * NANOSECONDS),
        )
        self._done: dict[tuple[int, int], int] = {}

    async def run(self) -> None:
        """Do what has become due since the last time."""
        now_ns = self._clock()
        versions = await asyncio.to_thread(self._database.read, "SELECT id FROM versions")
        for grain_ns, age_ns in self._steps:
            until_ns = max(0, (now_ns - age_ns) // grain_ns * grain_ns)
            for (version,) in versions:
                after_ns = self._done.get((grain_ns, version), 0)
                if after_ns < until_ns:
                    await self._thin(version, grain_ns, after_ns, until_ns)
                    self._done[grain_ns, version] = until_ns

    async def _thin(self, version: int, grain_ns: int, after_ns: int, until_ns: int) -> None:
        """Thin what lies between two times, a day in each write."""
        while True:
            ((first_ns,),) = await asyncio.to_thread(
                self._database.read, _FIRST, version, after_ns, until_ns
            )
            if first_ns is None:
                return
            day_ns = ((first_ns - 1) // _DAY_NS + 1) * _DAY_NS
            named = {
                "version": version,
                "grain": grain_ns,
                "after": first_ns - 1,
                "until": min(day_ns, until_ns),
                "most": MOST_EACH,
            }
            await self._database.write(partial(_thin, named=named))
            after_ns = named["until"]


def _thin(connection: sqlite3.Connection, *, named: dict[str, int]) -> None:
    connection.execute(_THIN, named)


def _latest_of_each(examples: Sequence[Example], span_ns: int) -> list[list[Example]]:
    """Return the latest few of each subject and span, so that a flood is few writes."""
    groups: defaultdict[tuple[object, ...], list[Example]] = defaultdict(list)
    for one in examples:
        span = (one.time_ns - 1) // span_ns
        groups[one.model, one.version, one.kind, one.name, span].append(one)
    return [
        sorted(set(group), key=lambda one: -one.time_ns)[:MOST_EACH] for group in groups.values()
    ]


def _few(traces: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(traces))[:MOST_EACH]
