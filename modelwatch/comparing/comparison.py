"""The comparison of all features of a model."""

from __future__ import annotations

import math
from typing import Any

from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.comparing.distances import Distances, distances_of
from modelwatch.comparing.evidence import evidence_of
from modelwatch.comparing.pairs import Pair, pairs_of
from modelwatch.comparing.thresholds import Thresholds
from modelwatch.comparing.verdicts import Judged, decide
from modelwatch.errors import ProfileMismatch
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport, FeatureDrift

__all__ = ["compare"]


def compare(
    baseline: Baseline, current: object, *, thresholds: Thresholds | None = None
) -> DriftReport:
    """Compare current data with a baseline.

    Args:
        baseline: what the model was trained or validated on.
        current: a `Profile`, or a table as `Profile.from_data` takes it.
        thresholds: when a difference is drift; the defaults where None.

    Returns:
        Findings for every feature of the baseline. An input that a table lacks counts as missing
        in every row; an output that it lacks is insufficient_data.

    Raises:
        ProfileMismatch: where the profile is of another model or version.
        DataError: where the data cannot be read or is empty.
    """
    thresholds = thresholds or Thresholds()
    profile = (
        current if isinstance(current, Profile) else Profile.from_data(current, baseline=baseline)
    )
    _check_same(baseline, profile)
    pairs = {pair.feature.name: pair for pair in pairs_of(baseline, profile)}
    distances = distances_of(pairs.values(), baseline.reference)
    judged = [
        _judge(feature, pairs.get(name), distances.get(name), thresholds)
        for name, feature in baseline.features.items()
    ]
    return DriftReport(
        model=baseline.model,
        version=baseline.version,
        baseline_id=baseline.id,
        start_ns=profile.start_ns,
        end_ns=profile.end_ns,
        rows=profile.rows,
        features={item.name: item for item in decide(judged, thresholds)},
        unexpected=tuple(sorted(profile.features.keys() - baseline.features.keys())),
        baseline=baseline,
        current=profile,
    )


def _check_same(baseline: Baseline, profile: Profile) -> None:
    for name in ("model", "version"):
        expected, found = getattr(baseline, name), getattr(profile, name)
        if expected != found:
            raise ProfileMismatch(
                f"the baseline is of {name} {expected!r}, the profile of {found!r}: "
                "compare like with like."
            )


def _judge(
    feature: BaselineFeature,
    pair: Pair | None,
    distances: Distances | None,
    thresholds: Thresholds,
) -> Judged:
    """Measure one feature before the others are known."""
    known: dict[str, Any] = {
        "name": feature.name,
        "role": feature.role,
        "kind": feature.kind,
        "importance": feature.importance,
        "severity": "insufficient_data",
    }
    if pair is None:
        return Judged(FeatureDrift(rows=0, **known), None, None)
    evidence = evidence_of(pair, distances, thresholds.minimum_rows)
    measured: dict[str, Any] = (distances.by_name if distances else {}) | _moments(pair)
    finding = FeatureDrift(
        **known,
        **measured,
        rows=pair.current.total,
        season=pair.season,
        effect=evidence.effects.get("values"),
        tests=evidence.tests,
        intervals=evidence.intervals,
        missing_rate=pair.current.missing_rate,
        outlier_rate=pair.current.outlier_rate,
    )
    return Judged(finding, pair, evidence)


def _moments(pair: Pair) -> dict[str, float]:
    """Return how mean and spread moved, as far as they are finite."""
    before, now = pair.reference.moments, pair.current.moments
    if before is None or now is None or not before.variance > 0:
        return {}
    moved = {
        "mean_shift": (now.mean - before.mean) / before.standard_deviation,
        "std_ratio": now.standard_deviation / before.standard_deviation,
    }
    return {name: value for name, value in moved.items() if math.isfinite(value)}
