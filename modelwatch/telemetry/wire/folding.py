"""What each point adds to a profile: a reader a metric, checked here, folded in later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch.errors import UndecodableTelemetry
from modelwatch.feature import FeatureProfile, Role
from modelwatch.outliers import Kind
from modelwatch.profile import Profile
from modelwatch.sketches import (
    Categories,
    ExponentialHistogram,
    Histogram,
    Moments,
)
from modelwatch.sketches.log_buckets import Buckets
from modelwatch.sketches.log_window import from_window
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.moments_body import decode_moments

__all__ = [
    "categories",
    "duration",
    "exponential_histogram",
    "histogram",
    "mismatches",
    "missing",
    "moments",
    "nothing",
    "outliers",
    "predictions",
    "rows_captured",
    "rows_dropped",
    "rows_outlying",
]

Attributes = Mapping[str, Any]
Fold = Callable[[Profile], None]
IntArray = npt.NDArray[np.int64]

MAX_COUNT = 2**53
"""Counts beyond this are refused: sums of them would leave 64 bits."""


def histogram(point: Any, attributes: Attributes) -> Fold:
    """Read a numeric feature's explicit-bound histogram."""
    counts = _counts(point.bucket_counts)
    values = Histogram(point.explicit_bounds, counts if counts.size else [_checked(point.count)])
    return _numbers(values, point, attributes)


def exponential_histogram(point: Any, attributes: Attributes) -> Fold:
    """Read a numeric feature's exponential histogram."""
    sent = ExponentialHistogram(
        _sparse(point.positive),
        _sparse(point.negative),
        _checked(point.zero_count),
        point.scale,
    )
    told = point.HasField("min") and point.HasField("max")
    values = from_window(sent, *((point.min, point.max) if told else (None, None)))
    return _numbers(values, point, attributes)


def categories(point: Any, attributes: Attributes) -> Fold:
    """Read the count of one category."""
    count = _count(point)
    category = attributes[names.FEATURE_CATEGORY]
    if category == names.OTHER_CATEGORIES:
        values = Categories(other=count)
    elif category == names.UNSEEN_CATEGORIES:
        values = Categories(unseen=count)
    else:
        values = Categories({str(category): count})
    return _feature(attributes, "categorical", values)


def missing(point: Any, attributes: Attributes) -> Fold:
    """Read how many values were missing for one reason."""
    counts = Counter({str(attributes[names.MISSING_REASON]): _count(point)})
    return _feature(attributes, None, None, missing=counts)


def outliers(point: Any, attributes: Attributes) -> Fold:
    """Read how many values broke one rule."""
    counts = Counter({str(attributes[names.OUTLIER_RULE]): _count(point)})
    return _feature(attributes, None, None, outliers=counts)


def predictions(point: Any, attributes: Attributes) -> Fold:
    """Read how many calls ended one way."""
    error_type, count = str(attributes.get(names.ERROR_TYPE, "")), _count(point)
    return lambda profile: profile.predictions.update({error_type: count})


def rows_captured(point: Any, _attributes: Attributes) -> Fold:
    """Read how many rows were summarised."""
    count = _count(point)

    def fold(profile: Profile) -> None:
        profile.rows += count

    return fold


def rows_outlying(point: Any, _attributes: Attributes) -> Fold:
    """Read how many rows had an outlier."""
    count = _count(point)

    def fold(profile: Profile) -> None:
        profile.outlier_rows += count

    return fold


def rows_dropped(point: Any, attributes: Attributes) -> Fold:
    """Read how many rows were lost for one reason."""
    reason, count = str(attributes.get(names.DROP_REASON, "")), _count(point)
    return lambda profile: profile.dropped.update({reason: count})


def mismatches(point: Any, attributes: Attributes) -> Fold:
    """Read in how many windows a part of the fingerprint was another than the baseline's."""
    part, count = str(attributes[names.FINGERPRINT_PART]), _count(point)
    return lambda profile: profile.mismatches.update({part: count})


def nothing(_point: Any, _attributes: Attributes) -> Fold:
    """Accept a metric of the sender's own state, which no profile holds."""
    return lambda profile: None


def duration(point: Any, _attributes: Attributes) -> Fold:
    """Read how long the calls took; other bounds than ours are rebinned."""
    received = Histogram(point.explicit_bounds, _counts(point.bucket_counts))
    seconds = float(point.sum)

    def fold(profile: Profile) -> None:
        edges = profile.duration.bin_edges
        same = np.array_equal(received.bin_edges, edges)
        low, high = 0.0, float(max(received.bin_edges.max(initial=0.0), edges.max()))
        ours = received if same else received.rebinned(edges, low, high)
        profile.duration = profile.duration.merge(ours)
        profile.duration_sum_seconds += seconds

    return fold


def moments(point: Any, attributes: Attributes) -> Fold:
    """Read the event with the exact moments of all numeric features."""
    features, roles = attributes[names.MOMENT_NAMES], attributes[names.MOMENT_ROLES]
    joint_names = attributes.get(names.JOINT_NAMES, ())
    if len(roles) != len(features):
        raise UndecodableTelemetry(f"{len(features)} features have {len(roles)} roles.")
    each, joint = decode_moments(point.body.bytes_value, features, joint_names)
    folds = [
        _exact_moments(str(name), _role(role), exact)
        for name, role, exact in zip(features, roles, each, strict=True)
    ]

    def fold(profile: Profile) -> None:
        for one in folds:
            one(profile)
        if joint is not None:
            profile.joint = profile.joint.merge(joint) if profile.joint else joint

    return fold


def _numbers(values: Histogram | ExponentialHistogram, point: Any, attributes: Attributes) -> Fold:
    extremes = Moments()
    if point.HasField("min") and point.HasField("max"):
        extremes = Moments(minimum=point.min, maximum=point.max)
    return _feature(attributes, "numeric", values, moments=extremes)


def _exact_moments(name: str, role: Role, exact: Moments) -> Fold:
    return _fold_feature(
        lambda: FeatureProfile(name, role, "numeric", ExponentialHistogram(), exact)
    )


def _feature(
    attributes: Attributes,
    kind: Kind | None,
    values: Histogram | ExponentialHistogram | Categories | None,
    *,
    moments: Moments | None = None,
    missing: Counter[str] | None = None,
    outliers: Counter[str] | None = None,
) -> Fold:
    name, role = str(attributes[names.FEATURE_NAME]), _role(attributes[names.FEATURE_ROLE])
    told = attributes.get(names.FEATURE_KIND)
    if told in ("probability", "categorical"):
        kind = told
    kind = kind or "numeric"
    is_number = kind != "categorical"
    empty = ExponentialHistogram() if is_number else Categories()

    def make() -> FeatureProfile:
        return FeatureProfile(
            name,
            role,
            kind,
            empty if values is None else values,
            (moments or Moments()) if is_number else None,
            missing or Counter(),
            outliers or Counter(),
        )

    return _fold_feature(make)


def _fold_feature(make: Callable[[], FeatureProfile]) -> Fold:
    def fold(profile: Profile) -> None:
        feature = make()
        known = profile.features.get(feature.name)
        profile.features[feature.name] = feature if known is None else known.merge(feature)

    return fold


def _role(value: Any) -> Role:
    if value == "input":
        return "input"
    if value == "output":
        return "output"
    raise UndecodableTelemetry(f"{names.FEATURE_ROLE} is {value!r}: it is input or output.")


def _count(point: Any) -> int:
    value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
    return _checked(value)


def _checked(value: float) -> int:
    if not 0 <= value <= MAX_COUNT or value != int(value):
        raise UndecodableTelemetry(f"{value!r} is no count.")
    return int(value)


def _counts(values: Sequence[int]) -> IntArray:
    counts = np.array(values, dtype=np.uint64)
    if counts.max(initial=0) > MAX_COUNT:
        raise UndecodableTelemetry(f"{counts.max()} is no count.")
    return counts.astype(np.int64)


def _sparse(buckets: Any) -> Buckets:
    counts = _counts(buckets.bucket_counts)
    used = np.flatnonzero(counts)
    return Buckets(used + buckets.offset, counts[used])
