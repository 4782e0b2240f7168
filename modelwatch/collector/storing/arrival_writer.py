"""What the writer's thread does with arrivals: leave out what was seen, keep the rest.

All of it happens in one transaction for all arrivals that wait: that they were seen and what they
told are committed together or not at all, which is what makes a resend harmless.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from modelwatch.collector.storing.accumulator import Vectors
from modelwatch.collector.storing.arrival_rows import ArrivalRow
from modelwatch.collector.storing.bulk import insert_rows
from modelwatch.collector.storing.cumulative_shelf import remember
from modelwatch.collector.storing.merging import Merger
from modelwatch.collector.storing.other_parts import pack_others
from modelwatch.collector.storing.seen_groups import Judged, SeenGroups
from modelwatch.collector.storing.series_shelf import SeriesShelf
from modelwatch.collector.storing.store import NO_MEMORIES, SenderMemory, Written
from modelwatch.collector.storing.vectors import pack_counts, pack_floats
from modelwatch.collector.storing.version_numbers import VersionNumbers
from modelwatch.collector.time_bounds import TimeBounds
from modelwatch.collector.windows import LATEST_NS, NANOSECONDS
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.arrivals import Arrival, SeriesSet

__all__ = ["ArrivalWriter", "BatchWritten"]

_INSERT = (
    "INSERT INTO arrivals (version_id, instance, segment, baseline_id, start_ns, end_ns,"
    " row_count, set_key, counts, floats, others) VALUES {}"
)
_TOLD = (
    "UPDATE versions SET row_count = row_count + ?,"
    " first_seen_ns = min(coalesce(first_seen_ns, ?), ?),"
    " last_seen_ns = max(coalesce(last_seen_ns, ?), ?) WHERE id = ?"
)


@dataclass(frozen=True, slots=True)
class BatchWritten:
    """What became of the requests of a batch, and what is to be known once it is committed."""

    requests: list[Written]
    rows: list[ArrivalRow]
    sets: dict[int, int]
    versions: dict[tuple[str, str], int]


class ArrivalWriter:
    """Stores arrivals, each of their points once. Used by the writer's thread alone.

    Args:
        shelf: keeps series.
        merger: is told what was committed.
        dedupe_seconds: how long a group is remembered.
        bounds: between which the time lies.
    """

    def __init__(
        self,
        shelf: SeriesShelf,
        merger: Merger,
        *,
        dedupe_seconds: int,
        bounds: TimeBounds,
    ) -> None:
        self._shelf = shelf
        self._merger = merger
        self._seen = SeenGroups(dedupe_seconds=dedupe_seconds, shelf=shelf)
        self._bounds = bounds
        self._versions = VersionNumbers()

    def write(
        self,
        connection: sqlite3.Connection,
        requests: Sequence[Sequence[Arrival]],
        memories: Mapping[int, SenderMemory] = NO_MEMORIES,
    ) -> BatchWritten:
        """Store what the requests told that was not seen before, in the current transaction."""
        now_seconds = self._bounds.earliest_ns() // NANOSECONDS
        latest_seconds = self._bounds.latest_ns() // NANOSECONDS
        remember(connection, memories, latest_seconds)
        kept = [[a for a in request if _storable(a)] for request in requests]
        arrivals = [arrival for request in kept for arrival in request]
        sets = self._shelf.store(connection, (a.series_set for a in arrivals), now_seconds)
        judged = self._seen.judge(connection, arrivals, now_seconds, latest_seconds=latest_seconds)
        new = [_part(a, found) for a, found in zip(arrivals, judged, strict=True) if found.count]
        if any(found.new is not None for found in judged):
            sets |= self._shelf.store(connection, (a.series_set for a in new), now_seconds)
        versions = self._versions.find(
            connection, {(a.window.model, a.window.version) for a in new}
        )
        rows = _insert(connection, new, versions)
        _tell(connection, rows)
        counts = iter(judged)
        return BatchWritten(
            [
                _written(request, storable, [next(counts) for _ in storable])
                for request, storable in zip(requests, kept, strict=True)
            ],
            rows,
            sets,
            versions,
        )

    def committed(self, written: BatchWritten) -> None:
        """Know what a batch left behind, now that it is committed."""
        self._shelf.stored(written.sets)
        self._versions.know(written.versions)
        self._merger.add(written.rows)


def _storable(arrival: Arrival) -> bool:
    window = arrival.window
    if arrival.temporality != "delta":
        return False
    return 0 <= window.start_ns <= window.end_ns <= LATEST_NS


def _written(
    request: Sequence[Arrival], storable: Sequence[Arrival], judged: Sequence[Judged]
) -> Written:
    stored = sum(found.count for found in judged)
    points = sum(arrival.points for arrival in storable)
    return Written(
        stored=stored,
        duplicates=points - stored,
        rejected=sum(arrival.points for arrival in request) - points,
    )


def _part(arrival: Arrival, judged: Judged) -> Arrival:
    """Return what is new of an arrival."""
    if judged.new is None:
        return arrival
    size = len(arrival.series_set.series)
    others = zip(arrival.others, judged.new[size:], strict=True)
    return arrival.part(judged.new[:size], [other for other, is_new in others if is_new])


def _insert(
    connection: sqlite3.Connection,
    arrivals: Sequence[Arrival],
    versions: dict[tuple[str, str], int],
) -> list[ArrivalRow]:
    told = [_values(a, versions[a.window.model, a.window.version]) for a in arrivals]
    packed = [
        (*values, a.series_set.key, pack_counts(a.counts), pack_floats(a.sums, a.minima, a.maxima),
         pack_others(a.others))
        for values, a in zip(told, arrivals, strict=True)
    ]  # fmt: skip
    # The table's numbers are never used twice, and nobody else writes in this transaction: those
    # of these rows follow one another.
    first = insert_rows(connection, _INSERT, packed) - len(packed) + 1
    return [
        ArrivalRow(
            first + number,
            *told[number],
            Vectors(a.series_set, a.counts, a.sums, a.minima, a.maxima),
            packed[number][-1],
        )
        for number, a in enumerate(arrivals)
    ]


def _rows_captured(arrival: Arrival) -> int:
    """Return the rows that an arrival tells of."""
    place = _place_of_rows(arrival.series_set)
    return 0 if place is None else int(arrival.counts[place])


@lru_cache(maxsize=4_096)
def _place_of_rows(series_set: SeriesSet) -> int | None:
    for series, offset in zip(series_set.series, series_set.offsets.tolist(), strict=False):
        if series.metric == names.ROWS_CAPTURED:
            return int(offset)
    return None


def _values(arrival: Arrival, version_id: int) -> tuple[int, str, str, str, int, int, int]:
    window = arrival.window
    return (
        version_id,
        window.instance,
        window.segment,
        window.baseline_id,
        window.start_ns,
        window.end_ns,
        _rows_captured(arrival),
    )


def _tell(connection: sqlite3.Connection, rows: Sequence[ArrivalRow]) -> None:
    """Tell the versions how many rows there are of them, and from when to when."""
    told: dict[int, tuple[int, int, int]] = {}
    for row in rows:
        count, first, last = told.get(row.version_id, (0, row.start_ns, row.end_ns))
        told[row.version_id] = (
            count + row.row_count, min(first, row.start_ns), max(last, row.end_ns),
        )  # fmt: skip
    for version_id, (count, first, last) in told.items():
        connection.execute(_TOLD, (count, first, first, last, last, version_id))
