"""What one window of one model version means: pure functions, then one that asks the store.

An `Assessment` always says its state: a window without data, without baseline or with too few
rows is never passed off as one without drift.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np

from modelwatch.baseline import Baseline
from modelwatch.collector.evaluating.label_reader import LabelReader
from modelwatch.collector.evaluating.outcomes import (
    LabelledWindow,
    Outcomes,
    outcomes_of,
    with_labels,
    with_outcomes,
)
from modelwatch.collector.evaluating.rebinning import split_by_error
from modelwatch.collector.latest import Latest
from modelwatch.collector.storing.store import (
    BaselineShelf,
    Evaluation,
    ExampleSource,
    Traces,
    WindowProfiles,
    WindowSource,
)
from modelwatch.collector.windows import TimeWindow
from modelwatch.comparing import compare
from modelwatch.comparing.hashed_names import with_plain_names
from modelwatch.comparing.schema import fingerprint_findings, schema_findings
from modelwatch.errors import FormatError, ProfileMismatch, StoreError
from modelwatch.origins import Deployed
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport, Severity
from modelwatch.sketches import Histogram

__all__ = [
    "Assessment",
    "Evaluator",
    "LiveReference",
    "OriginSource",
    "State",
    "assess",
    "main_profile",
    "other_bins_of",
    "state_of",
    "without_features",
]

State = Literal[
    "drift",
    "warning",
    "no_drift",
    "insufficient_data",
    "no_data",
    "incomparable",
    "no_baseline",
    "no_reference",
]
"""``no_baseline``: there is nothing to compare with; ``no_reference``: nothing was sent for the
window that this one is to be compared with; ``no_data``: nothing was sent for the window;
``incomparable``: what was sent is of other types than the baseline, or all on other bins; else the
report's worst severity, and ``insufficient_data`` where no feature had enough rows."""

CACHED_ASSESSMENTS = 64
"""Windows kept by an `Evaluator`; each holds a merged profile, some 100 kB at 40 features."""


NO_LABELS = LabelledWindow()

CACHED_BASELINES = 256
"""Baselines kept by an `Evaluator`, some 0.5 MB at 40 features. Reading one anew takes as long as
comparing with it, and where there are more models than that, each round reads them all."""


@dataclass(frozen=True, kw_only=True)
class LiveReference:
    """A live window that another one is compared with.

    Attributes:
        kind: previous, last_week or version.
        version: whose window it is.
        window: the window.
        rows: what was observed in it.
        dependence: ``baseline`` where the design effects of the baseline tell how much rows depend
            on one another; ``independent`` where there is none, and rows are taken as independent.
    """

    kind: Literal["previous", "last_week", "version"]
    version: str
    window: TimeWindow
    rows: int
    dependence: Literal["baseline", "independent"]


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What is known of one window of one model version.

    Attributes:
        window: the window asked for.
        state: what it comes to.
        baseline: what it was compared with; None in state ``no_baseline``.
        current: what was observed, all senders merged; None where nothing was.
        report: the comparison, in which nothing is judged in the states ``no_data`` and
            ``incomparable``; None in state ``no_baseline``.
        other_bins: numbers that were counted on so different bins than the baseline's that they
            are not judged: what is interpolated from one to the other would be taken for drift.
        rows_apart: rows left out, as they were counted on other bins than ``current``.
        unmergeable: profiles left out, as they are damaged or contradict the others.
        instances: how many senders there were.
        through_id: the latest stored profile taken into account.
        against: the live window that it was compared with, of which ``baseline`` was made; None
            where that is the model version's own baseline.
        rebinned: numbers that were counted on other bins and are judged all the same, as no more
            than `MOST_REBINNING_ERROR` of them may lie on the wrong side of an edge: how many may.
        traces: where something was seen; those of features are in the report too.
        deployed: of a window of the schedule, what was known of the deployment when it ended; None
            of others, and where that is not looked at.
        outcomes: what is known by labels; None where no labels are waited for.
    """

    model: str
    version: str
    window: TimeWindow
    state: State
    baseline: Baseline | None
    current: Profile | None
    report: DriftReport | None
    other_bins: tuple[str, ...]
    rows_apart: int
    unmergeable: int
    instances: int
    through_id: int
    against: LiveReference | None = None
    rebinned: Mapping[str, float] = field(default_factory=dict)
    traces: Traces = field(default_factory=Traces)
    deployed: Deployed | None = None
    outcomes: Outcomes | None = None

    def with_traces(self, traces: Traces) -> Assessment:
        """Return what is known with examples of traces, those of each feature in its finding."""
        report = self.report
        if report is not None and traces.features:
            features = {
                name: replace(one, trace_ids=traces.features[name])
                if name in traces.features
                else one
                for name, one in report.features.items()
            }
            report = replace(report, features=features)
        return replace(self, report=report, traces=traces)


def state_of(severities: Iterable[Severity]) -> State:
    """Return what features come to: the worst severity, or that nothing could be judged."""
    severities = set(severities)
    if "drift" in severities:
        return "drift"
    if "warning" in severities:
        return "warning"
    return "no_drift" if "none" in severities else "insufficient_data"


def assess(
    model: str,
    version: str,
    window: TimeWindow,
    *,
    baseline: Baseline | None,
    observed: WindowProfiles,
    labelled: LabelledWindow = NO_LABELS,
) -> Assessment:
    """Compare what was observed in a window with the baseline. Pure; some 3 ms at 40 features.

    Profiles counted with this baseline are taken; where there are none, the largest group of others
    is (a sender that knows no baseline, or an older one), of which categories and numbers on equal
    bins are judged. A profile that cannot be compared is counted as left out: it never raises.

    Args:
        model: the model.
        version: its version.
        window: the window.
        baseline: what is compared with; None where there is none.
        observed: what was observed in the window.
        labelled: what is known of its predictions and their labels.
    """
    current = main_profile(baseline, observed)
    if baseline is not None and current is not None:
        current = with_labels(with_plain_names(current, baseline), labelled)
    other_bins, rebinned = other_bins_of(baseline, current)
    report, state = _compare(
        baseline, without_features(current, other_bins) if current else None, window
    )
    if other_bins and report is not None and baseline is not None and current is not None:
        report = replace(report, schema=schema_findings(baseline, current))
    key = current.baseline_id if current else None
    known = outcomes_of(baseline, current, window, labelled)
    return Assessment(
        model=model,
        version=version,
        window=window,
        state=state,
        baseline=baseline,
        current=current,
        report=with_outcomes(report, known),
        other_bins=other_bins,
        rebinned=rebinned,
        rows_apart=observed.rows_apart(key) if current else 0,
        unmergeable=observed.unmergeable + (state == "incomparable"),
        instances=observed.instances,
        through_id=observed.through_id,
        outcomes=known,
    )


def main_profile(baseline: Baseline | None, observed: WindowProfiles) -> Profile | None:
    """Return what counted with this baseline, else what most rows counted with."""
    if baseline is not None and baseline.id in observed.profiles:
        return observed.profiles[baseline.id]
    return max(observed.profiles.values(), key=lambda profile: profile.rows, default=None)


def other_bins_of(
    baseline: Baseline | None, current: Profile | None
) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return which numbers were counted on other bins than the baseline's.

    Returns:
        Those too far off to be judged, and the others, each with the share of its values that may
        lie on the wrong side of an edge.
    """
    if baseline is None or current is None or current.baseline_id == baseline.id:
        return (), {}
    pairs = [
        (name, feature.bin_edges, current.features[name].values)
        for name, feature in baseline.features.items()
        if feature.bin_edges is not None and name in current.features
    ]
    found = [
        name
        for name, edges, values in pairs
        if not (isinstance(values, Histogram) and np.array_equal(values.bin_edges, edges))
    ]
    return split_by_error(found, baseline, current)


def without_features(current: Profile, names: tuple[str, ...]) -> Profile:
    """Return a profile without some of its features."""
    if not names:
        return current
    rest = copy.copy(current)
    rest.features = {name: f for name, f in current.features.items() if name not in names}
    return rest


def _compare(
    baseline: Baseline | None, current: Profile | None, window: TimeWindow
) -> tuple[DriftReport | None, State]:
    if baseline is None:
        return None, "no_baseline"
    if current is not None:
        try:
            report = compare(baseline, current)
            judged = current.features.keys() & baseline.features.keys()
            state = state_of(feature.severity for feature in report.features.values())
            return report, state if judged else "incomparable"
        except ProfileMismatch:
            pass
    nothing = Profile.empty(
        baseline.model, baseline.version, baseline=baseline, start_ns=window.start_ns
    )
    nothing.end_ns = window.end_ns
    report = compare(baseline, nothing)
    if current is None:
        return report, "no_data"
    schema = schema_findings(baseline, current)
    fingerprint = fingerprint_findings(baseline, current)
    return replace(report, schema=schema, fingerprint=fingerprint), "incomparable"


class EvaluationStore(WindowSource, BaselineShelf, ExampleSource, Protocol):
    """What an `Evaluator` reads: windows, baselines and examples of traces."""


class OriginSource(Protocol):
    """Tells where findings come from; `modelwatch.collector.evaluating.deployments` has one."""

    def told(self, found: Assessment) -> Assessment:
        """Return what is known of a window, of which each finding says where it comes from."""
        ...

    def corrected(
        self, model: str, version: str, baseline_id: str, first: TimeWindow
    ) -> list[Evaluation]:
        """Return evaluations after a window whose findings come from elsewhere than they say."""
        ...


class Evaluator:
    """Assesses windows on demand, and keeps the latest of them. Blocking: CPU and disk.

    Thread-safety: safe; two threads that ask for the same new window may both compute it.
    Memory: `CACHED_ASSESSMENTS` merged profiles, and `CACHED_BASELINES` baselines.

    Args:
        store: has windows, baselines and examples of traces.
        labels: reads predictions and their labels; None where none are kept.
        origins: tells where findings come from; they do not say where None.
    """

    def __init__(
        self,
        store: EvaluationStore,
        labels: LabelReader | None = None,
        origins: OriginSource | None = None,
    ) -> None:
        self._store = store
        self._labels = labels
        self.origins = origins
        self._baselines = Latest[Baseline](capacity=CACHED_BASELINES)
        self._assessments = Latest[Assessment](capacity=CACHED_ASSESSMENTS)

    def assess(self, model: str, version: str, window: TimeWindow) -> Assessment:
        """Return the assessment of a window, as of the data that is committed now.

        Raises:
            StoreError: the store cannot be read, or its baseline is damaged.
        """
        baseline = self.baseline(model, version)
        through_id = self._store.through_id(model, version, window)
        labels_id = self._labels.through(model, version, window) if self._labels else 0

        def make() -> Assessment:
            observed = self._store.window(model, version, window)
            asked = (model, version, window)
            labelled = self._labels.read(*asked) if self._labels else NO_LABELS
            return assess(*asked, baseline=baseline, observed=observed, labelled=labelled)

        key = (model, version, window, baseline.id if baseline else None, through_id, labels_id)
        return self.told(self._assessments.get(key, make))

    def told(self, found: Assessment) -> Assessment:
        """Return an assessment with what else is known of its findings now.

        That is in which traces they were seen and where they come from.

        Raises:
            StoreError: the store cannot be read.
        """
        traces = self._store.traces(found.model, found.version, found.window)
        traced = found if traces == found.traces else found.with_traces(traces)
        return traced if self.origins is None else self.origins.told(traced)

    def baseline(self, model: str, version: str) -> Baseline | None:
        """Return the current baseline of a model version, or None.

        Raises:
            StoreError: the stored baseline is damaged, or of a newer format.
        """
        stored = self._store.baseline(model, version)
        if stored is None:
            return None

        def make() -> Baseline:
            try:
                return Baseline.from_json(stored.content)
            except FormatError as error:
                raise StoreError(
                    f"the stored baseline of {model} {version} cannot be read: {error} Push it "
                    "again (modelwatch baseline push)."
                ) from error

        return self._baselines.get(stored.id, make)
