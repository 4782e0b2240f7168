"""Predictions and labels of one id lie beside each other; some ids are looked up in one statement.

A row is a prediction of the version that it names, or, where it names version 0, the id's label.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from modelwatch.collector.outcomes.keys import Key
from modelwatch.collector.outcomes.label_values import StoredValue
from modelwatch.collector.storing.bulk import insert_rows, select_rows

__all__ = [
    "IDS_AT_ONCE",
    "LABEL",
    "Held",
    "HeldLabel",
    "HeldPrediction",
    "find",
    "model_number",
    "put",
]

LABEL: Final = 0
"""In the place of a version's number: the row is a label."""

IDS_AT_ONCE: Final = 64
"""Ids that are looked up and written together: their pages are still at hand then."""

FIND: Final = """
WITH wanted (model_id, prefix, hash) AS (VALUES {})
SELECT o.prefix, o.hash, o.version_id, o.at_ns, o.layout, o.content
FROM wanted CROSS JOIN outcomes o
WHERE o.model_id = wanted.model_id AND o.prefix = wanted.prefix AND o.hash = wanted.hash
"""
_PUT: Final = """
INSERT INTO outcomes (model_id, prefix, hash, version_id, at_ns, layout, content) VALUES {}
ON CONFLICT (model_id, prefix, hash, version_id) DO UPDATE SET
    at_ns = excluded.at_ns, layout = excluded.layout, content = excluded.content
"""

OpenRow = tuple[int, int, int, int, int, int, StoredValue | bytes]
"""As the table has it: a label's kind is in the place of a layout, its value in that of content."""


class HeldLabel(NamedTuple):
    """A label: when it became known, its kind and value."""

    at_ns: int
    kind: int
    value: StoredValue


class HeldPrediction(NamedTuple):
    """A prediction: of which version, when, and its record."""

    version_id: int
    at_ns: int
    layout: int
    record: bytes


class Held:
    """What is stored of one id."""

    __slots__ = ("label", "predictions")

    def __init__(self) -> None:
        self.label: HeldLabel | None = None
        self.predictions: list[HeldPrediction] = []


def find(connection: sqlite3.Connection, model_id: int, keys: Sequence[Key]) -> dict[Key, Held]:
    """Return what is stored of some ids, one entry for each."""
    held = {key: Held() for key in keys}
    wanted = [(model_id, *key) for key in held]
    found = select_rows(connection, FIND, wanted)
    if len(wanted) % IDS_AT_ONCE:  # the statement was filled up with one of them
        found = list(dict.fromkeys(found))
    for prefix, digest, version_id, at_ns, layout, content in found:
        one = held[prefix, digest]
        if version_id == LABEL:
            one.label = HeldLabel(at_ns, layout, content)
        else:
            one.predictions.append(HeldPrediction(version_id, at_ns, layout, content))
    return held


def put(connection: sqlite3.Connection, rows: Sequence[OpenRow]) -> None:
    """Store rows, in place of those of the same id and version."""
    insert_rows(connection, _PUT, rows)


def model_number(connection: sqlite3.Connection, model: str) -> int:
    """Return the number of a model, which is made where it is new."""
    found = connection.execute("SELECT id FROM outcome_models WHERE model = ?", (model,)).fetchone()
    if found is not None:
        return int(found[0])
    made = connection.execute(
        "INSERT INTO outcome_models (model) VALUES (?) RETURNING id", (model,)
    )
    return int(made.fetchone()[0])
