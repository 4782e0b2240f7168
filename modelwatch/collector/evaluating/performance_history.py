"""How well a model version did, window by window: estimated when it ended, realised since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelwatch.collector.evaluating.evaluation import Assessment, Evaluator
from modelwatch.collector.evaluating.label_reader import LabelReader
from modelwatch.collector.evaluating.outcomes import WHOLE, labels_of, realised_by
from modelwatch.collector.outcomes.protocols import ConceptState, OutcomeWindow
from modelwatch.collector.storing.evaluation_summary import EvaluationSummary
from modelwatch.collector.storing.store import EvaluationLog
from modelwatch.collector.windows import NANOSECONDS, TimeWindow
from modelwatch.concept.where import ErrorRegion
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.label_findings import LabelFindings

__all__ = ["PerformanceHistory", "WindowPerformance"]


@dataclass(frozen=True, kw_only=True)
class WindowPerformance:
    """How well a model version did in one window.

    Attributes:
        window: the window.
        metrics: what is known, by name: estimated when it was evaluated, realised by the labels
            that there are now.
        labels: how many of its predictions have a label, in all segments; None where none are
            waited for.
        segments: in which segments there are labels.
    """

    window: TimeWindow
    metrics: Mapping[str, PerformanceMetric] = field(default_factory=dict)
    labels: LabelFindings | None = None
    segments: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of it."""
        return not self.metrics and self.labels is None


class PerformanceHistory:
    """Reads how well model versions did. Blocking: CPU and disk. Thread-safe.

    Windows of the collector's own length were evaluated when they ended, and are read: some 2 ms
    each where they have labels. Windows of other lengths are evaluated when they are asked for.

    Args:
        log: what was evaluated.
        evaluator: compares windows.
        labels: reads predictions and their labels; None where none are kept.
        window_seconds: the collector's own length of a window.
    """

    def __init__(
        self,
        log: EvaluationLog,
        evaluator: Evaluator,
        labels: LabelReader | None,
        *,
        window_seconds: int,
    ) -> None:
        self._log = log
        self._evaluator = evaluator
        self._labels = labels
        self._seconds = window_seconds

    def windows(
        self,
        model: str,
        version: str,
        *,
        seconds: int,
        limit: int,
        until_ns: int,
        segment: str = WHOLE,
    ) -> list[WindowPerformance]:
        """Return the windows of the grid that end by a time, oldest first.

        Those at the beginning of which nothing is known are left out.

        Args:
            model: the model.
            version: its version.
            seconds: length of the windows.
            limit: how many at most.
            until_ns: later windows are left out, Unix nanoseconds.
            segment: tells of this one alone, for which nothing is estimated; all of them together
                where empty.

        Raises:
            StoreError: the store cannot be read.
        """
        last = until_ns // (seconds * NANOSECONDS)
        first = max(0, last - limit)
        grid = [TimeWindow.aligned(number, seconds=seconds) for number in range(first, last)]
        known = self._evaluated(model, version, seconds, limit, until_ns)
        found = [self._window(model, version, window, known, segment) for window in grid]
        empty = next((at for at, one in enumerate(found) if not one.is_empty), len(found))
        return found[empty:]

    def concept(self, model: str, version: str) -> ConceptState:
        """Return how errors changed since the current baseline, in the order of the labels."""
        return self._labels.concept(model, version) if self._labels else ConceptState()

    def regions(
        self, model: str, version: str, concept: ConceptState, *, until_ns: int
    ) -> Sequence[ErrorRegion]:
        """Return where errors rose most since they did; see `ChangedRegions.since_rise`."""
        if self._labels is None:
            return ()
        return self._labels.regions(model, version, concept, until_ns=until_ns)

    def _evaluated(
        self, model: str, version: str, seconds: int, limit: int, until_ns: int
    ) -> Mapping[TimeWindow, EvaluationSummary] | None:
        """Return what windows of the collector's length came to; None for those of another."""
        if seconds != self._seconds:
            return None
        latest = self._log.summaries(
            model, version, limit=limit, until_ns=until_ns, seconds=seconds
        )
        return {one.window: one.summary for one in latest}

    def _window(
        self,
        model: str,
        version: str,
        window: TimeWindow,
        evaluated: Mapping[TimeWindow, EvaluationSummary] | None,
        segment: str,
    ) -> WindowPerformance:
        seen = self._seen(model, version, window)
        if evaluated is None:
            metrics = _of_assessment(self._evaluator.assess(model, version, window))
        else:
            metrics = evaluated[window].performance if window in evaluated else {}
        return WindowPerformance(
            window=window,
            metrics=self._with_labels(model, version, metrics, seen, segment),
            labels=labels_of(seen) if seen is not None and seen.predictions else None,
            segments=tuple(sorted(name for name in seen.summaries if name)) if seen else (),
        )

    def _seen(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow | None:
        labels = self._labels
        if labels is None or not labels.through(model, version, window):
            return None
        return labels.seen(model, version, window)

    def _with_labels(
        self,
        model: str,
        version: str,
        metrics: Mapping[str, PerformanceMetric],
        seen: OutcomeWindow | None,
        segment: str,
    ) -> Mapping[str, PerformanceMetric]:
        was = {} if segment else metrics
        summary = seen.summaries.get(segment) if seen else None
        baseline = self._evaluator.baseline(model, version)
        if summary is None or baseline is None or not summary.labelled.rows:
            return was
        return realised_by(baseline, was, summary)


def _of_assessment(found: Assessment) -> Mapping[str, PerformanceMetric]:
    return found.report.performance if found.report is not None else {}
