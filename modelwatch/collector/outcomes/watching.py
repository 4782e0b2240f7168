"""The errors of each model version in label order, watched for a change of the concept."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from modelwatch.baseline import Baseline
from modelwatch.collector.outcomes.joined_chunks import NEW
from modelwatch.collector.outcomes.protocols import ConceptState
from modelwatch.collector.outcomes.tail import Run
from modelwatch.concept.concept_change import ConceptChange
from modelwatch.concept.error_stream import ErrorStream
from modelwatch.errors import FormatError, StoreError
from modelwatch.outcomes.read_rows import errors_of

__all__ = ["Watched", "concept_of", "watch", "write_watched"]

_STREAM: Final = """
SELECT stream FROM outcome_versions WHERE version_id = ? AND baseline_id = ?
"""
_PUT: Final = "UPDATE outcome_versions SET stream = ? WHERE version_id = ? AND baseline_id = ?"
_CHANGED: Final = """
INSERT INTO concept_changes (version_id, baseline_id, detected_ns, content) VALUES (?, ?, ?, ?)
"""
_CHANGES: Final = """
SELECT c.content FROM concept_changes c
JOIN outcome_versions o ON o.version_id = c.version_id AND o.baseline_id = c.baseline_id
WHERE c.version_id = ? AND c.detected_ns > ?
ORDER BY c.detected_ns DESC, c.number DESC LIMIT ?
"""
_CURRENT: Final = "SELECT stream FROM outcome_versions WHERE version_id = ?"

logger = logging.getLogger(__name__)


class Watched(NamedTuple):
    """What a stream of errors became with some more of them.

    Attributes:
        version_id: of which version.
        baseline_id: of which baseline.
        stream: what is remembered.
        changes: what they told of.
    """

    version_id: int
    baseline_id: str
    stream: bytes
    changes: list[ConceptChange]


def watch(
    connection: sqlite3.Connection, version_id: int, baseline: Baseline, runs: Sequence[Run]
) -> Watched | None:
    """Take the first labels of predictions, in the order in which they came. Writes nothing.

    Labels that were corrected, and those that were there before the baseline, are passed over.

    Returns:
        None where there is none.
    """
    size = sum(run.places.size for run in runs)
    errors, is_new = np.full(size, np.nan), np.zeros(size, bool)
    times = np.zeros((2, size), np.int64)
    for chunk, places in runs:
        new = np.flatnonzero(chunk.signs == NEW)
        if new.size:
            errors[places[new]] = errors_of(chunk.rows(new), baseline)
            is_new[places[new]] = True
            times[:, places] = chunk.labelled_ns, chunk.predicted_ns
    if not is_new.any():
        return None
    found = connection.execute(_STREAM, (version_id, baseline.id)).fetchone()
    stream = _read(found[0]) if found is not None and found[0] is not None else None
    stream = stream or ErrorStream.for_baseline(baseline)
    changes = stream.update(errors[is_new], *times[:, is_new])
    return Watched(version_id, baseline.id, stream.to_bytes(), changes)


def write_watched(watched: Watched, connection: sqlite3.Connection) -> None:
    """Keep a stream and what it told of, in the current transaction."""
    place = (watched.version_id, watched.baseline_id)
    connection.execute(_PUT, (watched.stream, *place))
    connection.executemany(
        _CHANGED,
        [(*place, one.detected_ns, json.dumps(one.to_dict())) for one in watched.changes],
    )


def concept_of(
    connection: sqlite3.Connection, version_id: int, *, since_ns: int, most: int
) -> ConceptState:
    """Return what a version's stream of errors tells, the latest changes last.

    Raises:
        StoreError: a change is damaged.
    """
    rows = connection.execute(_CHANGES, (version_id, since_ns, most)).fetchall()
    found = connection.execute(_CURRENT, (version_id,)).fetchone()
    stream = _read(found[0]) if found is not None and found[0] is not None else None
    changes = tuple(_change(content) for (content,) in reversed(rows))
    if stream is None:
        return ConceptState(changes=changes)
    return ConceptState(
        changes=changes,
        rows=stream.rows,
        unknown=stream.unknown,
        rows_since=stream.rows_since,
        mean_since=stream.mean,
    )


def _read(content: bytes) -> ErrorStream | None:
    try:
        return ErrorStream.from_bytes(content)
    except FormatError as error:
        logger.warning("a stream of errors begins anew: %s", error)
        return None


def _change(content: str) -> ConceptChange:
    try:
        body: dict[str, Any] = json.loads(content)
        return ConceptChange.from_dict(body)
    except (ValueError, FormatError) as error:
        raise StoreError(f"a change of a concept is damaged: {error}.") from error
