"""Joined rows that are not summed up yet: read in the order in which they came, and let go of."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.collector.outcomes.joined_chunks import JoinedChunk, read_chunk
from modelwatch.collector.outcomes.records import Columns
from modelwatch.errors import StoreError
from modelwatch.tables.compact_columns import CodedColumn, RawColumn, concatenated

__all__ = ["Run", "Tail", "by_layout", "let_go", "read_tail", "waiting_baselines", "waiting_rows"]

_READ: Final = """
SELECT number, layout, row_count, content FROM joined_rows
WHERE version_id = ? AND baseline_id = ? ORDER BY number
"""
_LET_GO: Final = "DELETE FROM joined_rows WHERE number = ?"
_WAITING: Final = """
SELECT version_id, baseline_id, sum(row_count) FROM joined_rows GROUP BY 1, 2
"""
_BASELINES: Final = "SELECT DISTINCT baseline_id FROM joined_rows WHERE version_id = ?"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tail:
    """What was read.

    Attributes:
        numbers: of the store's rows, damaged ones too.
        chunks: their layouts and rows, in order.
    """

    numbers: list[int]
    chunks: list[tuple[int, JoinedChunk]]


def read_tail(
    connection: sqlite3.Connection, version_id: int, baseline_id: str, *, most: int
) -> Tail:
    """Return the first rows of a version that are summed up for a baseline.

    Args:
        connection: sees one moment of the file.
        version_id: of which version.
        baseline_id: for which baseline.
        most: rows after which no more are read.
    """
    tail = Tail([], [])
    rows = 0
    for number, layout, size, content in connection.execute(_READ, (version_id, baseline_id)):
        tail.numbers.append(number)
        try:
            tail.chunks.append((layout, read_chunk(connection, version_id, layout, size, content)))
        except StoreError as error:
            logger.warning("%d joined rows are left out: %s", size, error)
        rows += size
        if rows >= most:
            break
    return tail


class Run(NamedTuple):
    """Rows of one layout: what was taken back is among those that it was put in with.

    Attributes:
        chunk: the rows.
        places: where they stand among all that was read, shape (n,).
    """

    chunk: JoinedChunk
    places: npt.NDArray[np.intp]


def by_layout(chunks: list[tuple[int, JoinedChunk]]) -> list[Run]:
    """Return the rows of each layout one after the other."""
    groups: dict[int, list[tuple[JoinedChunk, npt.NDArray[np.intp]]]] = {}
    first = 0
    for layout, chunk in chunks:
        last = first + chunk.signs.size
        groups.setdefault(layout, []).append((chunk, np.arange(first, last)))
        first = last
    return [
        Run(_joined([chunk for chunk, _ in some]), np.concatenate([places for _, places in some]))
        for some in groups.values()
    ]


def let_go(connection: sqlite3.Connection, numbers: list[int]) -> None:
    """Let go of what was summed up, in the current transaction.

    Raises:
        StoreError: somebody else summed it up.
    """
    gone = connection.executemany(_LET_GO, [(number,) for number in numbers]).rowcount
    if gone != len(numbers):
        raise StoreError(f"{len(numbers) - gone} groups of joined rows were summed up meanwhile.")


def waiting_rows(connection: sqlite3.Connection) -> list[tuple[int, str, int]]:
    """Return versions and baselines of which there are rows to be summed up, and how many."""
    return connection.execute(_WAITING).fetchall()


def waiting_baselines(connection: sqlite3.Connection, version_id: int) -> list[str]:
    """Return for which baselines rows of a version are to be summed up."""
    return [one for (one,) in connection.execute(_BASELINES, (version_id,)).fetchall()]


def _joined(chunks: list[JoinedChunk]) -> JoinedChunk:
    if len(chunks) == 1:
        return chunks[0]
    columns = [chunk.columns for chunk in chunks]
    segments = concatenated([one.segments for one in columns])
    assert isinstance(segments, CodedColumn)
    labels = concatenated([chunk.labels for chunk in chunks])
    assert isinstance(labels, CodedColumn)
    return JoinedChunk(
        signs=np.concatenate([chunk.signs for chunk in chunks]),
        labels=labels,
        predicted_ns=np.concatenate([chunk.predicted_ns for chunk in chunks]),
        labelled_ns=np.concatenate([chunk.labelled_ns for chunk in chunks]),
        columns=Columns(
            segments,
            _by_name([dict(one.outputs) for one in columns], [len(c.signs) for c in chunks]),
            _by_name([dict(one.features) for one in columns], [len(c.signs) for c in chunks]),
        ),
    )


def _by_name(parts: list[dict[str, RawColumn]], sizes: list[int]) -> dict[str, RawColumn]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: concatenated(
            [
                part[name] if name in part else [None] * size
                for part, size in zip(parts, sizes, strict=True)
            ]
        )
        for name in names
    }
