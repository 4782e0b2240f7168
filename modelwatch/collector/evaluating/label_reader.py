"""Reads what is known of predictions and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from modelwatch.collector.evaluating.changed_regions import ChangedRegions
from modelwatch.collector.evaluating.outcomes import LabelledWindow, LabelSource
from modelwatch.collector.outcomes.protocols import ConceptState, OutcomeWindow
from modelwatch.collector.windows import LATEST_NS, TimeWindow
from modelwatch.concept.where import ErrorRegion

__all__ = ["EVER", "LabelReader"]

EVER: Final = TimeWindow(0, LATEST_NS)


class LabelReader:
    """Reads predictions and labels of windows, and how errors changed. Blocking. Thread-safe.

    Args:
        source: knows them.
        window_seconds: length of the collector's windows.
    """

    def __init__(self, source: LabelSource, *, window_seconds: int) -> None:
        self._source = source
        self._regions = ChangedRegions(source, window_seconds=window_seconds)

    def through(self, model: str, version: str, window: TimeWindow) -> int:
        """Return what grows whenever anything of a window changes; 0 where it is empty. Cheap."""
        return self._source.outcomes_through(model, version, window)

    def counted(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return how many predictions a window has, and how many have a label. Cheap."""
        return self._source.outcomes_counted(model, version, window)

    def seen(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return the predictions of a window, and their labels."""
        return self._source.outcomes(model, version, window)

    def read(self, model: str, version: str, window: TimeWindow) -> LabelledWindow:
        """Return all that is needed to assess a window.

        Of a window that is not made up of whole spans of the store, such as one that ends now, no
        labels are told, but how errors changed is. Of a version without any prediction to be
        joined, one number is read.
        """
        if not self.through(model, version, EVER):
            return LabelledWindow()
        concept = self.concept(model, version)
        return LabelledWindow(
            seen=self.seen(model, version, window),
            concept=concept,
            regions=self.regions(model, version, concept, until_ns=window.end_ns),
        )

    def concept(self, model: str, version: str) -> ConceptState:
        """Return how a version's errors changed since the current baseline. Cheap."""
        return self._source.concept(model, version)

    def regions(
        self, model: str, version: str, concept: ConceptState, *, until_ns: int
    ) -> Sequence[ErrorRegion]:
        """Return where errors rose most since they did; see `ChangedRegions.since_rise`."""
        return self._regions.since_rise(model, version, concept, until_ns=until_ns)
