"""Predictions and labels in the collector's file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, TypeVar

from modelwatch.collector.outcomes.baselines_read import BaselinesRead
from modelwatch.collector.outcomes.cells import Spans
from modelwatch.collector.outcomes.expiring import Expiring, expired_before
from modelwatch.collector.outcomes.folding import Folder
from modelwatch.collector.outcomes.horizon import DEFAULT_HORIZON_SECONDS
from modelwatch.collector.outcomes.label_writer import (
    PreparedLabels,
    by_model,
    labels_kept,
    prepare_labels,
    write_labels,
)
from modelwatch.collector.outcomes.pair_folding import PairFolder
from modelwatch.collector.outcomes.pair_recounting import PairRecounter
from modelwatch.collector.outcomes.prediction_writer import (
    PredictionsWritten,
    PredictionWriter,
    PreparedPredictions,
    predictions_kept,
    prepare_predictions,
)
from modelwatch.collector.outcomes.protocols import LabelsKept, PredictionsKept
from modelwatch.collector.outcomes.reading import OutcomeReader
from modelwatch.collector.outcomes.recounting import Recounter
from modelwatch.collector.storing.database import Database
from modelwatch.outcomes.custom_metrics import CustomMetrics
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows

__all__ = ["OutcomeStore"]

ROWS_A_WRITE: Final = 5_000
"""Rows in one piece of work; bounds how long other acknowledgements wait for it."""

FEW_ROWS: Final = 100
"""So many are prepared where they are: another thread would take longer to be called."""


class OutcomeStore:
    """An `OutcomeSink`, and what is to be done beside. Thread-safe.

    Args:
        database: the open file; whoever opened it closes it.
        spans: of time that joined rows are summed up in.
        horizon_seconds: how long after a prediction its label is waited for.
        most_bytes: what predictions and labels may take of the file, about; 0 for no limit.
        clock: Unix nanoseconds; labels that tell no time became known then.
        come: Unix nanoseconds, a time that has surely come.
        custom: metrics to compute besides the built-in ones.

    Attributes:
        reader: answers what was joined.
        expiring: lets go of what is old.
    """

    def __init__(
        self,
        database: Database,
        spans: Spans,
        *,
        horizon_seconds: int = DEFAULT_HORIZON_SECONDS,
        most_bytes: int = 0,
        clock: Callable[[], int],
        come: Callable[[], int],
        custom: CustomMetrics | None = None,
    ) -> None:
        self._database = database
        self._spans = spans
        self._clock = clock
        self._predictions = PredictionWriter(grain_seconds=spans.grain_seconds)
        baselines = BaselinesRead()  # of those that take their turns in `merge` and `clean`
        self._folder = Folder(database, spans, baselines, custom)
        self._recounter = Recounter(database, baselines)
        self._pair_folder = PairFolder(database, spans, baselines)
        self._pair_recounter = PairRecounter(database, baselines)
        self.expiring = Expiring(
            database, horizon_seconds=horizon_seconds, most_bytes=most_bytes, clock=come
        )
        self.reader = OutcomeReader(database, spans, custom)

    async def keep_predictions(self, batches: Sequence[PredictionRows]) -> PredictionsKept:
        """Commit predictions; see `OutcomeSink.keep_predictions`."""
        outcomes: Counter[str] = Counter()
        for rows in batches:
            for part in await _prepared(partial(prepare_predictions, most=ROWS_A_WRITE), rows):
                written = await self._database.write(
                    partial(self._write_predictions, part), self._predictions.committed
                )
                outcomes.update(written.outcomes)
        return predictions_kept(outcomes)

    async def keep_labels(self, batches: Sequence[LabelRows]) -> LabelsKept:
        """Commit labels; see `OutcomeSink.keep_labels`."""
        outcomes: Counter[str] = Counter()
        prepare = partial(prepare_labels, most=ROWS_A_WRITE, now_ns=self._clock())
        for rows in by_model(batches):
            for part in await _prepared(prepare, rows):
                outcomes.update(await self._database.write(partial(self._write_labels, part)))
        return labels_kept(outcomes)

    async def merge(self, *, at_once: bool = False) -> None:
        """Note which baselines are in force, and sum up what was joined.

        Args:
            at_once: all of it, and not that of which there is much alone.
        """
        await self._recounter.run()
        await self._folder.run(at_once=at_once)
        await self._pair_recounter.run()
        await self._pair_folder.run()

    async def clean(self) -> None:
        """Put old short spans together, and let go of what is beyond the horizon."""
        await self._folder.roll_up()
        await self.expiring.run()

    def _write_predictions(
        self, part: PreparedPredictions, connection: sqlite3.Connection
    ) -> PredictionsWritten:
        before_ns = self._expired_before(connection)
        return self._predictions.write(connection, part, expired_before_ns=before_ns)

    def _write_labels(self, part: PreparedLabels, connection: sqlite3.Connection) -> Counter[str]:
        return write_labels(
            connection,
            part,
            expired_before_ns=self._expired_before(connection),
            grain_seconds=self._spans.grain_seconds,
        )

    def _expired_before(self, connection: sqlite3.Connection) -> int:
        return max(self.expiring.before_ns(), expired_before(connection))


Rows = TypeVar("Rows", PredictionRows, LabelRows)
Part = TypeVar("Part")


async def _prepared(prepare: Callable[[Rows], Iterable[Part]], rows: Rows) -> list[Part]:
    """Return rows as they are stored, many of them prepared in another thread."""
    if len(rows.ids) <= FEW_ROWS:
        return list(prepare(rows))
    return await asyncio.to_thread(lambda: list(prepare(rows)))
