"""What the latest judged window of each model version came to. Pure but for `Standings`' memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from modelwatch.collector.evaluating.evaluation import State, state_of
from modelwatch.collector.storing.store import Evaluation, VersionSeen
from modelwatch.collector.windows import LATEST_NS, TimeWindow
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.label_findings import ConceptFinding, LabelFindings

__all__ = ["Evaluations", "LabelledStanding", "Standing", "Standings", "follow", "recalled"]

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
class LabelledStanding:
    """How well one model version does by labels, in the latest window of which enough are there.

    Attributes:
        window: the window; labels lag behind, so that it may be long ago.
        performance: measures of performance, by name.
        labels: how many of its predictions have a label.
    """

    window: TimeWindow
    performance: Mapping[str, PerformanceMetric]
    labels: LabelFindings | None

    @classmethod
    def of(cls, window: TimeWindow, report: DriftReport) -> LabelledStanding | None:
        """Return what a report tells by labels; None where it tells nothing."""
        metrics = {n: one for n, one in report.performance.items() if one.realized is not None}
        return cls(window=window, performance=metrics, labels=report.labels) if metrics else None

    def later(self, other: LabelledStanding | None) -> LabelledStanding:
        """Return the one of the later window; of the same window, this one."""
        if other is None or other.window.end_ns <= self.window.end_ns:
            return self
        return other


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
        labelled: the same by labels; None where there were never enough.
        changes: changes of the errors that were not known before, the latest first.
        concept_through_ns: when the latest of all known ones was detected; 0 where there is none.
    """

    model: str
    version: str
    window: TimeWindow
    state: State
    report: DriftReport
    onsets: Mapping[str, int]
    joined: tuple[str, ...] = ()
    instances: int | None = None
    labelled: LabelledStanding | None = None
    changes: tuple[ConceptFinding, ...] = ()
    concept_through_ns: int = 0

    @property
    def since_ns(self) -> int | None:
        """Since when some feature drifts, Unix nanoseconds; None where none does."""
        return min(self.onsets.values(), default=None)

    @property
    def worse_since_ns(self) -> int | None:
        """Since which predictions errors are higher, Unix nanoseconds; None where they are not."""
        latest = next(iter(self.report.concept), None)
        return latest.began_ns if latest is not None and latest.is_worse else None

    def performance(self) -> Iterator[tuple[str, str, float]]:
        """Yield measures of performance: the name, the kind of value, and the value.

        What is realized is of the latest window with enough labels, the rest of the latest window.
        """
        by_labels = self.labelled.performance if self.labelled else {}
        for name in dict.fromkeys([*self.report.performance, *by_labels]):
            latest, labelled = self.report.performance.get(name), by_labels.get(name)
            values = {
                "estimated": latest.estimated if latest else None,
                "realized": labelled.realized if labelled else None,
                "reference": (latest or labelled or PerformanceMetric(name=name)).reference,
            }
            yield from ((name, kind, value) for kind, value in values.items() if value is not None)


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
    by_labels, changes = _by_labels(before, window, report)
    return Standing(
        model=report.model,
        version=report.version,
        window=window,
        state=state,
        report=replace(report, baseline=None, current=None),
        onsets=onsets,
        joined=tuple(f.name for f in report.ranked() if f.name in onsets.keys() - known.keys()),
        instances=instances,
        labelled=by_labels,
        changes=changes,
        concept_through_ns=_through_ns(before, changes),
    )


def _by_labels(
    before: Standing | None, window: TimeWindow, report: DriftReport
) -> tuple[LabelledStanding | None, tuple[ConceptFinding, ...]]:
    """Return what is known by labels now, and which changes of the errors are new."""
    known, through_ns = (before.labelled, before.concept_through_ns) if before else (None, 0)
    found = LabelledStanding.of(window, report)
    changes = tuple(one for one in report.concept if one.detected_ns > through_ns)
    return (known if found is None else found.later(known)), changes


def _through_ns(before: Standing | None, changes: tuple[ConceptFinding, ...]) -> int:
    return max(
        (one.detected_ns for one in changes), default=before.concept_through_ns if before else 0
    )


def _with_late_labels(before: Standing, window: TimeWindow, report: DriftReport) -> Standing | None:
    """Return how a version stands after an earlier window was judged again; None where the same."""
    labelled, changes = _by_labels(before, window, report)
    if labelled == before.labelled and not changes:
        return None
    through_ns = _through_ns(before, changes)
    return replace(
        before, labelled=labelled, changes=changes, concept_through_ns=through_ns, joined=()
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
        """Take in a window that was judged.

        Returns:
            How the version stands; None where nothing changed: a later window is known, and this
            one tells nothing new by labels.
        """
        key = (report.model, report.version)
        with self._lock:
            before = self._latest.get(key)
            if before is not None and before.window.end_ns > window.end_ns:
                late = _with_late_labels(before, window, report)
                self._latest[key] = late or before
                return late
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
