"""What the collector measures of its own work: writing to the store, and assessing windows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric

from modelwatch.collector.evaluating.evaluation import (
    Assessment,
    EvaluationStore,
    Evaluator,
    OriginSource,
)
from modelwatch.collector.evaluating.label_reader import LabelReader
from modelwatch.collector.outcomes.protocols import LabelsKept, OutcomeSink, PredictionsKept
from modelwatch.collector.showing.durations import Durations
from modelwatch.collector.showing.own_metrics import store_bytes
from modelwatch.collector.storing.store import (
    NO_MEMORIES,
    ArrivalSink,
    Recalled,
    SenderMemory,
    Written,
)
from modelwatch.collector.windows import TimeWindow
from modelwatch.telemetry.wire import Arrival
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows

__all__ = ["MeasuredEvaluator", "MeasuredOutcomes", "MeasuredSink", "SelfMeasures"]


class SelfMeasures:
    """Durations and numbers. Thread-safety: safe; `waiting` is changed in one event loop.

    Attributes:
        commits: from handing points to the store until they are committed.
        assessments: of windows, those that pages ask for too.
        waiting: writes that are not committed yet.

    Args:
        store_path: the store's file.
    """

    def __init__(self, store_path: Path) -> None:
        self._store_path = store_path
        self.commits = Durations()
        self.assessments = Durations()
        self.waiting = 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Measure a write that is waited for in a block."""
        self.waiting += 1
        try:
            with self.commits.measured():
                yield
        finally:
            self.waiting -= 1

    def metrics(self) -> list[Metric]:
        """Return all of it."""
        queue = GaugeMetricFamily(
            "modelwatch_collector_writes_waiting",
            "Exports, and parts of labels, that wait until the store has committed them.",
            self.waiting,
        )
        size = GaugeMetricFamily(
            "modelwatch_collector_store_bytes",
            "Size of the store's file and its log.",
            store_bytes(self._store_path),
        )
        commits = self.commits.family(
            "modelwatch_collector_commit_seconds",
            "From handing an export, or a part of labels, to the store until it was committed.",
        )
        assessments = self.assessments.family(
            "modelwatch_collector_evaluation_seconds",
            "Duration of assessing one window, those that pages ask for too.",
        )
        return [queue, size, commits, assessments]


class MeasuredSink:
    """A sink of which it is measured how long writing takes.

    Args:
        sink: where arrivals are written.
        measures: is told.
    """

    def __init__(self, sink: ArrivalSink, measures: SelfMeasures) -> None:
        self._sink = sink
        self._measures = measures

    async def write(
        self, arrivals: Sequence[Arrival], memories: Mapping[int, SenderMemory] = NO_MEMORIES
    ) -> Written:
        """Commit arrivals; see `ArrivalSink.write`."""
        with self._measures.writing():
            return await self._sink.write(arrivals, memories)

    def recall(self, keys: Collection[int]) -> Recalled:
        """Return the memories of some senders; see `ArrivalSink.recall`."""
        return self._sink.recall(keys)


class MeasuredOutcomes:
    """A keeper of predictions and labels of which it is measured how long keeping takes.

    Args:
        sink: where they are kept.
        measures: is told.
    """

    def __init__(self, sink: OutcomeSink, measures: SelfMeasures) -> None:
        self._sink = sink
        self._measures = measures

    async def keep_predictions(self, batches: Sequence[PredictionRows]) -> PredictionsKept:
        """Commit predictions; see `OutcomeSink.keep_predictions`."""
        with self._measures.writing():
            return await self._sink.keep_predictions(batches)

    async def keep_labels(self, batches: Sequence[LabelRows]) -> LabelsKept:
        """Commit labels; see `OutcomeSink.keep_labels`."""
        with self._measures.writing():
            return await self._sink.keep_labels(batches)


class MeasuredEvaluator(Evaluator):
    """An evaluator of which it is measured how long assessing takes.

    Args:
        store: windows and baselines.
        measures: is told.
        labels: reads predictions and their labels; None where none are kept.
        origins: tells where findings come from; they do not say where None.
    """

    def __init__(
        self,
        store: EvaluationStore,
        measures: SelfMeasures,
        *,
        labels: LabelReader | None = None,
        origins: OriginSource | None = None,
    ) -> None:
        super().__init__(store, labels, origins)
        self._measures = measures

    def assess(self, model: str, version: str, window: TimeWindow) -> Assessment:
        """Return the assessment of a window; see `Evaluator.assess`."""
        with self._measures.assessments.measured():
            return super().assess(model, version, window)
