"""What is wrong with stored predictions and labels, and with what they come to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from modelwatch.collector.outcomes.baselines_read import BaselinesRead
from modelwatch.collector.outcomes.joined_chunks import read_chunk
from modelwatch.collector.outcomes.pair_chunks import read_pairs
from modelwatch.concept.error_stream import ErrorStream
from modelwatch.errors import FormatError, StoreError
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.rollout.pair_summary import PairSummary

__all__ = ["OUTCOME_TABLES", "outcome_problems"]

OUTCOME_TABLES: Final = (
    "outcomes", "joined_rows", "outcome_summaries", "concept_changes", "pair_summaries",
)  # fmt: skip

_NO_LAYOUT: Final = """
SELECT count(*) FROM outcomes WHERE version_id > 0 AND layout <> 0
    AND layout NOT IN (SELECT id FROM outcome_layouts)
"""
_WAITING: Final = """
SELECT m.model, m.waiting, (
    SELECT count(*) FROM outcomes o WHERE o.model_id = m.id AND o.version_id = 0 AND NOT EXISTS (
        SELECT 1 FROM outcomes p WHERE p.model_id = o.model_id AND p.prefix = o.prefix
            AND p.hash = o.hash AND p.version_id > 0))
FROM outcome_models m
"""
_JOINED: Final = "SELECT number, version_id, layout, row_count, content FROM joined_rows"
_PAIRS: Final = """
SELECT number, first_id, second_id, first_layout, second_layout, row_count, content FROM pair_rows
"""
_SUMMARIES: Final = """
SELECT end_ns, version_id, baseline_id, content FROM outcome_summaries ORDER BY version_id
"""
_PAIR_SUMMARIES: Final = "SELECT end_ns, content FROM pair_summaries"
_STREAMS: Final = "SELECT version_id, stream FROM outcome_versions WHERE stream IS NOT NULL"


def outcome_problems(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield what is wrong, in words."""
    try:
        yield from _count_problems(connection)
        yield from _row_problems(connection)
        yield from _summary_problems(connection)
    except sqlite3.DatabaseError as error:
        yield f"outcomes: cannot be read to their end: {error}"


def _count_problems(connection: sqlite3.Connection) -> Iterator[str]:
    (without,) = connection.execute(_NO_LAYOUT).fetchone()
    if without:
        yield f"outcomes: {without} predictions have a layout that is not there"
    for model, told, found in connection.execute(_WAITING):
        if told != found:
            yield f"outcomes of {model!r}: {found} labels wait for a prediction, told are {told}"


def _row_problems(connection: sqlite3.Connection) -> Iterator[str]:
    for number, version_id, layout, size, content in connection.execute(_JOINED):
        try:
            read_chunk(connection, version_id, layout, size, content)
        except StoreError as error:
            yield f"joined_rows {number}: {error}"
    for number, first, second, *layouts, size, content in connection.execute(_PAIRS):
        try:
            read_pairs(connection, (first, second), (layouts[0], layouts[1]), size, content)
        except StoreError as error:
            yield f"pair_rows {number}: {error}"


def _summary_problems(connection: sqlite3.Connection) -> Iterator[str]:
    baselines = BaselinesRead()
    for end_ns, version_id, baseline_id, content in connection.execute(_SUMMARIES):
        baseline = baselines.judging(connection, version_id, baseline_id)
        try:
            if baseline is None:
                raise FormatError(f"its baseline {baseline_id} is not there.")
            OutcomeSummary.from_bytes(content, baseline)
        except FormatError as error:
            yield f"outcome_summaries {end_ns}: {error}"
    for end_ns, content in connection.execute(_PAIR_SUMMARIES):
        try:
            PairSummary.from_bytes(content)
        except FormatError as error:
            yield f"pair_summaries {end_ns}: {error}"
    for version_id, content in connection.execute(_STREAMS):
        try:
            ErrorStream.from_bytes(content)
        except FormatError as error:
            yield f"outcome_versions {version_id}: {error}"
