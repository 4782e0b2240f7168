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

__all__ = ["AGAIN", "NEW", "TAKEN", "JoinedChunk", "JoinedRow", "append_joined", "read_chunk"]

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
    texts: dict[str, int] = {}
    head = np.empty(len(rows), _HEAD)
    head["sign"], head["kind"] = signs, kinds
    head["label"] = [
        texts.setdefault(label, len(texts)) if isinstance(label, str) else label for label in labels
    ]
    head["predicted_ns"], head["labelled_ns"] = predicted, labelled
    named = json.dumps(list(texts)).encode()
    joint = b"\n" if layouts[0] == PLAIN else b""
    body = joint.join(records)
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
    if layout == PLAIN:
        columns = decode_plain(body.split(b"\n"))
    else:
        found = connection.execute(_LAYOUT, (layout,)).fetchone()
        if found is None:
            raise ValueError(f"their layout {layout} is not there")
        values = read_values(connection, version_id)
        columns = decode_records(Layout.from_json(found[0]), body, size, values)
    return JoinedChunk(
        signs=head["sign"],
        labels=_labels(head["kind"], head["label"], texts),
        predicted_ns=head["predicted_ns"],
        labelled_ns=head["labelled_ns"],
        columns=columns,
    )


def _labels(
    kinds: npt.NDArray[np.uint8], numbers: npt.NDArray[np.float64], texts: list[str]
) -> CodedColumn:
    pairs = np.empty(kinds.size, [("kind", "u1"), ("number", "<f8")])
    pairs["kind"], pairs["number"] = kinds, numbers
    distinct, codes = np.unique(pairs, return_inverse=True)
    values = [
        texts[int(number)] if kind == LabelKind.TEXT else label_of(int(kind), float(number))
        for kind, number in distinct.tolist()
    ]
    return CodedColumn(values, codes)
