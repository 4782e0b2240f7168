"""An exported store taken into another one: all of it, or nothing."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, get_args

from modelwatch import document
from modelwatch.collector.outcomes.moving import KIND as OUTCOMES
from modelwatch.collector.outcomes.moving import take_outcomes
from modelwatch.collector.storing.cumulative_shelf import forget_before
from modelwatch.collector.storing.evaluation_summary import EvaluationSummary
from modelwatch.collector.storing.maintenance import opened
from modelwatch.collector.storing.opening import make
from modelwatch.collector.storing.packing import pack
from modelwatch.collector.storing.transfer import read_lines
from modelwatch.collector.storing.version_numbers import version_number
from modelwatch.errors import FormatError, StoreError
from modelwatch.profile import Profile
from modelwatch.telemetry.wire.examples import ExampleKind

__all__ = ["import_store"]

Body = Mapping[str, Any]

_TOLD: Final = """
UPDATE versions SET row_count = ?, first_seen_ns = ?, last_seen_ns = ? WHERE id = ?
"""
_KNOWN: Final = "SELECT row_count FROM versions WHERE model = ? AND version = ?"
_BASELINE: Final = """
INSERT OR REPLACE INTO baselines (version_id, id, pushed_ns, content) VALUES (?, ?, ?, ?)
"""
_STEERING: Final = """
INSERT OR REPLACE INTO steering (version_id, put_ns, content) VALUES (?, ?, ?)
"""
_PROFILE: Final = """
INSERT INTO profiles (version_id, instance, segment, baseline_id, start_ns, end_ns, content)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_EVALUATION: Final = """
INSERT OR REPLACE INTO evaluations
    (version_id, baseline_id, start_ns, end_ns, evaluated_ns, report, through_id)
VALUES (?, ?, ?, ?, ?, ?, (SELECT coalesce(max(seq), 0) FROM sqlite_sequence))
"""
_SUMMARY: Final = """
INSERT OR REPLACE INTO evaluation_summaries (version_id, baseline_id, start_ns, end_ns, content)
VALUES (?, ?, ?, ?, ?)
"""
_EXAMPLE: Final = """
INSERT OR IGNORE INTO trace_examples (version_id, kind, name, at_ns, trace_id, span_id)
VALUES (?, ?, ?, ?, ?, ?)
"""
# What arrives from now on comes after what was taken in.
_BEGIN_SEQUENCE: Final = """
INSERT INTO sqlite_sequence (name, seq) SELECT 'arrivals', 0
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'arrivals')
"""
_LIFT_SEQUENCE: Final = """
UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM sqlite_sequence) WHERE name = 'arrivals'
"""
# The memory of cumulative points is not exported: what began before may be counted already.
_COUNTED_UNTIL: Final = "SELECT coalesce(max(last_seen_ns) + 1, 0) FROM versions"


def import_store(source: Path, path: Path) -> Counter[str]:
    """Take exported documents into a store, which is made where it is absent.

    Args:
        source: what `export_store` wrote.
        path: the store; no collector should have it open, as it could not write meanwhile.

    Returns:
        How many documents of each kind were taken.

    Raises:
        StoreError: the source is no export or is damaged; the store cannot be written; or it holds
            rows of one of the versions already, which would count twice. Nothing was taken.
    """
    counts: Counter[str] = Counter()
    make(path)
    with opened(path, "rw") as connection:
        connection.execute("BEGIN IMMEDIATE")
        for body in read_lines(source):
            kind = body["kind"]
            take = _TAKERS.get(kind)
            if take is None:
                raise StoreError(f"{source} holds a {kind!r}, which this release does not know.")
            try:
                take(connection, body)
            except FormatError as error:
                raise StoreError(f"{source} is damaged: {error}") from error
            counts[kind] += 1
        connection.execute(_BEGIN_SEQUENCE)
        connection.execute(_LIFT_SEQUENCE)
        forget_before(connection, connection.execute(_COUNTED_UNTIL).fetchone()[0])
        connection.execute("COMMIT")
    return counts


def _version_of(connection: sqlite3.Connection, body: Body) -> int:
    return version_number(connection, document.text(body, "model"), document.text(body, "version"))


def _text_of(body: Body, name: str) -> str:
    """Return a document within a line as it was written before it was exported."""
    return json.dumps(document.object_of(body, name), ensure_ascii=False, separators=(",", ":"))


def _take_version(connection: sqlite3.Connection, body: Body) -> None:
    model, version = document.text(body, "model"), document.text(body, "version")
    known = connection.execute(_KNOWN, (model, version)).fetchone()
    if known is not None and known[0]:
        raise StoreError(
            f"the store holds {known[0]} rows of model {model!r} version {version!r} already, "
            "which would count twice: import into a new file."
        )
    times = [
        None if body.get(name) is None else document.time_ns(body, name)
        for name in ("first_seen_ns", "last_seen_ns")
    ]
    number = version_number(connection, model, version)
    connection.execute(_TOLD, (document.count(body, "rows"), *times, number))


def _take_baseline(connection: sqlite3.Connection, body: Body) -> None:
    content = _text_of(body, "content")
    row = (document.text(body, "id"), document.time_ns(body, "pushed_ns"), pack(content))
    connection.execute(_BASELINE, (_version_of(connection, body), *row))


def _take_steering(connection: sqlite3.Connection, body: Body) -> None:
    content = _text_of(body, "content")
    row = (document.time_ns(body, "put_ns"), content)
    connection.execute(_STEERING, (_version_of(connection, body), *row))


def _take_profile(connection: sqlite3.Connection, body: Body) -> None:
    text = _text_of(body, "content")
    profile = Profile.from_json(text)
    connection.execute(
        _PROFILE,
        (
            version_number(connection, profile.model, profile.version),
            profile.instance,
            profile.segment,
            profile.baseline_id,
            profile.start_ns,
            profile.end_ns,
            pack(text),
        ),
    )


def _take_evaluation(connection: sqlite3.Connection, body: Body) -> None:
    report = _text_of(body, "report")
    summary = EvaluationSummary.of_document(report)
    key = (
        _version_of(connection, body),
        document.text(body, "baseline_id"),
        document.time_ns(body, "start_ns"),
        document.time_ns(body, "end_ns"),
    )
    evaluated_ns = document.time_ns(body, "evaluated_ns")
    connection.execute(_EVALUATION, (*key, evaluated_ns, pack(report)))
    connection.execute(_SUMMARY, (*key, pack(summary.to_json())))


def _take_example(connection: sqlite3.Connection, body: Body) -> None:
    about = document.choice(body, "about", get_args(ExampleKind))
    try:
        ids = [bytes.fromhex(document.text(body, name)) for name in ("trace_id", "span_id")]
    except ValueError as error:
        raise FormatError(f"an example's trace is damaged: {error}.") from error
    if len(ids[0]) != 16:
        raise FormatError(f"an example's trace id has {len(ids[0])} bytes, and not 16.")
    name, at_ns = document.text(body, "name"), document.time_ns(body, "at_ns")
    connection.execute(_EXAMPLE, (_version_of(connection, body), about, name, at_ns, *ids))


_TAKERS: Final[Mapping[str, Callable[[sqlite3.Connection, Body], None]]] = {
    "version": _take_version,
    "baseline": _take_baseline,
    "steering": _take_steering,
    "profile": _take_profile,
    "evaluation": _take_evaluation,
    "trace_example": _take_example,
    OUTCOMES: take_outcomes,
}
