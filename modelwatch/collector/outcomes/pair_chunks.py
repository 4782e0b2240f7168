"""Predictions that two versions made under the same ids, and that are not summed up yet."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.collector.outcomes.joined_chunks import (
    joined_records,
    labels_of,
    numbers_of,
    read_columns,
)
from modelwatch.collector.outcomes.label_values import StoredValue
from modelwatch.collector.outcomes.open_rows import HeldLabel, HeldPrediction
from modelwatch.collector.outcomes.records import Columns
from modelwatch.errors import StoreError
from modelwatch.rollout.pair_rows import PairRows
from modelwatch.tables.compact_columns import CodedColumn, taken

__all__ = ["Pair", "PairChunk", "PairEvent", "PairRow", "append_pairs", "pair_row", "read_pairs"]

Pair = tuple[int, int]
"""The numbers of two versions, the lower one first."""


class PairEvent(IntEnum):
    """What became known of a pair; it lies in the file, so that numbers never change."""

    BOTH = 1
    """Both predictions, with the label where it is known."""
    LABELLED = 2
    UNLABELLED = 3


_HEAD: Final = np.dtype([("event", "u1"), ("kind", "u1"), ("label", "<f8"), ("at_ns", "<i8")])
_LENGTHS: Final = struct.Struct("<III")
_INSERT: Final = """
INSERT INTO pair_rows (first_id, second_id, baseline_ids, first_layout, second_layout, row_count,
    content) VALUES (?, ?, ?, ?, ?, ?, ?)
"""


class PairRow(NamedTuple):
    """What became known of one pair, where its versions' pairs are summed up.

    Attributes:
        place: in what order it came.
        first_id: of the one version.
        second_id: of the other.
        baseline_ids: which it is summed up for.
        first_layout: of the one version's record.
        second_layout: of the other's.
        event: a `PairEvent`.
        kind: of the label.
        label: its value.
        at_ns: when the first version predicted.
        first: what it predicted.
        second: what the second did.
    """

    place: int
    first_id: int
    second_id: int
    baseline_ids: str
    first_layout: int
    second_layout: int
    event: int
    kind: int
    label: StoredValue
    at_ns: int
    first: bytes
    second: bytes


class PairChunk(NamedTuple):
    """Some pairs of two versions, in the order in which they came.

    Attributes:
        events: of each, shape (n,).
        labels: the truth of each, None where it is not known.
        at_ns: when the first version predicted, Unix nanoseconds, shape (n,).
        first: what it predicted.
        second: what the second did.
    """

    events: npt.NDArray[np.uint8]
    labels: CodedColumn
    at_ns: npt.NDArray[np.int64]
    first: Columns
    second: Columns

    def reversed(self) -> PairChunk:
        """Return them with the second version first."""
        return self._replace(first=self.second, second=self.first)

    def rows(self, places: npt.NDArray[np.intp]) -> PairRows:
        """Return some of its pairs."""
        return PairRows(
            first={name: taken(one, places) for name, one in self.first.outputs.items()},
            second={name: taken(one, places) for name, one in self.second.outputs.items()},
            labels=list(self.labels.take(places)),
        )


def pair_row(
    place: int,
    baseline_ids: str,
    predictions: tuple[HeldPrediction, HeldPrediction],
    label: HeldLabel,
    event: PairEvent,
) -> PairRow:
    """Return what became known of two predictions, that of the lower version first."""
    first, second = predictions
    return PairRow(
        place, first.version_id, second.version_id, baseline_ids, first.layout, second.layout,
        event, label.kind, label.value, first.at_ns, first.record, second.record,
    )  # fmt: skip


def append_pairs(connection: sqlite3.Connection, rows: list[PairRow]) -> None:
    """Keep pairs until they are summed up, in the current transaction."""
    rows.sort(key=lambda row: row[1:6] + row[:1])
    for key, group in groupby(rows, key=lambda row: row[1:6]):
        some = list(group)
        connection.execute(_INSERT, (*key, len(some), _packed(some)))


def _packed(rows: Sequence[PairRow]) -> bytes:
    head = np.empty(len(rows), _HEAD)
    head["event"], head["kind"] = [row.event for row in rows], [row.kind for row in rows]
    head["label"], texts = numbers_of([row.label for row in rows])
    head["at_ns"] = [row.at_ns for row in rows]
    parts = (
        json.dumps(texts).encode(),
        joined_records(rows[0].first_layout, [row.first for row in rows]),
        joined_records(rows[0].second_layout, [row.second for row in rows]),
    )
    return _LENGTHS.pack(*map(len, parts)) + head.tobytes() + b"".join(parts)


def read_pairs(
    connection: sqlite3.Connection,
    pair: Pair,
    layouts: tuple[int, int],
    size: int,
    content: bytes,
) -> PairChunk:
    """Return the pairs that lie in one row of the store.

    Raises:
        StoreError: it is damaged.
    """
    try:
        lengths = _LENGTHS.unpack_from(content)
        begin = _LENGTHS.size + size * _HEAD.itemsize
        if len(content) != begin + sum(lengths):
            raise ValueError(f"{len(content)} bytes instead of {begin + sum(lengths)}")
        head = np.frombuffer(content[_LENGTHS.size : begin], _HEAD)
        texts, *bodies = _split(content[begin:], lengths)
        columns = [
            read_columns(connection, version_id, layout, size, body)
            for version_id, layout, body in zip(pair, layouts, bodies, strict=True)
        ]
        labels = labels_of(head["kind"], head["label"], json.loads(texts))
        return PairChunk(head["event"], labels, head["at_ns"], columns[0], columns[1])
    except (ValueError, TypeError, IndexError, struct.error) as error:
        raise StoreError(f"pairs of the store are damaged: {error}.") from error


def _split(content: bytes, lengths: Sequence[int]) -> Iterator[bytes]:
    begin = 0
    for length in lengths:
        yield content[begin : begin + length]
        begin += length
