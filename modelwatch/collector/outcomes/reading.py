"""What was joined, read for a window."""

from __future__ import annotations

import sqlite3
import threading
from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline
from modelwatch.collector.outcomes.baselines_read import BaselinesRead, current_baseline_id
from modelwatch.collector.outcomes.cells import Spans
from modelwatch.collector.outcomes.joined_chunks import TAKEN
from modelwatch.collector.outcomes.pair_chunks import Pair
from modelwatch.collector.outcomes.pair_folding import fold_pairs, pair_tail, stored_pairs
from modelwatch.collector.outcomes.pair_recounting import baselines_of
from modelwatch.collector.outcomes.protocols import (
    ConceptState,
    LabelCounts,
    LabelCoverage,
    OutcomeWindow,
)
from modelwatch.collector.outcomes.summing import Summing
from modelwatch.collector.outcomes.tail import by_layout, read_tail, waiting_baselines
from modelwatch.collector.outcomes.watching import concept_of
from modelwatch.collector.storing.database import Database
from modelwatch.collector.windows import TimeWindow
from modelwatch.outcomes.custom_metrics import CustomMetrics
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.rollout.pair_summary import PairSummary

__all__ = ["OutcomeReader"]

_VERSION: Final = "SELECT id FROM versions WHERE model = ? AND version = ?"
_WINDOW: Final = """
SELECT coalesce(sum(predictions), 0), coalesce(sum(labelled), 0), coalesce(max(through), 0)
FROM outcome_windows WHERE version_id = ? AND end_ns > ? AND end_ns <= ? AND start_ns >= ?
"""
_APART: Final = """
SELECT coalesce(sum(row_count), 0) FROM outcome_summaries
WHERE version_id = ? AND end_ns > ? AND end_ns <= ? AND start_ns >= ? AND baseline_id <> ?
    AND segment = ''
"""
_PAIR: Final = "SELECT baseline_ids FROM outcome_pairs WHERE first_id = ? AND second_id = ?"
_COUNTS: Final = """
SELECT c.name, c.number FROM outcome_counts c JOIN outcome_models m ON m.id = c.model_id
WHERE m.model = ?
"""
_WAITING: Final = "SELECT waiting FROM outcome_models WHERE model = ?"

_EVERYTHING: Final = 2**62


class OutcomeReader:
    """Reads what was joined. Thread-safe.

    Args:
        database: the file.
        spans: in which rows are summed up.
        custom: metrics to compute besides the built-in ones.
    """

    def __init__(
        self, database: Database, spans: Spans, custom: CustomMetrics | None = None
    ) -> None:
        self._database = database
        self._spans = spans
        self._custom = custom
        self._lock = threading.Lock()  # guards the baselines
        self._baselines = BaselinesRead()

    def outcomes(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return what is known of a window; see `OutcomeSource.outcomes`."""
        with self._database.reading() as connection:
            connection.execute("BEGIN")
            version_id = _version_id(connection, model, version)
            if version_id is None:
                return OutcomeWindow()
            place = (version_id, window.start_ns, window.end_ns, window.start_ns)
            predictions, labelled, through = connection.execute(_WINDOW, place).fetchone()
            if not predictions and not labelled:
                return OutcomeWindow(through=through)
            baseline = self._baseline(connection, version_id)
            baseline_id = "" if baseline is None else baseline.id
            apart = int(connection.execute(_APART, (*place, baseline_id)).fetchone()[0])
            apart += self._tail_apart(connection, version_id, baseline_id, window)
            return OutcomeWindow(
                predictions=predictions,
                labelled=labelled,
                summaries=self._summaries(connection, version_id, baseline, window),
                labelled_apart=apart,
                through=through,
            )

    def outcomes_counted(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return how many there are in a window; see `OutcomeSource.outcomes_counted`."""
        with self._database.reading() as connection:
            version_id = _version_id(connection, model, version)
            if version_id is None:
                return OutcomeWindow()
            place = (version_id, window.start_ns, window.end_ns, window.start_ns)
            predictions, labelled, through = connection.execute(_WINDOW, place).fetchone()
            return OutcomeWindow(predictions=predictions, labelled=labelled, through=int(through))

    def outcomes_through(self, model: str, version: str, window: TimeWindow) -> int:
        """Return the latest change of a window; see `OutcomeSource.outcomes_through`."""
        return self.outcomes_counted(model, version, window).through

    def label_coverage(self, model: str, version: str, window: TimeWindow) -> LabelCoverage:
        """Return how many labels came, and when; see `OutcomeSource.label_coverage`."""
        found = self.outcomes(model, version, window)
        whole = found.summaries.get("")
        return LabelCoverage(
            predictions=found.predictions,
            labelled=found.labelled,
            delays=None if whole is None else whole.delays,
        )

    def label_counts(self, model: str) -> LabelCounts:
        """Return what became of a model's labels; see `OutcomeSource.label_counts`."""
        with self._database.reading() as connection:
            connection.execute("BEGIN")
            outcomes = dict(connection.execute(_COUNTS, (model,)).fetchall())
            waiting = connection.execute(_WAITING, (model,)).fetchone()
        return LabelCounts(waiting=0 if waiting is None else waiting[0], outcomes=outcomes)

    def concept(self, model: str, version: str, *, since_ns: int, most: int) -> ConceptState:
        """Return what errors tell in label order; see `OutcomeSource.concept`."""
        with self._database.reading() as connection:
            connection.execute("BEGIN")
            version_id = _version_id(connection, model, version)
            if version_id is None:
                return ConceptState()
            return concept_of(connection, version_id, since_ns=since_ns, most=most)

    def pairs(self, model: str, first: str, second: str, window: TimeWindow) -> PairSummary | None:
        """Return what two versions predicted of the same ids; see `OutcomeSource.pairs`."""
        with self._database.reading() as connection:
            connection.execute("BEGIN")
            ids = [_version_id(connection, model, version) for version in (first, second)]
            if ids[0] is None or ids[1] is None or ids[0] == ids[1]:
                return None
            return self._pairs(connection, (ids[0], ids[1]), window)

    def _pairs(
        self, connection: sqlite3.Connection, asked: Pair, window: TimeWindow
    ) -> PairSummary | None:
        pair = (min(asked), max(asked))
        told = connection.execute(_PAIR, pair).fetchone()
        if told is None or not told[0]:
            return None
        with self._lock:
            baselines = baselines_of(connection, self._baselines, pair, told[0])
        empty = PairSummary.empty(*(baselines if asked == pair else reversed(baselines)))
        if empty is None:
            return None
        found = stored_pairs(connection, asked, window, told[0], empty)
        for chunk in pair_tail(connection, pair, told[0])[1]:
            seen = chunk if asked == pair else chunk.reversed()
            fold_pairs(found, seen, _within(chunk.at_ns, self._spans, window))
        return found

    def _baseline(self, connection: sqlite3.Connection, version_id: int) -> Baseline | None:
        baseline_id = current_baseline_id(connection, version_id)
        if baseline_id is None:
            return None
        with self._lock:
            return self._baselines.judging(connection, version_id, baseline_id)

    def _summaries(
        self,
        connection: sqlite3.Connection,
        version_id: int,
        baseline: Baseline | None,
        window: TimeWindow,
    ) -> dict[str, OutcomeSummary]:
        if baseline is None:
            return {}
        summing = Summing(connection, version_id, baseline, self._spans, self._custom)
        found = summing.of_window(window)
        tail = read_tail(connection, version_id, baseline.id, most=_EVERYTHING)
        for chunk, _ in by_layout(tail.chunks):
            summing.add(found, chunk, _within(chunk.predicted_ns, self._spans, window))
        return {segment: one for segment, one in found.items() if one.rows}

    def _tail_apart(
        self,
        connection: sqlite3.Connection,
        version_id: int,
        baseline_id: str,
        window: TimeWindow,
    ) -> int:
        """Return how many rows of other baselines are not summed up yet."""
        total = 0
        for other in waiting_baselines(connection, version_id):
            if other != baseline_id:
                for _, chunk in read_tail(connection, version_id, other, most=_EVERYTHING).chunks:
                    signs = chunk.signs[_within(chunk.predicted_ns, self._spans, window)]
                    total += int(np.sum(np.where(signs == TAKEN, -1, 1)))
        return total


def _version_id(connection: sqlite3.Connection, model: str, version: str) -> int | None:
    found = connection.execute(_VERSION, (model, version)).fetchone()
    return None if found is None else int(found[0])


def _within(
    times_ns: npt.NDArray[np.int64], spans: Spans, window: TimeWindow
) -> npt.NDArray[np.intp]:
    """Return the places of the times that lie in spans that lie in a window."""
    ends = spans.ends(times_ns)
    starts = ends - spans.grain_ns
    return np.flatnonzero((starts >= window.start_ns) & (ends <= window.end_ns))
