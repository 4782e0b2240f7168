"""The embedded store: what is observed, baselines, steering and evaluations in one SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from modelwatch.collector.outcomes.cells import Spans, shortest_span
from modelwatch.collector.outcomes.horizon import DEFAULT_HORIZON_SECONDS
from modelwatch.collector.outcomes.outcome_store import OutcomeStore
from modelwatch.collector.outcomes.protocols import (
    MOST_CHANGES,
    ConceptState,
    LabelCounts,
    LabelCoverage,
    LabelsKept,
    OutcomeWindow,
    PredictionsKept,
)
from modelwatch.collector.storing import cumulative_shelf
from modelwatch.collector.storing.arrival_writer import ArrivalWriter
from modelwatch.collector.storing.batches import Batches
from modelwatch.collector.storing.consolidating import Consolidator
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.evaluation_table import EvaluationTable
from modelwatch.collector.storing.grains import Grains
from modelwatch.collector.storing.merging import Merger
from modelwatch.collector.storing.packing import pack
from modelwatch.collector.storing.purging import Purger
from modelwatch.collector.storing.retention import Retention
from modelwatch.collector.storing.rolling_up import RollUp
from modelwatch.collector.storing.series_shelf import SeriesShelf
from modelwatch.collector.storing.store import (
    NO_MEMORIES,
    Evaluation,
    FilledWindow,
    Recalled,
    SenderMemory,
    StoredBaseline,
    SummarizedEvaluation,
    Traces,
    VersionSeen,
    WindowProfiles,
    Written,
)
from modelwatch.collector.storing.trace_examples import Thinning, TraceExamples
from modelwatch.collector.storing.upkeep import Upkeep
from modelwatch.collector.storing.version_numbers import version_number
from modelwatch.collector.storing.window_reader import WindowReader
from modelwatch.collector.time_bounds import TimeBounds
from modelwatch.collector.windows import LATEST_NS, TimeWindow
from modelwatch.errors import FormatError, StoreError
from modelwatch.outcomes.custom_metrics import CustomMetrics
from modelwatch.profile import Profile
from modelwatch.rollout.pair_summary import PairSummary
from modelwatch.telemetry.steering import Steering
from modelwatch.telemetry.wire.arrivals import Arrival
from modelwatch.telemetry.wire.examples import Example
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows

__all__ = ["SqliteStore"]

VERSIONS = """
SELECT model, version, row_count, first_seen_ns, last_seen_ns,
    (SELECT b.id FROM baselines b WHERE b.version_id = versions.id ORDER BY number DESC LIMIT 1),
    EXISTS (SELECT 1 FROM arrivals WHERE version_id = versions.id)
        OR EXISTS (SELECT 1 FROM merged WHERE version_id = versions.id)
        OR EXISTS (SELECT 1 FROM evaluations WHERE version_id = versions.id)
        OR EXISTS (SELECT 1 FROM profiles WHERE version_id = versions.id)
FROM versions ORDER BY model, last_seen_ns DESC, version DESC
"""


class SqliteStore:
    """A `modelwatch.collector.storing.store.Store` in one SQLite file.

    Thread-safety: every method may be called from any thread or event loop.

    Args:
        database: the open file; whoever opened it closes it.
        dedupe_seconds: how long it is remembered that a point was stored. What is sent again later
            than that counts again.
        window_seconds: length of the windows that are evaluated; merging never blurs their bounds.
        retention: how long what is stored is kept.
        most_waiting: exports that may wait; one more raises `StoreBusy`.
        clock: Unix nanoseconds.
        bounds: between which the time lies: what is deleted, merged or forgotten is so by the time
            that has surely come. Where None, the clock is believed.
        label_horizon_seconds: how long after a prediction its label is waited for.
        custom_metrics: metrics of labels to compute besides the built-in ones.
    """

    def __init__(
        self,
        database: Database,
        *,
        dedupe_seconds: int = 86_400,
        window_seconds: int = 3_600,
        retention: Retention | None = None,
        most_waiting: int = 1_024,
        clock: Callable[[], int] = time.time_ns,
        bounds: TimeBounds | None = None,
        label_horizon_seconds: int = DEFAULT_HORIZON_SECONDS,
        custom_metrics: CustomMetrics | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        retention = retention or Retention()
        bounds = bounds or TimeBounds(clock)
        come = bounds.earliest_ns
        grains = Grains.for_windows(window_seconds)
        shelf = SeriesShelf()
        merger = Merger(shelf, clock=come, grain_seconds=grains.minute_seconds)
        writer = ArrivalWriter(shelf, merger, dedupe_seconds=dedupe_seconds, bounds=bounds)
        self._batches = Batches(database, writer, most_waiting=most_waiting)
        self._reader = WindowReader(database, shelf)
        self._evaluations = EvaluationTable(database)
        self._outcomes = outcomes = OutcomeStore(
            database,
            Spans(
                grain_seconds=shortest_span(window_seconds),
                steps=grains.steps(retention),
                clock=come,
            ),
            horizon_seconds=label_horizon_seconds,
            most_bytes=retention.max_store_bytes // 2,
            clock=clock,
            come=come,
            custom=custom_metrics,
        )
        self._upkeep = Upkeep(
            database,
            merger,
            Consolidator(database, shelf, spans_seconds=grains.sender_spans_seconds, clock=come),
            RollUp(database, shelf, merger, grains.steps(retention), clock=come),
            Purger(database, shelf, retention, dedupe_seconds=dedupe_seconds, clock=come),
            Thinning(database, retention, clock=come),
            outcomes,
        )
        self._examples = TraceExamples(database, span_seconds=grains.sender_spans_seconds[0])

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        clock: Callable[[], int] = time.time_ns,
        label_horizon_seconds: int = DEFAULT_HORIZON_SECONDS,
    ) -> SqliteStore:
        """Return the store in a file that nobody else has open; `close` closes it.

        Raises:
            StoreError: as for `Database`.
        """
        return cls(Database(path), clock=clock, label_horizon_seconds=label_horizon_seconds)

    @property
    def database(self) -> Database:
        """The open file, which other parts of the collector keep their tables in too."""
        return self._database

    @property
    def path(self) -> Path:
        """The store's file."""
        return self._database.path

    def close(self) -> None:
        """Commit what is queued and close the file."""
        self._database.close()

    async def keep(self, stop: asyncio.Event) -> None:
        """Merge, roll up and let go of what is old, until ``stop`` is set."""
        await self._upkeep.run(stop)

    async def tidy(self) -> None:
        """Do at once what `keep` does from time to time."""
        await self._upkeep.merge()
        await self.sum_up()
        await self._upkeep.clean()
        await self._outcomes.clean()

    async def write(
        self, arrivals: Sequence[Arrival], memories: Mapping[int, SenderMemory] = NO_MEMORIES
    ) -> Written:
        """Commit the points that were not seen before; see `ArrivalSink.write`."""
        return await self._batches.write(arrivals, memories)

    def recall(self, keys: Collection[int]) -> Recalled:
        """Return the memories of some senders; see `ArrivalSink.recall`."""
        with self._database.reading() as connection:
            return cumulative_shelf.recall(connection, keys)

    async def keep_examples(self, examples: Sequence[Example]) -> int:
        """Commit examples of traces; see `ExampleSink.keep_examples`."""
        return await self._examples.keep(examples)

    def traces(self, model: str, version: str, window: TimeWindow) -> Traces:
        """Return in which traces something was found; see `ExampleSource.traces`."""
        return self._examples.of_window(model, version, window)

    async def keep_predictions(self, batches: Sequence[PredictionRows]) -> PredictionsKept:
        """Commit predictions; see `OutcomeSink.keep_predictions`."""
        return await self._outcomes.keep_predictions(batches)

    async def keep_labels(self, batches: Sequence[LabelRows]) -> LabelsKept:
        """Commit labels; see `OutcomeSink.keep_labels`."""
        return await self._outcomes.keep_labels(batches)

    def outcomes(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return what was joined; see `OutcomeSource.outcomes`."""
        return self._outcomes.reader.outcomes(model, version, window)

    def outcomes_counted(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return how many there are in a window; see `OutcomeSource.outcomes_counted`."""
        return self._outcomes.reader.outcomes_counted(model, version, window)

    def outcomes_through(self, model: str, version: str, window: TimeWindow) -> int:
        """Return the latest change of a window; see `OutcomeSource.outcomes_through`."""
        return self._outcomes.reader.outcomes_through(model, version, window)

    def label_coverage(self, model: str, version: str, window: TimeWindow) -> LabelCoverage:
        """Return how many labels came; see `OutcomeSource.label_coverage`."""
        return self._outcomes.reader.label_coverage(model, version, window)

    def label_counts(self, model: str) -> LabelCounts:
        """Return what became of labels; see `OutcomeSource.label_counts`."""
        return self._outcomes.reader.label_counts(model)

    def concept(
        self, model: str, version: str, *, since_ns: int = 0, most: int = MOST_CHANGES
    ) -> ConceptState:
        """Return what errors tell in label order; see `OutcomeSource.concept`."""
        return self._outcomes.reader.concept(model, version, since_ns=since_ns, most=most)

    def pairs(self, model: str, first: str, second: str, window: TimeWindow) -> PairSummary | None:
        """Return what two versions made of the same ids; see `OutcomeSource.pairs`."""
        return self._outcomes.reader.pairs(model, first, second, window)

    def wait_for_labels(self, seconds: int) -> None:
        """Wait so long for labels from now on. What was let go of already does not come back."""
        self._outcomes.expiring.horizon_seconds = seconds

    async def note_baselines(self) -> None:
        """Have what was joined summed up for the baselines that are in force; `keep` does so."""
        await self._outcomes.merge()

    async def sum_up(self) -> None:
        """Sum up at once all that was joined; `keep` does so from time to time."""
        await self._outcomes.merge(at_once=True)

    async def put_baseline(self, model: str, version: str, baseline_id: str, content: str) -> None:
        """Commit a baseline as the current one; see `BaselineShelf.put_baseline`."""
        row = (baseline_id, self._clock(), pack(content))

        def work(connection: sqlite3.Connection) -> None:
            version_id = version_number(connection, model, version)
            # REPLACE gives the row a new number: what is pushed again is the newest again.
            connection.execute(
                "INSERT OR REPLACE INTO baselines (version_id, id, pushed_ns, content)"
                " VALUES (?, ?, ?, ?)",
                (version_id, *row),
            )

        await self._database.write(work)

    async def put_steering(self, model: str, version: str, steering: Steering | None) -> None:
        """Commit how capture is steered; see `SteeringShelf.put_steering`."""
        row = None if steering is None else (self._clock(), steering.to_json())

        def work(connection: sqlite3.Connection) -> None:
            version_id = version_number(connection, model, version)
            connection.execute("DELETE FROM steering WHERE version_id = ?", (version_id,))
            if row is not None:
                connection.execute(
                    "INSERT INTO steering (version_id, put_ns, content) VALUES (?, ?, ?)",
                    (version_id, *row),
                )

        await self._database.write(work)

    async def record_evaluation(self, model: str, version: str, evaluation: Evaluation) -> None:
        """Commit one evaluation; see `EvaluationLog.record_evaluation`."""
        await self._evaluations.record(model, version, evaluation)

    def versions(self) -> list[VersionSeen]:
        """Return every model version; see `VersionSource.versions`."""
        return [
            VersionSeen(
                model=model,
                version=version,
                rows=rows,
                first_seen_ns=first,
                last_seen_ns=last,
                baseline_id=baseline_id,
                has_data=bool(has_data),
            )
            for model, version, rows, first, last, baseline_id, has_data in self._database.read(
                VERSIONS
            )
        ]

    def window(self, model: str, version: str, window: TimeWindow) -> WindowProfiles:
        """Return the merged profiles of one window; see `WindowSource.window`."""
        return self._reader.window(model, version, window)

    def window_by_instance(
        self, model: str, version: str, window: TimeWindow
    ) -> dict[str, Profile]:
        """Return what each sender told; see `WindowSource.window_by_instance`."""
        return self._reader.window_by_instance(model, version, window)

    def latest_rows(self, model: str, version: str, rows: int) -> WindowProfiles:
        """Return the newest rows; see `WindowSource.latest_rows`."""
        return self._reader.latest_rows(model, version, rows)

    def through_id(self, model: str, version: str, window: TimeWindow) -> int:
        """Return the latest arrival of a window; see `WindowSource.through_id`."""
        return self._reader.through_id(model, version, window)

    def filled_windows(
        self, model: str, version: str, *, seconds: int, since_ns: int
    ) -> list[FilledWindow]:
        """Return the windows that hold data; see `WindowSource.filled_windows`."""
        return self._reader.filled_windows(model, version, seconds=seconds, since_ns=since_ns)

    def baseline(self, model: str, version: str) -> StoredBaseline | None:
        """Return the current baseline; see `BaselineShelf.baseline`."""
        found = self._database.read(
            "SELECT b.id, b.content, b.pushed_ns FROM baselines b JOIN versions v"
            " ON v.id = b.version_id WHERE v.model = ? AND v.version = ?"
            " ORDER BY b.number DESC LIMIT 1",
            model,
            version,
        )
        if not found:
            return None
        baseline_id, packed, pushed_ns = found[0]
        return StoredBaseline(id=baseline_id, packed=packed, pushed_ns=pushed_ns)

    def steering(self, model: str, version: str) -> Steering | None:
        """Return how capture is steered; see `SteeringShelf.steering`."""
        found = self._database.read(
            "SELECT s.content FROM steering s JOIN versions v ON v.id = s.version_id"
            " WHERE v.model = ? AND v.version = ?",
            model,
            version,
        )
        try:
            return Steering.from_json(found[0][0]) if found else None
        except FormatError as error:
            raise StoreError(f"a row of the store is damaged: {error}") from error

    def evaluated(
        self, model: str, version: str, *, baseline_id: str, since_ns: int
    ) -> dict[TimeWindow, int]:
        """Return which windows were evaluated; see `EvaluationLog.evaluated`."""
        return self._evaluations.evaluated(
            model, version, baseline_id=baseline_id, since_ns=since_ns
        )

    def evaluations(
        self,
        model: str,
        version: str,
        *,
        limit: int,
        until_ns: int = LATEST_NS,
        seconds: int | None = None,
        aligned: bool = True,
    ) -> list[Evaluation]:
        """Return stored evaluations; see `EvaluationLog.evaluations`."""
        return self._evaluations.evaluations(
            model, version, limit=limit, until_ns=until_ns, seconds=seconds, aligned=aligned
        )

    def summaries(
        self,
        model: str,
        version: str,
        *,
        limit: int,
        until_ns: int = LATEST_NS,
        seconds: int | None = None,
        aligned: bool = True,
    ) -> list[SummarizedEvaluation]:
        """Return what evaluations come to; see `EvaluationLog.summaries`."""
        return self._evaluations.summaries(
            model, version, limit=limit, until_ns=until_ns, seconds=seconds, aligned=aligned
        )
