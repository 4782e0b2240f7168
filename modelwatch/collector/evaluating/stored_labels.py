"""The store's predictions and labels, as evaluation reads them."""

from __future__ import annotations

from collections.abc import Sequence

from modelwatch.collector.outcomes.protocols import LabelCounts, LabelCoverage, OutcomeWindow
from modelwatch.collector.storing.store import Store
from modelwatch.collector.windows import TimeWindow
from modelwatch.report.label_findings import ConceptFinding

__all__ = ["StoredLabels"]


class StoredLabels:
    """A `LabelSource`. Blocking: disk. Thread-safe.

    Args:
        store: keeps predictions and labels.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def outcomes(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return what is known of a window; see `OutcomeSource.outcomes`."""
        return self._store.outcomes(model, version, window)

    def outcomes_through(self, model: str, version: str, window: TimeWindow) -> int:
        """Return the latest change of a window; see `OutcomeSource.outcomes_through`."""
        return self._store.outcomes_through(model, version, window)

    def label_coverage(self, model: str, version: str, window: TimeWindow) -> LabelCoverage:
        """Return how many labels came; see `OutcomeSource.label_coverage`."""
        return self._store.label_coverage(model, version, window)

    def label_counts(self, model: str) -> LabelCounts:
        """Return what became of labels; see `OutcomeSource.label_counts`."""
        return self._store.label_counts(model)

    def concept_changes(self, model: str, version: str) -> Sequence[ConceptFinding]:
        """Return the changes of a version's errors, the latest first."""
        return ()
