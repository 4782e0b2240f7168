"""Rows of one sender, as they lie in the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelwatch.collector.storing.accumulator import Vectors
from modelwatch.collector.storing.series_shelf import SeriesShelf
from modelwatch.collector.storing.vectors import unpack_counts, unpack_floats

__all__ = ["ARRIVAL_COLUMNS", "ArrivalRow", "read_arrival"]

ARRIVAL_COLUMNS = (
    "id, version_id, instance, segment, baseline_id, start_ns, end_ns, row_count, set_key, counts,"
    " floats, others"
)


@dataclass(frozen=True, slots=True)
class ArrivalRow:
    """One row.

    Attributes:
        id: in the order of arrival.
        version_id: whose.
        instance: the sender, empty where it has no name.
        segment: the part of the traffic, empty for all of it.
        baseline_id: the baseline whose bins were used, empty where none was.
        start_ns: start of the window, Unix nanoseconds.
        end_ns: its end.
        row_count: rows captured.
        vectors: what adds up.
        others: the rest, packed; None where there is none.
    """

    id: int
    version_id: int
    instance: str
    segment: str
    baseline_id: str
    start_ns: int
    end_ns: int
    row_count: int
    vectors: Vectors
    others: bytes | None


def read_arrival(
    connection: sqlite3.Connection, shelf: SeriesShelf, columns: Sequence[Any]
) -> ArrivalRow:
    """Return a row.

    Args:
        connection: any.
        shelf: has the series.
        columns: the values of `ARRIVAL_COLUMNS`.

    Raises:
        StoreError: where the row is damaged.
    """
    (
        row_id, version_id, instance, segment, baseline_id, start_ns, end_ns, row_count, set_key,
        counts, floats, others,
    ) = columns  # fmt: skip
    vectors = Vectors(
        shelf.load(connection, set_key), unpack_counts(counts), *unpack_floats(floats)
    )
    vectors.require_fit()
    return ArrivalRow(
        row_id, version_id, instance, segment, baseline_id, start_ns, end_ns, row_count, vectors,
        others,
    )  # fmt: skip
