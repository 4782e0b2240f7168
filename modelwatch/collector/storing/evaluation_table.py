"""Evaluations, and what they come to, in two tables: lists of many never read the reports."""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import Final

from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.evaluation_summary import EvaluationSummary
from modelwatch.collector.storing.packing import pack, unpack
from modelwatch.collector.storing.store import Evaluation, SummarizedEvaluation
from modelwatch.collector.storing.version_numbers import version_number
from modelwatch.collector.windows import NANOSECONDS, TimeWindow

__all__ = ["SUMMARIES", "EvaluationTable"]

_REPORTS: Final = """
SELECT e.baseline_id, e.start_ns, e.end_ns, e.through_id, e.evaluated_ns, e.report
FROM evaluations e JOIN versions v ON v.id = e.version_id
WHERE v.model = ? AND v.version = ? AND e.end_ns <= ?
    AND (? = 0 OR (e.end_ns - e.start_ns = ? AND e.end_ns % ? = 0))
ORDER BY e.end_ns DESC, e.evaluated_ns DESC LIMIT ?
"""

SUMMARIES: Final = """
SELECT e.baseline_id, e.start_ns, e.end_ns, e.through_id, e.evaluated_ns, s.content,
    CASE WHEN s.content IS NULL THEN e.report END
FROM versions v JOIN evaluations e ON v.id = e.version_id
LEFT JOIN evaluation_summaries s ON s.version_id = e.version_id AND s.end_ns = e.end_ns
    AND s.start_ns = e.start_ns AND s.baseline_id = e.baseline_id
WHERE v.model = ? AND v.version = ? AND e.end_ns <= ?
    AND (? = 0 OR (e.end_ns - e.start_ns = ? AND e.end_ns % ? = 0))
ORDER BY e.end_ns DESC, e.evaluated_ns DESC LIMIT ?
"""

_EVALUATED: Final = """
SELECT e.start_ns, e.end_ns, e.through_id
FROM evaluations e JOIN versions v ON v.id = e.version_id
WHERE v.model = ? AND v.version = ? AND e.end_ns > ? AND e.baseline_id = ?
"""


CACHED_SUMMARIES: Final = 256
"""Summaries kept as they were read, some 20 kB each at 100 features: whoever watches a model asks
for its latest windows again and again, of which one is new."""


class EvaluationTable:
    """Keeps evaluations; see `modelwatch.collector.storing.store.EvaluationLog`.

    Args:
        database: the file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, model: str, version: str, evaluation: Evaluation) -> None:
        """Commit one evaluation in the place of one of the same window and baseline."""
        summary = evaluation.summary or EvaluationSummary.of_document(evaluation.report)
        span = evaluation.window
        key = (evaluation.baseline_id, span.start_ns, span.end_ns)
        report, content = pack(evaluation.report), pack(summary.to_json())

        def work(connection: sqlite3.Connection) -> None:
            version_id = version_number(connection, model, version)
            connection.execute(
                "INSERT OR REPLACE INTO evaluations (version_id, baseline_id, start_ns, end_ns,"
                " through_id, evaluated_ns, report) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (version_id, *key, evaluation.through_id, evaluation.evaluated_ns, report),
            )
            connection.execute(
                "INSERT OR REPLACE INTO evaluation_summaries (version_id, baseline_id, start_ns,"
                " end_ns, content) VALUES (?, ?, ?, ?, ?)",
                (version_id, *key, content),
            )

        await self._database.write(work)

    def evaluated(
        self, model: str, version: str, *, baseline_id: str, since_ns: int
    ) -> dict[TimeWindow, int]:
        """Return which windows that end after a time were compared with a baseline."""
        found = self._database.read(_EVALUATED, model, version, since_ns, baseline_id)
        return {TimeWindow(start_ns, end_ns): through for start_ns, end_ns, through in found}

    def evaluations(
        self,
        model: str,
        version: str,
        *,
        limit: int,
        until_ns: int,
        seconds: int | None,
        aligned: bool,
    ) -> list[Evaluation]:
        """Return the latest evaluations with their reports, oldest first."""
        named = (model, version, until_ns, *_length(seconds, aligned=aligned), limit)
        latest = self._database.read(_REPORTS, *named)
        return [
            Evaluation(
                baseline_id=baseline_id,
                window=TimeWindow(start_ns, end_ns),
                through_id=through_id,
                evaluated_ns=evaluated_ns,
                report=unpack(report),
            )
            for baseline_id, start_ns, end_ns, through_id, evaluated_ns, report in reversed(latest)
        ]

    def summaries(
        self,
        model: str,
        version: str,
        *,
        limit: int,
        until_ns: int,
        seconds: int | None,
        aligned: bool,
    ) -> list[SummarizedEvaluation]:
        """Return the latest evaluations and what they come to, oldest first."""
        named = (model, version, until_ns, *_length(seconds, aligned=aligned), limit)
        latest = self._database.read(SUMMARIES, *named)
        return [
            SummarizedEvaluation(
                baseline_id=baseline_id,
                window=TimeWindow(start_ns, end_ns),
                through_id=through_id,
                evaluated_ns=evaluated_ns,
                summary=_summary(*told),
            )
            for baseline_id, start_ns, end_ns, through_id, evaluated_ns, *told in reversed(latest)
        ]


def _length(seconds: int | None, *, aligned: bool) -> tuple[int, int, int]:
    """Return what chooses the windows of a length, and on its grid; all where it is None."""
    length_ns = (seconds or 0) * NANOSECONDS
    return length_ns, length_ns, length_ns if seconds and aligned else 1


@lru_cache(maxsize=CACHED_SUMMARIES)
def _summary(content: bytes | None, report: bytes | None) -> EvaluationSummary:
    """Read a summary; an evaluation of an older file has none, and is summed up from its report."""
    if content is None:
        return EvaluationSummary.of_document(unpack(report or b""))
    return EvaluationSummary.from_json(unpack(content))
