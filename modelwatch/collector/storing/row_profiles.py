"""Rows of the store as profiles, one by one, for who reads all of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from modelwatch.collector.storing.arrival_rows import ARRIVAL_COLUMNS, ArrivalRow, read_arrival
from modelwatch.collector.storing.merged_rows import MERGED_COLUMNS, MergedRow, read_merged
from modelwatch.collector.storing.packing import unpack
from modelwatch.collector.storing.rows_sum import RowsSum
from modelwatch.collector.storing.series_shelf import SeriesShelf
from modelwatch.errors import FormatError, ProfileMismatch, StoreError
from modelwatch.profile import Profile

__all__ = ["profiles_in_rows"]

DAMAGED: Final = (StoreError, FormatError, ProfileMismatch, ValueError)
_MERGED: Final = f"SELECT {MERGED_COLUMNS} FROM merged WHERE version_id = ? ORDER BY end_ns"
_UNMERGED: Final = f"""
SELECT {ARRIVAL_COLUMNS} FROM arrivals INDEXED BY arrivals_by_version
WHERE version_id = ? AND id > ? ORDER BY id
"""
_DOCUMENTS: Final = "SELECT content FROM profiles WHERE version_id = ? ORDER BY id"


def profiles_in_rows(
    connection: sqlite3.Connection, names: tuple[str, str], known: tuple[int, int]
) -> Iterator[Profile | None]:
    """Yield the profile of each row that tells of the fleet; None for one that is damaged.

    Args:
        connection: any.
        names: model and version.
        known: the version's number, and through which arrival it is merged.
    """
    version_id, through = known
    shelf = SeriesShelf()
    for columns in connection.execute(_MERGED, (version_id,)):
        with suppress(*DAMAGED):
            yield _alone(names, read_merged(connection, shelf, columns))
            continue
        yield None
    for columns in connection.execute(_UNMERGED, (version_id, through)):
        with suppress(*DAMAGED):
            yield _alone(names, read_arrival(connection, shelf, columns))
            continue
        yield None
    for (content,) in connection.execute(_DOCUMENTS, (version_id,)):
        with suppress(*DAMAGED):
            yield Profile.from_json(unpack(content))
            continue
        yield None


def _alone(names: tuple[str, str], row: MergedRow | ArrivalRow) -> Profile:
    total = RowsSum()
    total.add(row, ())
    (profile,) = total.profiles(*names).profiles.values()
    profile.segment = row.segment or None
    if isinstance(row, ArrivalRow):
        profile.instance = row.instance or None
    return profile
