"""Where errors rose since they did: in which bins of scores and features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from modelwatch.collector.latest import Latest
from modelwatch.collector.outcomes.protocols import ConceptState, OutcomeWindow
from modelwatch.collector.windows import HORIZON_WINDOWS, NANOSECONDS, TimeWindow
from modelwatch.concept.where import ErrorRegion, where_changed

__all__ = ["ChangedRegions"]

CACHED_REGIONS: Final = 64
"""Answers kept, some kB each."""

WHOLE: Final = ""


class _Source(Protocol):
    """Answers what was joined. Blocking."""

    def outcomes(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return what is known of the predictions made in a window, for the current baseline."""
        ...

    def outcomes_through(self, model: str, version: str, window: TimeWindow) -> int:
        """Return `OutcomeWindow.through` alone. Cheap."""
        ...


class ChangedRegions:
    """Compares the errors since they rose with those of the baseline. Blocking. Thread-safe.

    A window alone seldom has the rows to tell where: all labels since the rise are taken, of
    `HORIZON_WINDOWS` windows at most, which takes some 2 ms a window where labels came since.

    Args:
        source: knows predictions and their labels.
        window_seconds: length of the collector's windows.
    """

    def __init__(self, source: _Source, *, window_seconds: int) -> None:
        self._source = source
        self._width_ns = window_seconds * NANOSECONDS
        self._found = Latest[Sequence[ErrorRegion]](capacity=CACHED_REGIONS)

    def since_rise(
        self, model: str, version: str, concept: ConceptState, *, until_ns: int
    ) -> Sequence[ErrorRegion]:
        """Return where errors rose most, first; nothing where the latest change is no rise.

        Args:
            model: the model.
            version: its version.
            concept: how its errors changed.
            until_ns: predictions from then on are left out, Unix nanoseconds.
        """
        latest = concept.changes[-1] if concept.changes else None
        if latest is None or not latest.is_worse or latest.began_ns >= until_ns:
            return ()
        end = -(-until_ns // self._width_ns)
        start = max(latest.began_ns // self._width_ns, end - HORIZON_WINDOWS)
        span = TimeWindow(start * self._width_ns, end * self._width_ns)
        through = self._source.outcomes_through(model, version, span)

        def make() -> Sequence[ErrorRegion]:
            whole = self._source.outcomes(model, version, span).summaries.get(WHOLE)
            if whole is None:
                return ()
            return [region for region in where_changed(whole) if region.is_worse]

        return self._found.get((model, version, span, through), make)
