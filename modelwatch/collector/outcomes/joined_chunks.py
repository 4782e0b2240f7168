"""Rows that were joined and are not summed up yet: many in one row of the store."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.collector.outcomes.label_values import LabelKind, StoredValue, label_of
from modelwatch.collector.outcomes.records import (
    PLAIN,
    Columns,
    Layout,
    decode_plain,
    decode_records,
)
from modelwatch.collector.outcomes.value_codes import read_values
from modelwatch.errors import StoreError
from modelwatch.outcomes.joined_rows import JoinedRows
from modelwatch.tables.compact_columns import CodedColumn, taken

__all__ = [
    "AGAIN",
    "NEW",
    "TAKEN",
    "JoinedChunk",
    "JoinedRow",
    "append_joined",
    "joined_records",
    "labels_of",
    "numbers_of",
    "read_chunk",
    "read_columns",
]

NEW: Final = 1
"""The first label that a prediction got."""

AGAIN: Final = 2
"""One that takes the place of another, or that is summed up for another baseline."""

TAKEN: Final = -1
"""One that holds no longer."""

_HEAD: Final = np.dtype(
    [
        ("sign", "i1"),
        ("kind", "u1"),
        ("label", "<f8"),
        ("predicted_ns", "<i8"),
        ("labelled_ns", "<i8"),
    ]
)
_LENGTHS: Final = struct.Struct("<II")
_INSERT: Final = (
    "INSERT INTO joined_rows (version_id, baseline_id, layout, row_count, content)"
    " VALUES (?, ?, ?, ?, ?)"
)
_LAYOUT: Final = "SELECT content FROM outcome_layouts WHERE id = ?"


class JoinedRow(NamedTuple):
    """One prediction and its label, where its version's rows are summed up.

    Attributes:
        place: in what order it came.
        version_id: of the version.
        baseline_id: which it is summed up for.
        layout: of the record.
        sign: `NEW`, `AGAIN` or `TAKEN`.
        kind: of the label.
        label: its value.
        predicted_ns: when it was predicted.
        labelled_ns: when the label became known.
        record: what was predicted.
    """

    place: int
    version_id: int
    baseline_id: str
    layout: int
    sign: int
    kind: int
    label: StoredValue
    predicted_ns: int
    labelled_ns: int
    record: bytes


@dataclass(frozen=True, slots=True)
class JoinedChunk:
    """Some rows of one version, baseline and layout, in the order in which they were joined.

    Attributes:
        signs: of each, shape (n,).
        labels: the truth of each.
        predicted_ns: shape (n,).
        labelled_ns: shape (n,).
        columns: what was predicted.
    """

    signs: npt.NDArray[np.int8]
    labels: CodedColumn
    predicted_ns: npt.NDArray[np.int64]
    labelled_ns: npt.NDArray[np.int64]
    columns: Columns

    def rows(self, places: npt.NDArray[np.intp]) -> JoinedRows:
        """Return some of its rows."""
        return JoinedRows(
            labels=self.labels.take(places),
            outputs={name: taken(one, places) for name, one in self.columns.outputs.items()},
            predicted_ns=self.predicted_ns[places],
            labelled_ns=self.labelled_ns[places],
            features={name: taken(one, places) for name, one in self.columns.features.items()},
        )


def append_joined(connection: sqlite3.Connection, rows: list[JoinedRow]) -> None:
    """Keep joined rows until they are summed up, in the current transaction."""
    rows.sort(key=lambda row: row[1:4] + row[:1])
    for key, group in groupby(rows, key=lambda row: row[1:4]):
        some = list(group)
        connection.execute(_INSERT, (*key, len(some), _packed(some)))


def _packed(rows: Sequence[JoinedRow]) -> bytes:
    _, _, _, layouts, signs, kinds, labels, predicted, labelled, records = zip(*rows, strict=True)
    head = np.empty(len(rows), _HEAD)
    head["sign"], head["kind"] = signs, kinds
    head["label"], texts = numbers_of(labels)
    head["predicted_ns"], head["labelled_ns"] = predicted, labelled
    named = json.dumps(texts).encode()
    body = joined_records(layouts[0], records)
    return _LENGTHS.pack(len(named), len(body)) + named + head.tobytes() + body


def read_chunk(
    connection: sqlite3.Connection, version_id: int, layout: int, size: int, contents: bytes
) -> JoinedChunk:
    """Return the rows that lie in one row of the store.

    Raises:
        StoreError: it is damaged.
    """
    try:
        return _read(connection, version_id, layout, size, contents)
    except (ValueError, TypeError, IndexError, struct.error) as error:
        raise StoreError(f"joined rows of the store are damaged: {error}.") from error


def _read(
    connection: sqlite3.Connection, version_id: int, layout: int, size: int, content: bytes
) -> JoinedChunk:
    named, length = _LENGTHS.unpack_from(content)
    begin = _LENGTHS.size + named
    texts = json.loads(content[_LENGTHS.size : begin])
    end = begin + size * _HEAD.itemsize
    if len(content) != end + length:
        raise ValueError(f"{len(content)} bytes instead of {end + length}")
    head = np.frombuffer(content[begin:end], _HEAD)
    body = content[end:]
    return JoinedChunk(
        signs=head["sign"],
        labels=labels_of(head["kind"], head["label"], texts),
        predicted_ns=head["predicted_ns"],
        labelled_ns=head["labelled_ns"],
        columns=read_columns(connection, version_id, layout, size, body),
    )


def joined_records(layout: int, records: Sequence[bytes]) -> bytes:
    """Return records of one layout one after the other."""
    return (b"\n" if layout == PLAIN else b"").join(records)


def read_columns(
    connection: sqlite3.Connection, version_id: int, layout: int, size: int, body: bytes
) -> Columns:
    """Return what `joined_records` put together.

    Raises:
        ValueError: it is damaged.
    """
    if layout == PLAIN:
        return decode_plain(body.split(b"\n"))
    found = connection.execute(_LAYOUT, (layout,)).fetchone()
    if found is None:
        raise ValueError(f"their layout {layout} is not there")
    values = read_values(connection, version_id)
    return decode_records(Layout.from_json(found[0]), body, size, values)


def numbers_of(labels: Sequence[StoredValue]) -> tuple[list[float | None], list[str]]:
    """Return labels as numbers, those of texts being places among the texts; and these."""
    texts: dict[str, int] = {}
    numbers = [
        texts.setdefault(label, len(texts)) if isinstance(label, str) else label for label in labels
    ]
    return numbers, list(texts)


def labels_of(
    kinds: npt.NDArray[np.uint8], numbers: npt.NDArray[np.float64], texts: list[str]
) -> CodedColumn:
    """Return the labels of some kinds that `numbers_of` made numbers of."""
    if kinds.size and (kinds == LabelKind.TEXT).all():
        if not ((numbers >= 0) & (numbers < len(texts))).all():
            raise ValueError(f"a label is none of {len(texts)} texts")
        return CodedColumn(texts, numbers.astype(np.int64))
    pairs = np.empty(kinds.size, [("kind", "u1"), ("number", "<f8")])
    pairs["kind"], pairs["number"] = kinds, numbers
    distinct, codes = np.unique(pairs, return_inverse=True)
    values = [
        texts[int(number)] if kind == LabelKind.TEXT else label_of(kind, number)
        for kind, number in distinct.tolist()
    ]
    return CodedColumn(values, codes)
