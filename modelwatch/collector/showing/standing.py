"""What the latest judged window of each model version came to. Pure but for `Standings`' memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from modelwatch.collector.evaluating.evaluation import State, state_of
from modelwatch.collector.storing.store import Evaluation, VersionSeen
from modelwatch.collector.windows import LATEST_NS, TimeWindow
from modelwatch.report.drift_report import DriftReport

__all__ = ["Evaluations", "Standing", "Standings", "follow", "recalled"]

LOOK_BACK = 24
"""Windows that are read again at the start, to know since when something drifts."""


class Evaluations(Protocol):
    """Answers what was evaluated."""

    def evaluations(
        self,
        model: str,
        version: str,
        *,
        limit: int,
        until_ns: int = LATEST_NS,
        seconds: int | None = None,
    ) -> list[Evaluation]:
        """Return the latest evaluations of windows that end by a time, oldest first. Blocking.

        Where ``seconds`` is given, those of windows of this length.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one model version stands, by its latest judged window.

    Attributes:
        window: the window.
        state: what it comes to.
        report: the comparison, without the data that it was made of.
        onsets: of each feature that drifts, the start of the first window of the run of windows in
            which it did, Unix nanoseconds. Windows that could not judge it do not end a run.
        joined: features that drift in this window, and did not in the one before.
        instances: how many senders there were in it; None where an earlier process judged it.
    """

    model: str
    version: str
    window: TimeWindow
    state: State
    report: DriftReport
    onsets: Mapping[str, int]
    joined: tuple[str, ...] = ()
    instances: int | None = None

    @property
    def since_ns(self) -> int | None:
        """Since when some feature drifts, Unix nanoseconds; None where none does."""
        return min(self.onsets.values(), default=None)


def follow(
    before: Standing | None,
    window: TimeWindow,
    state: State,
    report: DriftReport,
    instances: int | None = None,
) -> Standing:
    """Return how a version stands after one more window. Pure.

    Args:
        before: how it stood; the same window where that is judged again.
        window: the window.
        state: what it came to.
        report: the comparison.
        instances: how many senders there were, where that is known.
    """
    same_baseline = before is not None and before.report.baseline_id == report.baseline_id
    known = before.onsets if before is not None and same_baseline else {}
    onsets = {
        feature.name: known.get(feature.name, window.start_ns)
        for feature in report.features.values()
        if feature.severity == "drift"
        or (feature.severity == "insufficient_data" and feature.name in known)
    }
    return Standing(
        model=report.model,
        version=report.version,
        window=window,
        state=state,
        report=replace(report, baseline=None, current=None),
        onsets=onsets,
        joined=tuple(f.name for f in report.ranked() if f.name in onsets.keys() - known.keys()),
        instances=instances,
    )


def _state(report: DriftReport) -> State:
    return state_of(feature.severity for feature in report.features.values())


def recalled(source: Evaluations, seen: VersionSeen, *, seconds: int) -> Standing | None:
    """Return how a version stands by what is stored, or None where it was never judged. Blocking.

    Args:
        source: has the evaluations.
        seen: the version.
        seconds: length of the windows that are evaluated by themselves.

    Raises:
        StoreError: the store cannot be read.
        FormatError: a stored evaluation is damaged.
    """
    standing = None
    latest = source.evaluations(seen.model, seen.version, limit=LOOK_BACK, seconds=seconds)
    for found in latest:
        report = DriftReport.from_dict(json.loads(found.report))
        standing = follow(standing, found.window, _state(report), report)
    return standing


class Standings:
    """How each version stands. Thread-safety: safe.

    Memory: the findings of one window for each of ``capacity`` versions, some 1 kB a feature.

    Args:
        capacity: versions that are kept; of more, those whose window ended first are let go.
    """

    def __init__(self, *, capacity: int) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()  # guards the dictionary
        self._latest: dict[tuple[str, str], Standing] = {}

    def take(
        self,
        window: TimeWindow,
        state: State,
        report: DriftReport,
        instances: int | None = None,
    ) -> Standing | None:
        """Take in a window that was judged; None where a later one is known."""
        key = (report.model, report.version)
        with self._lock:
            before = self._latest.get(key)
            if before is not None and before.window.end_ns > window.end_ns:
                return None
            standing = self._latest[key] = follow(before, window, state, report, instances)
            self._let_go()
        return standing

    def recall(self, standing: Standing) -> None:
        """Take in what was stored by an earlier process, where nothing newer is known."""
        with self._lock:
            self._latest.setdefault((standing.model, standing.version), standing)
            self._let_go()

    def forget(self, versions: Collection[tuple[str, str]]) -> bool:
        """Let go of versions; return whether any of them was known."""
        with self._lock:
            known = [key for key in versions if key in self._latest]
            for key in known:
                del self._latest[key]
        return bool(known)

    def all(self) -> list[Standing]:
        """Return all, by model and version."""
        with self._lock:
            return [self._latest[key] for key in sorted(self._latest)]

    def _let_go(self) -> None:
        while len(self._latest) > self._capacity:
            oldest = min(self._latest, key=lambda key: self._latest[key].window.end_ns)
            del self._latest[oldest]
