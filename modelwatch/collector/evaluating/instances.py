"""Each instance of a model version against its siblings: one that strays alone is told. Pure.

Each instance's rows are compared with those of all others together, by the same tests as windows
are. Of S instances that are alike some would stray by chance: by Simes' test an instance has one
p-value for all its features, Benjamini and Hochberg's procedure chooses R of the S, and in these
features are judged at R / S of the level (Benjamini and Bogomolov, 2014), so that the expected
share of false ones among the instances told is bounded by it.

An instance that is far off is no sibling of the others: it is taken out, and those that strayed are
compared anew. Where half of the instances stray from the other half, all are told.

The design effects are those of the baseline, which include what all instances share in time and
siblings do not differ by: tests are the more careful.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from modelwatch.baseline import Baseline
from modelwatch.collector.evaluating.evaluation import State, state_of
from modelwatch.collector.evaluating.live_comparison import compare_profiles
from modelwatch.collector.evaluating.screening import straying_first
from modelwatch.comparing import Thresholds
from modelwatch.comparisons.false_discovery import benjamini_hochberg
from modelwatch.errors import ProfileMismatch
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import FeatureDrift

__all__ = ["MOST_INSTANCES", "InstanceFinding", "assess_instances"]

MOST_INSTANCES = 200
"""Instances that are compared; of more, those that stray most at a first look. All others count
among their siblings, and as instances that were compared and do not stray."""


MOST_ROUNDS = 4
"""In each, what strays at least `LEAST_SHARE` as much as the worst is taken out of the siblings."""

LEAST_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class InstanceFinding:
    """One instance in one window.

    Attributes:
        instance: its name; empty for senders that tell none.
        rows: rows captured.
        calls: all calls.
        errors: calls that failed.
        state: drift, warning or no_drift against its siblings; insufficient_data where either side
            has too few rows; incomparable where they were counted on other bins or of other types;
            no_reference where there are no siblings.
        features: warnings and drift, worst first.
        p_value: of any difference at all, adjusted for the number of instances; None where nothing
            could be judged.
        strays_most: the feature with the largest effect, found or not; None where none was judged.
    """

    instance: str
    rows: int
    calls: int
    errors: int
    state: State
    features: tuple[FeatureDrift, ...] = ()
    p_value: float | None = None
    strays_most: FeatureDrift | None = None


def assess_instances(
    profiles: Mapping[str, Profile],
    *,
    baseline: Baseline | None,
    thresholds: Thresholds | None = None,
    most: int = MOST_INSTANCES,
) -> list[InstanceFinding]:
    """Return what each instance comes to, those that stray first, then by rows.

    Some 10 ms of each that is compared, and half a millisecond of each other, at 30 features.

    Args:
        profiles: what each instance told of one window.
        baseline: gives bins and design effects; rows are taken as independent where None.
        thresholds: when a difference is drift, for all instances together.
        most: how many are compared at most.
    """
    found = _Comparison(profiles, baseline, thresholds or Thresholds(), most).findings()
    return sorted(found, key=lambda one: (_ORDER.index(one.state), -one.rows, one.instance))


class _Comparison:
    """Compares instances in rounds: those that stray most are no siblings of the others any more.

    One that is far off makes all others, each compared with a crowd that holds it, stray a little.
    """

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        baseline: Baseline | None,
        thresholds: Thresholds,
        most: int,
    ) -> None:
        names = sorted(profiles, key=lambda name: (-profiles[name].rows, name))
        if len(names) > most:
            names = [names[at] for at in straying_first([profiles[name] for name in names])]
        self._names = names[:most]
        self._parts = [_without_joint(profiles[name]) for name in self._names]
        self._passed_over = len(names[most:])
        self._rest: Profile | None = None
        for name in names[most:]:
            self._rest = _merged(self._rest, _without_joint(profiles[name]))
        self._baseline = baseline
        self._thresholds = thresholds
        self._reports: dict[int, DriftReport | None] = {}
        self._p_values: dict[int, float] = {}
        self._adjusted: dict[int, float] = {}
        self._selected: set[int] = set()

    def findings(self) -> list[InstanceFinding]:
        candidates = list(range(len(self._parts)))
        pool = list(range(len(self._parts)))
        in_all = len(self._parts) + self._passed_over
        for _ in range(MOST_ROUNDS):
            self._judge(candidates, pool)
            strayed = [at for at in candidates if at in self._selected]
            worst = self._worst(strayed)
            left = len(pool) + self._passed_over - len(worst)
            if len(worst) == len(strayed) or 2 * left < in_all:
                break
            pool = [at for at in pool if at not in worst]
            candidates = [at for at in strayed if at not in worst]
        return [
            _finding(
                self._names[at],
                self._parts[at],
                report,
                "incomparable" if in_all > 1 else "no_reference",
                self._adjusted.get(at),
                is_selected=at in self._selected,
            )
            for at, report in self._reports.items()
        ]

    def _worst(self, strayed: Sequence[int]) -> set[int]:
        effects = {at: _largest_effect(self._reports[at]) for at in strayed}
        limit = LEAST_SHARE * max(effects.values(), default=0.0)
        return {at for at, effect in effects.items() if effect >= limit}

    def _judge(self, candidates: Sequence[int], pool: Sequence[int]) -> None:
        parts = [self._parts[at] for at in pool]
        siblings = dict(zip(pool, _merged_others(parts, self._rest), strict=True))
        for at in candidates:
            report = self._report(at, siblings[at], self._thresholds)
            self._reports[at] = report
            p_value = _simes(report) if report is not None else None
            if p_value is not None:
                self._p_values[at] = p_value
        judged = list(self._p_values)
        in_all = len(judged) + self._passed_over
        p_values = [*(self._p_values[at] for at in judged), *[1.0] * self._passed_over]
        self._adjusted = dict(zip(judged, benjamini_hochberg(p_values), strict=False))
        rate = self._thresholds.false_discovery_rate
        self._selected = {at for at in judged if self._adjusted[at] <= rate}
        if 0 < len(self._selected) < in_all:
            stricter = replace(
                self._thresholds, false_discovery_rate=rate * len(self._selected) / in_all
            )
            for at in self._selected.intersection(candidates):
                self._reports[at] = self._report(at, siblings[at], stricter)
        self._selected = {
            at
            for at in self._selected
            if any(f.severity in ("warning", "drift") for f in _features(self._reports[at]))
        }

    def _report(
        self, at: int, others: Profile | None, thresholds: Thresholds
    ) -> DriftReport | None:
        if others is None:
            return None
        return _report(others, self._parts[at], self._baseline, thresholds)


_ORDER: Sequence[State] = (
    "drift",
    "warning",
    "incomparable",
    "no_drift",
    "insufficient_data",
    "no_reference",
)


def _without_joint(profile: Profile) -> Profile:
    """Return a profile of features only: what all are together is not compared among siblings."""
    found = Profile(
        profile.model,
        profile.version,
        baseline_id=profile.baseline_id,
        start_ns=profile.start_ns,
        end_ns=profile.end_ns,
    )
    found.rows, found.features = profile.rows, profile.features
    found.predictions = profile.predictions
    return found


def _merged_others(parts: Sequence[Profile], rest: Profile | None) -> list[Profile | None]:
    """Return of each part all others that can be merged with it, from sums of both sides.

    Args:
        parts: each of which is one's own.
        rest: what is nobody's, and so among the others of each.
    """
    before: list[Profile | None] = []
    so_far = rest
    for part in parts:
        before.append(so_far)
        so_far = _merged(so_far, part)
    found: list[Profile | None] = []
    after: Profile | None = None
    for part, others in zip(reversed(parts), reversed(before), strict=True):
        found.append(_merged(others, after))
        after = _merged(after, part)
    return found[::-1]


def _merged(one: Profile | None, other: Profile | None) -> Profile | None:
    """Return both; the one with more rows where they were counted on different bins."""
    if one is None or other is None:
        return one or other
    try:
        return one.merge(other)
    except ProfileMismatch:
        return one if one.rows >= other.rows else other


def _report(
    others: Profile, part: Profile, baseline: Baseline | None, thresholds: Thresholds
) -> DriftReport | None:
    try:
        report = compare_profiles(others, part, baseline=baseline, thresholds=thresholds).report
    except ProfileMismatch:
        return None
    return report if report.features else None


def _simes(report: DriftReport) -> float | None:
    """Return the p-value of any difference in any feature: the smallest adjusted one."""
    return min(
        (one.q_value for one in report.features.values() if one.q_value is not None), default=None
    )


def _features(report: DriftReport | None) -> list[FeatureDrift]:
    return list(report.features.values()) if report is not None else []


def _largest_effect(report: DriftReport | None) -> float:
    return max((one.effect or 0.0 for one in _features(report)), default=0.0)


def _finding(
    name: str,
    part: Profile,
    report: DriftReport | None,
    state: State,
    p_value: float | None,
    *,
    is_selected: bool,
) -> InstanceFinding:
    features: tuple[FeatureDrift, ...] = ()
    strays_most = None
    if report is not None:
        state = state_of(one.severity for one in report.features.values())
        if state in ("drift", "warning") and not is_selected:
            state = "no_drift"
        measured = [one for one in report.features.values() if one.effect is not None]
        strays_most = max(measured, key=lambda one: one.effect or 0.0, default=None)
        if is_selected:
            features = tuple(one for one in report.ranked() if one.severity in ("drift", "warning"))
    calls = part.predictions.total()
    return InstanceFinding(
        instance=name,
        rows=part.rows,
        calls=calls,
        errors=calls - part.predictions[""],
        state=state,
        features=features,
        p_value=p_value,
        strays_most=features[0] if features else strays_most,
    )
