"""What each point adds to a profile: a reader a metric, checked here, folded in later."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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
    JointMoments,
    Moments,
)
from modelwatch.sketches.log_buckets import Buckets
from modelwatch.sketches.log_window import from_window
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.moments_body import decode_moments

__all__ = [
    "Binned",
    "MomentNames",
    "all_categories",
    "categories",
    "checked_count",
    "checked_counts",
    "duration",
    "exponential_histogram",
    "fold_moments",
    "histogram",
    "mismatches",
    "missing",
    "moment_names",
    "moments",
    "nothing",
    "outliers",
    "predictions",
    "rows_captured",
    "rows_dropped",
    "rows_outlying",
    "sparse_buckets",
]

Attributes = Mapping[str, Any]
Fold = Callable[[Profile], None]
IntArray = npt.NDArray[np.int64]

MAX_COUNT = 2**53
"""Counts beyond this are refused: sums of them would leave 64 bits."""


@dataclass(frozen=True, kw_only=True)
class Binned:
    """What a series that is a histogram tells.

    Attributes:
        values: the counts on its bounds.
        total: the sum of the values; NaN where none was told.
        minimum: the smallest of them; NaN where none was told.
        maximum: the largest of them; NaN where none was told.
    """

    values: Histogram
    total: float = math.nan
    minimum: float = math.nan
    maximum: float = math.nan


def histogram(attributes: Attributes, told: Binned) -> Fold:
    """Read a numeric feature's explicit-bound histogram."""
    return _numbers(told.values, told.minimum, told.maximum, attributes)


def exponential_histogram(point: Any, attributes: Attributes) -> Fold:
    """Read a numeric feature's exponential histogram."""
    sent = ExponentialHistogram(
        sparse_buckets(point.positive),
        sparse_buckets(point.negative),
        checked_count(point.zero_count),
        point.scale,
    )
    told = point.HasField("min") and point.HasField("max")
    values = from_window(sent, *((point.min, point.max) if told else (None, None)))
    low, high = (point.min, point.max) if told else (math.nan, math.nan)
    return _numbers(values, low, high, attributes)


def categories(attributes: Attributes, count: int) -> Fold:
    """Read the count of one category."""
    return all_categories(attributes, {attributes[names.FEATURE_CATEGORY]: count})


def all_categories(attributes: Attributes, counts: Mapping[str, int]) -> Fold:
    """Read the counts of several categories of one feature."""
    named = {category: count for category, count in counts.items() if count}
    other = named.pop(names.OTHER_CATEGORIES, 0)
    unseen = named.pop(names.UNSEEN_CATEGORIES, 0)
    return _feature(attributes, "categorical", Categories(named, other, unseen))


def missing(attributes: Attributes, count: int) -> Fold:
    """Read how many values were missing for one reason."""
    counts = Counter({attributes[names.MISSING_REASON]: count})
    return _feature(attributes, None, None, missing=counts)


def outliers(attributes: Attributes, count: int) -> Fold:
    """Read how many values broke one rule."""
    counts = Counter({attributes[names.OUTLIER_RULE]: count})
    return _feature(attributes, None, None, outliers=counts)


def predictions(attributes: Attributes, count: int) -> Fold:
    """Read how many calls ended one way."""
    error_type = attributes.get(names.ERROR_TYPE, "")
    return lambda profile: profile.predictions.update({error_type: count})


def rows_captured(_attributes: Attributes, count: int) -> Fold:
    """Read how many rows were summarised."""

    def fold(profile: Profile) -> None:
        profile.rows += count

    return fold


def rows_outlying(_attributes: Attributes, count: int) -> Fold:
    """Read how many rows had an outlier."""

    def fold(profile: Profile) -> None:
        profile.outlier_rows += count

    return fold


def rows_dropped(attributes: Attributes, count: int) -> Fold:
    """Read how many rows were lost for one reason."""
    reason = attributes.get(names.DROP_REASON, "")
    return lambda profile: profile.dropped.update({reason: count})


def mismatches(attributes: Attributes, count: int) -> Fold:
    """Read in how many windows a part of the fingerprint was another than the baseline's."""
    part = attributes[names.FINGERPRINT_PART]
    return lambda profile: profile.mismatches.update({part: count})


def nothing(_attributes: Attributes, _count: int) -> Fold:
    """Accept a metric of the sender's own state, which no profile holds."""
    return lambda profile: None


def duration(_attributes: Attributes, told: Binned) -> Fold:
    """Read how long the calls took; other bounds than ours are rebinned."""
    received = told.values
    seconds = 0.0 if math.isnan(told.total) else told.total

    def fold(profile: Profile) -> None:
        edges = profile.duration.bin_edges
        same = np.array_equal(received.bin_edges, edges)
        low, high = 0.0, float(max(received.bin_edges.max(initial=0.0), edges.max()))
        ours = received if same else received.rebinned(edges, low, high)
        profile.duration = profile.duration.merge(ours)
        profile.duration_sum_seconds += seconds

    return fold


class MomentNames(NamedTuple):
    """What an event with moments tells of.

    Attributes:
        features: their names.
        roles: the role of each.
        joint: of which it tells together.
    """

    features: tuple[str, ...]
    roles: tuple[Role, ...]
    joint: tuple[str, ...]


def moment_names(attributes: Attributes) -> MomentNames:
    """Read the attributes of an event with moments.

    Raises:
        KeyError: where one is absent.
        UndecodableTelemetry: where they do not fit each other.
    """
    features, roles = attributes[names.MOMENT_NAMES], attributes[names.MOMENT_ROLES]
    if len(roles) != len(features):
        raise UndecodableTelemetry(f"{len(features)} features have {len(roles)} roles.")
    joint = attributes.get(names.JOINT_NAMES, ())
    return MomentNames(tuple(map(str, features)), tuple(map(_role, roles)), tuple(joint))


def moments(point: Any, attributes: Attributes) -> Fold:
    """Read the event with the exact moments of all numeric features."""
    told = moment_names(attributes)
    sent = decode_moments(point.body.bytes_value, told.features, told.joint)
    return lambda profile: fold_moments(profile, told, sent.each(), sent.joint(told.joint))


def fold_moments(
    profile: Profile, told: MomentNames, each: Sequence[Moments], joint: JointMoments | None
) -> None:
    """Add moments to a profile.

    Args:
        profile: is added to.
        told: of what they are.
        each: the moments of each feature.
        joint: those of several together.

    Raises:
        ProfileMismatch: where they contradict what was there before.
    """
    for name, role, exact in zip(told.features, told.roles, each, strict=True):
        _exact_moments(name, role, exact)(profile)
    if joint is not None:
        profile.joint = profile.joint.merge(joint) if profile.joint else joint


def _numbers(
    values: Histogram | ExponentialHistogram,
    minimum: float,
    maximum: float,
    attributes: Attributes,
) -> Fold:
    is_told = not (math.isnan(minimum) or math.isnan(maximum))
    extremes = Moments(minimum=minimum, maximum=maximum) if is_told else Moments()
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


def checked_count(value: float) -> int:
    """Return a number as a count.

    Raises:
        UndecodableTelemetry: where it is none, or so large that sums of such would leave 64 bits.
    """
    if not 0 <= value <= MAX_COUNT or value != int(value):
        raise UndecodableTelemetry(f"{value!r} is no count.")
    return int(value)


def checked_counts(values: Sequence[int]) -> IntArray:
    """Return numbers of zero or more as counts.

    Raises:
        UndecodableTelemetry: where one of them is so large that sums of such would leave 64 bits.
    """
    counts = np.array(values, dtype=np.uint64)
    if counts.max(initial=0) > MAX_COUNT:
        raise UndecodableTelemetry(f"{counts.max()} is no count.")
    return counts.astype(np.int64)


def sparse_buckets(buckets: Any) -> Buckets:
    """Return the occupied buckets of a dense array of OTLP.

    Raises:
        UndecodableTelemetry: where a count is none.
    """
    counts = checked_counts(buckets.bucket_counts)
    used = np.flatnonzero(counts)
    return Buckets(used + buckets.offset, counts[used])
