"""Rows of the fleet: what all senders told of one span of time."""

from __future__ import annotations

import enum
import sqlite3
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Any

from modelwatch.collector.storing.accumulator import Vectors
from modelwatch.collector.storing.senders import pack_senders, unpack_senders
from modelwatch.collector.storing.series_shelf import SeriesShelf
from modelwatch.collector.storing.vectors import (
    pack_counts,
    pack_floats,
    unpack_counts,
    unpack_floats,
)

__all__ = ["MERGED_COLUMNS", "Level", "MergedRow", "insert_merged", "read_merged", "update_merged"]

MERGED_COLUMNS = (
    "version_id, level, segment, baseline_id, start_ns, end_ns, through_id, row_count, set_key,"
    " senders, counts, floats, others"
)


class Level(enum.IntEnum):
    """How long the spans are that rows tell of."""

    MINUTE = 1
    HOUR = 2
    DAY = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class MergedRow:
    """One row.

    Attributes:
        version_id: whose.
        level: of the span.
        segment: the part of the traffic, empty for all of it.
        baseline_id: the baseline whose bins were used, empty where none was.
        start_ns: earliest start of what was merged, Unix nanoseconds.
        end_ns: latest end.
        through_id: the latest arrival that was merged.
        row_count: rows captured.
        senders: hashes of the senders, see `modelwatch.collector.storing.senders`.
        vectors: what adds up.
        others: the rest, packed; None where there is none.
    """

    version_id: int
    level: Level
    segment: str
    baseline_id: str
    start_ns: int
    end_ns: int
    through_id: int
    row_count: int
    senders: Set[int]
    vectors: Vectors
    others: bytes | None


def insert_merged(connection: sqlite3.Connection, row: MergedRow) -> int:
    """Insert a row in the current transaction; return its number. Its series are kept already."""
    found = connection.execute(
        f"INSERT INTO merged ({MERGED_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _values(row),
    )
    return int(found.lastrowid or 0)


def update_merged(connection: sqlite3.Connection, row_id: int | None, row: MergedRow) -> int:
    """Write a row in the place of the one before, where that is there; return its number."""
    if row_id is not None:
        found = connection.execute(
            f"UPDATE merged SET ({MERGED_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " WHERE id = ?",
            (*_values(row), row_id),
        )
        if found.rowcount:
            return row_id
    return insert_merged(connection, row)


def read_merged(
    connection: sqlite3.Connection, shelf: SeriesShelf, columns: Iterable[Any]
) -> MergedRow:
    """Return a row.

    Args:
        connection: any.
        shelf: has the series.
        columns: the values of `MERGED_COLUMNS`.

    Raises:
        StoreError: where the row is damaged.
    """
    (
        version_id, level, segment, baseline_id, start_ns, end_ns, through_id, row_count, set_key,
        senders, counts, floats, others,
    ) = columns  # fmt: skip
    vectors = Vectors(
        shelf.load(connection, set_key), unpack_counts(counts), *unpack_floats(floats)
    )
    vectors.require_fit()
    return MergedRow(
        version_id=version_id,
        level=Level(level),
        segment=segment,
        baseline_id=baseline_id,
        start_ns=start_ns,
        end_ns=end_ns,
        through_id=through_id,
        row_count=row_count,
        senders=set(unpack_senders(senders)),
        vectors=vectors,
        others=others,
    )


def _values(row: MergedRow) -> tuple[str | int | bytes | None, ...]:
    vectors = row.vectors
    return (
        row.version_id,
        int(row.level),
        row.segment,
        row.baseline_id,
        row.start_ns,
        row.end_ns,
        row.through_id,
        row.row_count,
        vectors.series_set.key,
        pack_senders(row.senders),
        pack_counts(vectors.counts),
        pack_floats(vectors.sums, vectors.minima, vectors.maxima),
        row.others,
    )
