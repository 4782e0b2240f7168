"""One live window against another: the two samples on the same bins. Pure, then one that asks.

Where the model version has a baseline, its bins and limits serve both sides, and its design effects
say how much rows depend on one another; without one, rows are taken as independent, and every
answer says so.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal, NamedTuple

from modelwatch.baseline import Baseline
from modelwatch.collector.evaluating.evaluation import (
    Assessment,
    EvaluationStore,
    Evaluator,
    LiveReference,
    State,
    assess,
    main_profile,
    other_bins_of,
    state_of,
    without_features,
)
from modelwatch.collector.evaluating.references import BASELINE, Against
from modelwatch.collector.latest import Latest
from modelwatch.collector.storing.store import WindowProfiles
from modelwatch.collector.windows import LATEST_NS, TimeWindow
from modelwatch.comparing import Thresholds, compare
from modelwatch.comparing.hashed_names import with_plain_names
from modelwatch.comparing.pairs import on_baseline_bins
from modelwatch.errors import ProfileMismatch
from modelwatch.fitting.live import baseline_of_profile, discovered_baseline
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport

__all__ = ["LiveComparisons", "LiveReport", "assess_live", "compare_profiles"]

CACHED_COMPARISONS = 32
"""Comparisons kept, each with two profiles, some 200 kB at 40 features."""

EVER = TimeWindow(0, LATEST_NS)


class LiveReport(NamedTuple):
    """What a comparison of two live profiles found.

    Attributes:
        report: the findings.
        other_bins: numbers left out, as they were counted on too different bins.
        rebinned: numbers that a side has on other bins, and that are judged all the same: which
            share of the values may lie on the wrong side of an edge, summed over both sides.
    """

    report: DriftReport
    other_bins: tuple[str, ...] = ()
    rebinned: Mapping[str, float] = MappingProxyType({})


def compare_profiles(
    before: Profile,
    now: Profile,
    *,
    baseline: Baseline | None,
    thresholds: Thresholds | None = None,
) -> LiveReport:
    """Compare two live profiles, both as samples, each on the bins of the baseline.

    What was counted on other bins is put on those, where neither side may be wrong by more than a
    share of `modelwatch.collector.evaluating.rebinning.MOST_REBINNING_ERROR`. Of 560 pairs of
    windows of 2,000 to 200,000 rows of one law (normal, log-normal, exponential, uniform, Student's
    t), one side or both in exponential histograms, none had a finding, and 6 had p < .01.

    Args:
        before: the reference.
        now: what is compared with it.
        baseline: gives bins, limits and design effects; None where there is none.
        thresholds: when a difference is drift.

    Raises:
        ProfileMismatch: where a feature holds values of another kind on both sides.
    """
    if baseline is None:
        reference = discovered_baseline(before, alongside=now)
        return LiveReport(compare(reference, now, thresholds=thresholds))
    before, now = (with_plain_names(side, baseline) for side in (before, now))
    left_out, rebinned = _other_bins(baseline, before, now)
    if left_out:
        kept = {name: f for name, f in baseline.features.items() if name not in left_out}
        baseline = replace(baseline, features=kept)
        before, now = without_features(before, left_out), without_features(now, left_out)
    before, now = (_on_bins_of(baseline, side, rebinned) for side in (before, now))
    reference = baseline_of_profile(before, baseline)
    return LiveReport(compare(reference, now, thresholds=thresholds), left_out, rebinned)


def _other_bins(baseline: Baseline, *sides: Profile) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return what some side has on too different bins, and the error of the others on other bins.

    What is interpolated may be wrong on both sides in opposite directions: the errors add up.
    """
    far: dict[str, None] = {}
    errors: defaultdict[str, float] = defaultdict(float)
    for side in sides:
        too_far, near = other_bins_of(baseline, side)
        far.update(dict.fromkeys(too_far))
        for name, error in near.items():
            errors[name] += error
    return tuple(far), {name: error for name, error in errors.items() if name not in far}


def _on_bins_of(baseline: Baseline, side: Profile, names: Iterable[str]) -> Profile:
    """Return a profile with some of its numbers on the bins of the baseline."""
    known = [name for name in names if name in side.features]
    if not known:
        return side
    found = copy.copy(side)
    found.features = side.features | {
        name: on_baseline_bins(side.features[name], baseline.profile.features[name])
        for name in known
    }
    return found


def assess_live(found: Assessment, reference: WindowProfiles, live: LiveReference) -> Assessment:
    """Return what a window comes to against another one, in place of the baseline. Pure.

    Args:
        found: what is known of the window, compared with the baseline or with nothing.
        reference: what was observed in the other window.
        live: which one that is; rows are filled in.
    """
    before = main_profile(found.baseline, reference)
    live = replace(live, rows=before.rows if before else 0)
    told = replace(found, report=None, against=live, other_bins=(), rebinned={}, deployed=None)
    if found.current is None:
        return replace(told, state="no_data")
    if before is None or not before.rows:
        return replace(told, state="no_reference")
    try:
        report, other_bins, rebinned = compare_profiles(
            _as_of(before, found.current), found.current, baseline=found.baseline
        )
    except ProfileMismatch:
        return replace(told, state="incomparable")
    return replace(
        told,
        report=report,
        state=_state(report),
        baseline=report.baseline,
        other_bins=other_bins,
        rebinned=rebinned,
        rows_apart=told.rows_apart + reference.rows_apart(before.baseline_id),
        unmergeable=told.unmergeable + reference.unmergeable,
    )


def _state(report: DriftReport) -> State:
    if not report.features:
        return "incomparable"
    return state_of(feature.severity for feature in report.features.values())


def _as_of(profile: Profile, other: Profile) -> Profile:
    """Return a profile as one of another version, with which it is compared on purpose."""
    found = copy.copy(profile)
    found.model, found.version = other.model, other.version
    return found


class LiveComparisons:
    """Assesses windows against whatever is asked for. Blocking: CPU and disk. Thread-safe.

    Args:
        store: has the windows.
        evaluator: compares with baselines.
    """

    def __init__(self, store: EvaluationStore, evaluator: Evaluator) -> None:
        self._store = store
        self._evaluator = evaluator
        self._comparisons = Latest[Assessment](capacity=CACHED_COMPARISONS)

    def assess(
        self, model: str, version: str, window: TimeWindow, against: Against = BASELINE
    ) -> Assessment:
        """Return the assessment of a window, as of the data that is committed now.

        Raises:
            StoreError: the store cannot be read, or its baseline is damaged.
        """
        found = self._evaluator.assess(model, version, window)
        return self._against(found, against)

    def baseline(self, model: str, version: str) -> Baseline | None:
        """Return the current baseline of a model version, or None."""
        return self._evaluator.baseline(model, version)

    def assess_rows(
        self, model: str, version: str, rows: int, against: Against = BASELINE
    ) -> Assessment:
        """Return the assessment of the last rows, and what else ended with the oldest of them.

        Its window is the time that they span. The window before is of the same length.

        Raises:
            StoreError: as `assess`.
        """
        baseline = self._evaluator.baseline(model, version)
        through_id = self._store.through_id(model, version, EVER)

        def make() -> Assessment:
            observed = self._store.latest_rows(model, version, rows)
            spans = [(one.start_ns, one.end_ns) for one in observed.profiles.values()]
            window = TimeWindow(
                min((start for start, _ in spans), default=0),
                max((end for _, end in spans), default=0),
            )
            return assess(model, version, window, baseline=baseline, observed=observed)

        key = (model, version, rows, baseline.id if baseline else None, through_id)
        return self._against(self._evaluator.told(self._comparisons.get(key, make)), against)

    def _against(self, found: Assessment, against: Against) -> Assessment:
        if against.kind == "baseline":
            return found
        version = against.version or found.version
        window = against.window(found.window)
        through_id = self._store.through_id(found.model, version, window)
        dependence: Literal["baseline", "independent"]
        dependence = "independent" if found.baseline is None else "baseline"

        def make() -> Assessment:
            live = LiveReference(
                kind=kind, version=version, window=window, rows=0, dependence=dependence
            )
            return assess_live(found, self._store.window(found.model, version, window), live)

        kind = against.kind
        key = (found.model, found.version, found.window, found.through_id, against, through_id,
               found.baseline.id if found.baseline else None)  # fmt: skip
        return self._evaluator.told(self._comparisons.get(key, make))
