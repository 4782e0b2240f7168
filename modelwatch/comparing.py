"""Compare a baseline with current data: evidence beyond chance, and an effect that matters.

Pure: two summaries in, findings out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.comparisons import (
    DesignEffect,
    benjamini_hochberg,
    chi_square,
    clustered_p_value,
    js_distance,
    kl_divergence,
    ks_statistic,
    psi,
    psi_noise_floor,
    rate_p_value,
    wasserstein_distance,
)
from modelwatch.comparisons.cells import category_counts, decile_starts
from modelwatch.diagnosis import Aspect, diagnose
from modelwatch.errors import ConfigurationError, ProfileMismatch
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport, FeatureDrift, Severity
from modelwatch.sketches import Categories, ExponentialHistogram, Histogram, Moments

__all__ = ["Thresholds", "compare"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """When a difference is drift: both evidence and effect are needed.

    Attributes:
        psi_warning: PSI above its noise floor, given how much the baseline's blocks vary, from
            which a proven difference is a warning. The share of missing values and of outliers is
            judged by the same measure, on the two cells "is" and "is not".
        psi_drift: from which it is drift.
        false_discovery_rate: largest expected share of false ones among the features found, in
            (0, 1).
        minimum_rows: with fewer current rows nothing is judged: insufficient_data.
    """

    psi_warning: float = 0.1
    psi_drift: float = 0.25
    false_discovery_rate: float = 0.01
    minimum_rows: int = 50

    def __post_init__(self) -> None:
        if not 0.0 <= self.psi_warning <= self.psi_drift:
            raise ConfigurationError(
                f"psi_warning {self.psi_warning} and psi_drift {self.psi_drift}: give numbers of "
                "zero or more, the first not above the second."
            )
        if not 0.0 < self.false_discovery_rate < 1.0:
            raise ConfigurationError(
                f"false_discovery_rate is {self.false_discovery_rate}: give a share in (0, 1)."
            )
        if self.minimum_rows < 1:
            raise ConfigurationError(f"minimum_rows is {self.minimum_rows}: give 1 or more.")


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One feature before the others are known: p-value and effect of each aspect."""

    feature: BaselineFeature
    reference: FeatureProfile
    current: FeatureProfile | None
    finding: FeatureDrift
    p_values: dict[Aspect, float]
    effects: dict[Aspect, float]


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
    for name in ("model", "version"):
        expected, found = getattr(baseline, name), getattr(profile, name)
        if expected != found:
            raise ProfileMismatch(
                f"the baseline is of {name} {expected!r}, the profile of {found!r}: "
                "compare like with like."
            )
    judged = [
        _judge(feature, baseline.profile.features[name], profile.features.get(name), thresholds)
        for name, feature in baseline.features.items()
    ]
    return DriftReport(
        model=baseline.model,
        version=baseline.version,
        baseline_id=baseline.id,
        start_ns=profile.start_ns,
        end_ns=profile.end_ns,
        rows=profile.rows,
        features={item.name: item for item in _decide(judged, thresholds)},
        unexpected=tuple(sorted(profile.features.keys() - baseline.features.keys())),
        baseline=baseline,
        current=profile,
    )


def _judge(
    feature: BaselineFeature,
    reference: FeatureProfile,
    current: FeatureProfile | None,
    thresholds: Thresholds,
) -> _Judged:
    finding = FeatureDrift(
        name=feature.name,
        role=feature.role,
        kind=feature.kind,
        rows=current.total if current else 0,
        severity="insufficient_data",
        importance=feature.importance,
    )
    p_values: dict[Aspect, float] = {}
    effects: dict[Aspect, float] = {}
    if current is not None:
        current = _on_baseline_bins(current, reference)
        finding = replace(
            finding, missing_rate=current.missing_rate, outlier_rate=current.outlier_rate
        )
        if current.total >= thresholds.minimum_rows:
            p_values, effects = _evidence_of_rates(feature, reference, current)
        values = min(current.observed, reference.observed)
        if values:
            cells = _cells(feature, reference, current)
            index = psi(*cells)
            finding = _with_distances(replace(finding, psi=index), cells, reference, current)
            if values >= thresholds.minimum_rows:
                p_values["values"] = clustered_p_value(*cells, feature.values_effect)
                effects["values"] = index - _noise_floor(cells, feature.values_effect)
    return _Judged(
        feature=feature,
        reference=reference,
        current=current,
        finding=finding,
        p_values=p_values,
        effects=effects,
    )


def _on_baseline_bins(current: FeatureProfile, reference: FeatureProfile) -> FeatureProfile:
    """Bring numbers that were counted on other bins onto the baseline's."""
    target = reference.values
    values = current.values
    if isinstance(values, ExponentialHistogram) and isinstance(target, Histogram):
        return replace(current, values=values.on_bins(target.bin_edges))
    if type(values) is not type(target):
        raise ProfileMismatch(
            f"feature {current.name!r} holds {current.kind} values, in the baseline "
            f"{reference.kind} ones: the source sends another type than it was trained on."
        )
    if isinstance(values, Histogram) and isinstance(target, Histogram):
        if np.array_equal(values.bin_edges, target.bin_edges):
            return current
        low, high = _extremes(current)
        return replace(current, values=values.rebinned(target.bin_edges, low, high))
    return current


def _extremes(feature: FeatureProfile) -> tuple[float, float]:
    moments = feature.moments
    if moments is not None and math.isfinite(moments.minimum):
        return moments.minimum, moments.maximum
    edges = feature.values.bin_edges if isinstance(feature.values, Histogram) else np.empty(0)
    return (float(edges[0]), float(edges[-1])) if edges.size else (0.0, 0.0)


def _cells(
    feature: BaselineFeature, reference: FeatureProfile, current: FeatureProfile
) -> tuple[IntArray, IntArray]:
    """Return the counts of both sides on the cells of the test."""
    match reference.values, current.values:
        case Histogram() as x, Histogram() as y:
            starts = decile_starts(x.counts)
            return np.add.reduceat(x.counts, starts), np.add.reduceat(y.counts, starts)
        case Categories(), Categories() as y:
            before = np.array(feature.cell_counts, dtype=np.int64)
            return before, category_counts(y.counts, y.total, feature.cells or ())
    raise ProfileMismatch(f"feature {reference.name!r} holds {reference.kind} values on one side.")


def _with_distances(
    finding: FeatureDrift,
    cells: tuple[IntArray, IntArray],
    reference: FeatureProfile,
    current: FeatureProfile,
) -> FeatureDrift:
    x, y = cells
    finding = replace(
        finding,
        kl=kl_divergence(x, y),
        js=js_distance(x, y),
        chi2=chi_square(x, y).statistic,
    )
    if isinstance(reference.values, Histogram) and isinstance(current.values, Histogram):
        ks = ks_statistic(reference.values.counts, current.values.counts)
        finding = replace(finding, ks=ks)
    a, b = reference.moments, current.moments
    if a is None or b is None or not a.variance > 0:
        return finding
    return replace(
        finding,
        mean_shift=_finite((b.mean - a.mean) / a.standard_deviation),
        std_ratio=_finite(b.standard_deviation / a.standard_deviation),
        wasserstein=_scaled_wasserstein(reference, current, a),
    )


def _scaled_wasserstein(
    reference: FeatureProfile, current: FeatureProfile, moments: Moments
) -> float | None:
    x, y = reference.values, current.values
    if not (isinstance(x, Histogram) and isinstance(y, Histogram)):
        return None
    lows, highs = zip(_extremes(reference), _extremes(current), strict=True)
    low, high = min(lows), max(highs)
    bounds = np.concatenate([[low], np.clip(x.bin_edges, low, high), [high]])
    return _finite(wasserstein_distance(x.counts, y.counts, bounds) / moments.standard_deviation)


def _evidence_of_rates(
    feature: BaselineFeature, reference: FeatureProfile, current: FeatureProfile
) -> tuple[dict[Aspect, float], dict[Aspect, float]]:
    """Return p-value and effect of the share of missing values and of outliers."""
    p_values: dict[Aspect, float] = {}
    effects: dict[Aspect, float] = {}
    rows = (reference.total, current.total)
    rates: tuple[tuple[Aspect, int, int, DesignEffect], ...] = (
        ("missing", reference.missing_count, current.missing_count, feature.missing_effect),
        ("outliers", reference.outlier_count, current.outlier_count, feature.outliers_effect),
    )
    for aspect, before, now, design in rates:
        if before or now:
            p_values[aspect] = _rate_p_value((before, now), rows, design)
            effects[aspect] = psi([rows[0] - before, before], [rows[1] - now, now])
    return p_values, effects


def _noise_floor(cells: tuple[IntArray, IntArray], design: DesignEffect) -> float:
    """Return what the index is expected to be without any change, rows coming in clusters."""
    x, y = cells
    independent = (total / design.phi_at(total) for total in (x.sum(), y.sum()))
    return psi_noise_floor(int(np.count_nonzero(x + y)), *independent)


def _rate_p_value(events: tuple[int, int], rows: tuple[int, int], design: DesignEffect) -> float:
    """Judge a share by as many rows as there is independent evidence in them."""
    before, now = (design.phi_at(count) for count in rows)
    return rate_p_value(events[0] / before, rows[0] / before, events[1] / now, rows[1] / now)


def _decide(judged: list[_Judged], thresholds: Thresholds) -> list[FeatureDrift]:
    """Adjust for the number of features, then ask of each proven aspect whether it matters."""
    tested = [item for item in judged if item.p_values]
    combined = [min(1.0, min(item.p_values.values()) * len(item.p_values)) for item in tested]
    adjusted = dict(
        zip((item.feature.name for item in tested), benjamini_hochberg(combined), strict=True)
    )
    raw = dict(zip(adjusted, combined, strict=True))
    return [
        _verdict(item, raw[item.feature.name], adjusted[item.feature.name], thresholds)
        if item.p_values
        else item.finding
        for item in judged
    ]


def _verdict(item: _Judged, p_value: float, q_value: float, thresholds: Thresholds) -> FeatureDrift:
    severity: Severity = "none"
    proven: list[Aspect] = []
    if q_value <= thresholds.false_discovery_rate:
        for aspect, p in item.p_values.items():
            effect = item.effects[aspect]
            evident = p * len(item.p_values) <= thresholds.false_discovery_rate
            if evident and effect >= thresholds.psi_warning:
                proven.append(aspect)
                severity = "drift" if effect >= thresholds.psi_drift else severity
        if proven and severity == "none":
            severity = "warning"
    diagnosis = None
    if proven and item.current is not None:
        diagnosis = diagnose(item.feature, item.reference, item.current, proven)
    elif "values" not in item.p_values:
        severity = "insufficient_data"
    elif q_value > thresholds.false_discovery_rate and _moved(item, thresholds):
        diagnosis = "no more than blocks of the baseline's own rows do"
    return replace(
        item.finding, p_value=p_value, q_value=q_value, severity=severity, diagnosis=diagnosis
    )


def _moved(item: _Judged, thresholds: Thresholds) -> bool:
    """Tell whether a large PSI has to be explained, as clustered rows make it so by chance."""
    effect = item.feature.values_effect
    is_clustered = bool(effect.phi) and effect.phi_at(item.finding.rows) > 1.0
    return is_clustered and (item.finding.psi or 0.0) >= thresholds.psi_drift


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
