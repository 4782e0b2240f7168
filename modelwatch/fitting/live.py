"""A baseline made of what was observed: the reference of two live windows, or a promoted one.

Both sides of such a comparison are samples. The tests of `modelwatch.comparing` take the
reference for one already, so that nothing in them changes: only bins, counts and rows do. How much
rows depend on one another cannot be seen in the sums of one window; it is taken over from the
baseline that the windows were counted by, as curves over the number of rows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.comparisons.block_law import JointEffect
from modelwatch.comparisons.cells import MAX_CATEGORY_CELLS, category_counts
from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.errors import ProfileMismatch
from modelwatch.feature import FeatureProfile
from modelwatch.outliers import OutlierLimits, numeric_fences
from modelwatch.profile import Profile
from modelwatch.sketches import Categories, ExponentialHistogram, Histogram
from modelwatch.sketches.bin_edges import DEFAULT_BINS
from modelwatch.sketches.log_buckets import bounds

__all__ = ["baseline_of_profile", "discovered_baseline", "features_on_bins"]

FloatArray = npt.NDArray[np.float64]

FENCE_VALUES = 100_000
"""Bounds of buckets that stand for the values, by their shares, where fences are set."""


def baseline_of_profile(profile: Profile, like: Baseline) -> Baseline:
    """Return a baseline of what was observed, on the bins of another one.

    Bins, limits, vocabularies, importances and design effects are the other's; rows, counts,
    moments and rates are the profile's. The other's design effects hold for rows of the same
    stream, however many: with independent rows there is nothing to take over. Seasons, segments and
    performance, which the profile has no statistics of, are left out. So are the co-moments where
    there are fewer rows than the other was fitted on: of a few hundred dependent rows they tell too
    little (of 150 pairs of undrifted windows of 1,000 rows that follow autoregressions of .9, 25
    were called drift by them).

    Of 1,200 pairs of undrifted windows of 300 to 3,000 rows of ten normal features, none was called
    drift and three had a warning; independent rows had p < .05 in .048 to .053 and p < .01 in .006
    to .011, autoregressions of .9 in .047 to .079 and .008 to .017.

    Args:
        profile: on the other's bins; a feature that it lacks has no rows.
        like: the baseline that it was counted by.

    Raises:
        ProfileMismatch: where a feature was counted on other bins.

    >>> training = {"x": np.random.default_rng(0).normal(size=1_000)}
    >>> like = Baseline.fit(training, model="m", version="1")
    >>> seen = Profile.from_data({"x": np.ones(100)}, baseline=like)
    >>> baseline_of_profile(seen, like)
    <Baseline m 1: 100 rows, 1 features>
    """
    found = {name: _counted(profile, feature) for name, feature in like.features.items()}
    keeps_joint = profile.joint is not None and profile.rows >= like.rows
    return replace(
        like,
        rows=profile.rows,
        features={
            name: _taken_over(feature, found[name], like.rows)
            for name, feature in like.features.items()
        },
        profile=_of_features(profile, found, keeps_joint=keeps_joint),
        segment=None,
        segments={},
        seasons="none",
        performance=None,
        joint_effect=(
            replace(like.joint_effect, error_excess=None, error_variation=None)
            if keeps_joint
            else JointEffect()
        ),
        distance_limit=None,
    )


def discovered_baseline(profile: Profile, alongside: Profile | None = None) -> Baseline:
    """Return a baseline of what was observed without one; rows are taken as independent.

    Numbers have bins near the quantiles k/120, whose edges are bounds of the buckets that they were
    counted in: what is counted in the same or finer buckets is on these bins exactly. Categories
    are cells by how frequent they are. Limits of outliers are fences about the buckets' bounds; a
    category is unseen where all that came were told by name.

    Args:
        profile: whose numbers are in exponential histograms.
        alongside: what is to be compared with it, whose buckets may be the coarser ones.
    """
    features = {}
    for name, seen in profile.features.items():
        other = alongside.features.get(name) if alongside is not None else None
        features[name] = _discovered(seen, other)
    found = {
        name: _on_bins(seen, features[name].bin_edges) for name, seen in profile.features.items()
    }
    return Baseline(
        model=profile.model,
        version=profile.version,
        rows=profile.rows,
        features=features,
        prediction=None,
        score=None,
        label=None,
        timestamp=None,
        seasons="none",
        profile=_of_features(profile, found, keeps_joint=False),
        joint_effect=JointEffect(),
    )


def features_on_bins(profile: Profile, baseline: Baseline) -> dict[str, FeatureProfile]:
    """Return what was observed of a baseline's features, on its bins; others are left out."""
    found = {}
    for name, feature in baseline.features.items():
        seen = profile.features.get(name)
        if seen is not None:
            seen = _on_bins(seen, feature.bin_edges)
            if _fits(seen, feature):
                found[name] = seen
    return found


def _counted(profile: Profile, feature: BaselineFeature) -> FeatureProfile:
    seen = profile.features.get(feature.name)
    if seen is None:
        return FeatureProfile.empty(feature)
    if _fits(seen, feature):
        return replace(seen, role=feature.role, kind=feature.kind)
    if not seen.observed:
        return replace(FeatureProfile.empty(feature), missing=seen.missing, outliers=seen.outliers)
    raise ProfileMismatch(
        f"feature {feature.name!r} was counted on other bins than the baseline's: have its sender "
        "fetch the baseline."
    )


def _fits(seen: FeatureProfile, feature: BaselineFeature) -> bool:
    values = seen.values
    if feature.bin_edges is None:
        return isinstance(values, Categories)
    return isinstance(values, Histogram) and np.array_equal(values.bin_edges, feature.bin_edges)


def _taken_over(feature: BaselineFeature, seen: FeatureProfile, rows: int) -> BaselineFeature:
    def moved(effect: DesignEffect) -> DesignEffect:
        return replace(effect, fitted_rows=effect.fitted_rows or rows) if effect.sizes else effect

    return replace(
        feature,
        seasons=None,
        segment_spread=None,
        cell_counts=_cell_counts(seen, feature.cells),
        values_effect=moved(feature.values_effect),
        ks_effect=moved(feature.ks_effect),
        location_effect=moved(feature.location_effect),
        missing_effect=moved(feature.missing_effect),
        outliers_effect=moved(feature.outliers_effect),
    )


def _cell_counts(seen: FeatureProfile, cells: tuple[str, ...] | None) -> tuple[int, ...]:
    if cells is None or not isinstance(seen.values, Categories):
        return ()
    return tuple(category_counts(seen.values.counts, seen.values.total, cells).tolist())


def _of_features(
    profile: Profile, features: dict[str, FeatureProfile], *, keeps_joint: bool
) -> Profile:
    """Return a profile's rows and times with these features, and nothing else but co-moments."""
    found = Profile(
        profile.model, profile.version, start_ns=profile.start_ns, end_ns=profile.end_ns
    )
    found.rows = profile.rows
    found.features = features
    found.outlier_rows = profile.outlier_rows
    found.joint = profile.joint if keeps_joint else None
    return found


def _discovered(seen: FeatureProfile, other: FeatureProfile | None) -> BaselineFeature:
    if isinstance(seen.values, Categories):
        counts = seen.values.counts
        names = sorted(counts, key=lambda name: (-counts[name], name))
        cells = tuple(names[:MAX_CATEGORY_CELLS])
        knows_all = not (seen.values.other or seen.values.unseen)
        return BaselineFeature(
            name=seen.name,
            role=seen.role,
            kind="categorical",
            categories=tuple(names),
            cells=cells,
            cell_counts=_cell_counts(seen, cells),
            limits=OutlierLimits(
                kind="categorical", categories=frozenset(names) if knows_all else None
            ),
        )
    return BaselineFeature(
        name=seen.name,
        role=seen.role,
        kind=seen.kind,
        bin_edges=_edges(seen, other),
        limits=_limits(seen),
        mean=seen.moments.mean if seen.moments is not None and seen.moments.n else 0.0,
    )


def _limits(seen: FeatureProfile) -> OutlierLimits:
    values = seen.values
    if not isinstance(values, ExponentialHistogram) or not values.total:
        return OutlierLimits(kind=seen.kind)
    edges, below = _bounds_below(values)
    shares = np.diff(below, prepend=0.0) / values.total
    copies = np.ceil(shares * FENCE_VALUES).astype(np.int64)
    lower, upper = numeric_fences(np.repeat(edges, copies))
    return OutlierLimits(
        kind=seen.kind, lower=lower, upper=upper, allows_missing=bool(seen.missing)
    )


def _edges(seen: FeatureProfile, other: FeatureProfile | None) -> FloatArray:
    values = seen.values
    if isinstance(values, Histogram):
        return values.bin_edges
    if not isinstance(values, ExponentialHistogram) or not values.total:
        return np.empty(0)
    if other is not None and isinstance(other.values, ExponentialHistogram) and other.values.total:
        values = values.at_scale(min(values.scale, other.values.scale))
    edges, below = _bounds_below(values)
    heights = below / values.total
    targets = np.arange(1, DEFAULT_BINS) / DEFAULT_BINS
    nearest = np.abs(heights[None, :] - targets[:, None]).argmin(axis=1)
    return np.asarray(edges[np.unique(nearest)], dtype=np.float64)


def _bounds_below(values: ExponentialHistogram) -> tuple[FloatArray, FloatArray]:
    """Return the finite upper bounds of occupied buckets, and how many values each has below it."""
    lower, _ = bounds(values.negative.indices[::-1], values.scale)
    _, upper = bounds(values.positive.indices, values.scale)
    zeros = [values.zero_count] if values.zero_count else []
    # Of a bucket of negative values the bound nearer to zero is outside: the next float is in it.
    edges = np.concatenate([np.nextafter(-lower, -np.inf), np.zeros(len(zeros)), upper])
    counts = np.concatenate([values.negative.counts[::-1], zeros, values.positive.counts])
    finite = np.isfinite(edges)
    return edges[finite], np.cumsum(counts)[finite].astype(np.float64)


def _on_bins(seen: FeatureProfile, edges: FloatArray | None) -> FeatureProfile:
    if edges is None or not isinstance(seen.values, ExponentialHistogram):
        return seen
    return replace(seen, values=seen.values.on_bins(edges))
