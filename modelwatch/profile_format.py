"""Profiles as JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, get_args

import numpy as np

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import FormatError, ProfileMismatch
from modelwatch.feature import FeatureProfile, Role
from modelwatch.outliers import Kind
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.quadratic_moments import QuadraticMoments
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.profile import Profile
from modelwatch.seasons import HOURS_OF_WEEK
from modelwatch.sketches import (
    Categories,
    ExponentialHistogram,
    Histogram,
    JointMoments,
    Moments,
)
from modelwatch.sketches.exponential import COARSEST_SCALE, FINEST_SCALE, buckets_of
from modelwatch.sketches.log_buckets import Buckets

__all__ = ["profile_from_dict", "profile_from_json", "profile_to_dict", "profile_to_json"]

FORMAT: Final = "modelwatch.profile"
FORMAT_VERSION: Final = 1

ROLES: Final[tuple[Role, ...]] = get_args(Role)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

LARGEST_EXPONENT: Final = 1_023
"""The bounds of a bucket nearer than this power of two are floats."""

FIRST_SCALE: Final = 6
"""Of exponential histograms in the first documents, which do not tell it."""


def profile_to_json(profile: Profile) -> str:
    """Return the document."""
    return document.dump(FORMAT, FORMAT_VERSION, profile_to_dict(profile))


def profile_from_json(text: str | bytes) -> Profile:
    """Read a document.

    Raises:
        FormatError: where it is damaged or of a newer format version.
    """
    body = document.load(text, FORMAT, FORMAT_VERSION, where="the profile")
    return profile_from_dict(body, where="the profile")


def profile_to_dict(profile: Profile) -> dict[str, Any]:
    """Return the profile as plain values."""
    body = {
        "model": profile.model,
        "version": profile.version,
        "baseline_id": profile.baseline_id,
        "segment": profile.segment,
        "instance": profile.instance,
        "start_ns": profile.start_ns,
        "end_ns": profile.end_ns,
        "rows": profile.rows,
        "features": [_feature_to_dict(feature) for feature in profile.features.values()],
        "predictions": dict(+profile.predictions),
        "duration_counts": profile.duration.counts.tolist(),
        "duration_sum_seconds": document.finite_or_none(profile.duration_sum_seconds),
        "dropped": dict(+profile.dropped),
        "outlier_rows": profile.outlier_rows,
        "joint": _joint_to_dict(profile.joint) if profile.joint and profile.joint.n else None,
        "hours": _hours_to_list(profile.hours),
        "window_hours": _hours_to_list(profile.window_hours),
    }
    if +profile.mismatches:
        body["mismatches"] = dict(+profile.mismatches)
    parts = {name: getattr(profile, name) for name in ("scores", "labelled", "quadratic")}
    return body | {name: part.to_dict() for name, part in parts.items() if part is not None}


def profile_from_dict(body: Body, *, where: str) -> Profile:
    """Read plain values.

    Args:
        body: what `profile_to_dict` made.
        where: names the source in error messages.

    Raises:
        FormatError: where a field is absent or of a wrong type.
    """
    try:
        return _read_profile(body)
    except (FormatError, ProfileMismatch) as error:
        raise FormatError(f"{where} is damaged: {error}.") from error


def _read_profile(body: Body) -> Profile:
    profile = Profile(
        document.text(body, "model"),
        document.text(body, "version"),
        baseline_id=document.optional_text(body, "baseline_id"),
        segment=document.optional_text(body, "segment"),
        instance=document.optional_text(body, "instance"),
        start_ns=document.time_ns(body, "start_ns"),
        end_ns=document.time_ns(body, "end_ns"),
    )
    profile.rows = document.count(body, "rows")
    features = [_feature_from_dict(feature) for feature in document.objects(body, "features")]
    profile.features = {feature.name: feature for feature in features}
    if len(profile.features) < len(features):
        raise FormatError("two of its features have one name")
    profile.predictions = Counter(document.counters(body, "predictions"))
    duration_counts = document.counts(body, "duration_counts")
    profile.duration = Histogram(profile.duration.bin_edges, duration_counts)
    seconds = document.optional_number(body, "duration_sum_seconds")
    profile.duration_sum_seconds = math.nan if seconds is None else seconds
    profile.dropped = Counter(document.counters(body, "dropped"))
    profile.outlier_rows = document.count({"outlier_rows": 0, **body}, "outlier_rows")
    profile.mismatches = Counter(document.counters({"mismatches": {}, **body}, "mismatches"))
    joint = document.optional_object(body, "joint")
    profile.joint = _joint_from_dict(joint) if joint is not None else None
    profile.hours = _hours_from_body(body, "hours")
    profile.window_hours = _hours_from_body(body, "window_hours")
    _read_performance(body, profile)
    return profile


def _read_performance(body: Body, profile: Profile) -> None:
    """Read what tells of the model's performance, as far as it is there."""
    if "scores" in body:
        profile.scores = ScoreSummary.from_dict(document.object_of(body, "scores"))
    if "labelled" in body:
        labelled = document.object_of(body, "labelled")
        kind = LabelledSummary if "confusion" in labelled else RegressionSummary
        profile.labelled = kind.from_dict(labelled)
    if "quadratic" in body:
        profile.quadratic = QuadraticMoments.from_dict(document.object_of(body, "quadratic"))


def _hours_to_list(hours: Mapping[int, int]) -> list[int]:
    return [hours.get(hour, 0) for hour in range(HOURS_OF_WEEK)] if hours else []


def _hours_from_body(body: Body, name: str) -> Counter[int]:
    hours = document.counts({name: [], **body}, name)
    if len(hours) not in (0, HOURS_OF_WEEK):
        document.refuse(body, name, f"a count for each of {HOURS_OF_WEEK} hours, or none")
    return Counter({hour: rows for hour, rows in enumerate(hours) if rows})


def _feature_to_dict(feature: FeatureProfile) -> dict[str, Any]:
    return {
        "name": feature.name,
        "role": feature.role,
        "kind": feature.kind,
        "values": _values_to_dict(feature.values),
        "moments": moments_to_dict(feature.moments) if feature.moments else None,
        "missing": dict(+feature.missing),
        "outliers": dict(+feature.outliers),
    }


def _feature_from_dict(body: Body) -> FeatureProfile:
    moments = document.optional_object(body, "moments")
    return FeatureProfile(
        document.text(body, "name"),
        document.choice(body, "role", ROLES),
        document.choice(body, "kind", KINDS),
        _values_from_dict(document.object_of(body, "values")),
        moments_from_dict(moments) if moments is not None else None,
        Counter(document.counters(body, "missing")),
        Counter(document.counters(body, "outliers")),
    )


def _values_to_dict(values: Histogram | ExponentialHistogram | Categories) -> dict[str, Any]:
    if isinstance(values, Histogram):
        return {"bin_edges": values.bin_edges.tolist(), "counts": values.counts.tolist()}
    if isinstance(values, Categories):
        return {
            "categories": dict(values.counts),
            "other": values.other,
            "unseen": values.unseen,
        }
    return {
        "scale": values.scale,
        "positive_buckets": _buckets_to_pairs(values.positive),
        "negative_buckets": _buckets_to_pairs(values.negative),
        "zero_count": values.zero_count,
    }


def _values_from_dict(body: Body) -> Histogram | ExponentialHistogram | Categories:
    if "bin_edges" in body:
        return Histogram(document.numbers(body, "bin_edges"), document.counts(body, "counts"))
    if "categories" in body:
        named = document.counters(body, "categories")
        return Categories(named, document.count(body, "other"), document.count(body, "unseen"))
    scale, suffix = FIRST_SCALE, ""
    if "scale" in body:
        scale, suffix = body["scale"], "_buckets"
        if not document.is_whole(scale, COARSEST_SCALE, FINEST_SCALE):
            document.refuse(body, "scale", f"a scale of {COARSEST_SCALE} to {FINEST_SCALE}")
    return ExponentialHistogram(
        _buckets_from_pairs(body, f"positive{suffix}", scale),
        _buckets_from_pairs(body, f"negative{suffix}", scale),
        document.count(body, "zero_count"),
        scale,
    )


def _buckets_to_pairs(buckets: Buckets) -> list[list[int]]:
    pairs: list[list[int]] = np.column_stack(buckets).tolist()
    return pairs


def _buckets_from_pairs(body: Body, name: str, scale: int) -> Buckets:
    pairs = body.get(name)
    if not isinstance(pairs, list):
        document.refuse(body, name, "a list of buckets")
    furthest = math.ceil(LARGEST_EXPONENT * 2.0**scale)
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and _is_bucket(pair, furthest)):
            document.refuse(body, name, "a list of pairs of a bucket's index and its count")
    return buckets_of(dict(pairs))


def _is_bucket(pair: list[Any], furthest: int) -> bool:
    index, count = pair
    return document.is_whole(index, -furthest, furthest - 1) and document.is_whole(
        count, 0, document.MOST_COUNTED
    )


def moments_to_dict(moments: Moments) -> dict[str, Any]:
    return {
        "shift": moments.shift,
        "n": moments.n,
        "mean_offset": moments.mean_offset,
        "m2": moments.m2,
        "minimum": document.finite_or_none(moments.minimum),
        "maximum": document.finite_or_none(moments.maximum),
    }


def moments_from_dict(body: Body) -> Moments:
    minimum = document.optional_number(body, "minimum")
    maximum = document.optional_number(body, "maximum")
    if (minimum is None) != (maximum is None):
        raise FormatError("one of minimum and maximum is null, the other is not")
    if minimum is not None and maximum is not None and minimum > maximum:
        raise FormatError(f"minimum is {minimum}, above the maximum of {maximum}")
    return Moments(
        shift=document.number(body, "shift"),
        n=document.count(body, "n"),
        mean_offset=document.number(body, "mean_offset"),
        m2=max(document.number(body, "m2"), 0.0),  # rounding may leave it just below zero
        minimum=math.inf if minimum is None else minimum,
        maximum=-math.inf if maximum is None else maximum,
    )


def _joint_to_dict(joint: JointMoments) -> dict[str, Any]:
    upper = np.triu_indices(len(joint.names))
    return {
        "names": list(joint.names),
        "shift": joint.shift.tolist(),
        "n": joint.n,
        "mean_offset": joint.mean_offset.tolist(),
        "m2": joint.m2[upper].tolist(),
    }


def _joint_from_dict(body: Body) -> JointMoments:
    names = document.texts(body, "names")
    upper = document.numbers(body, "m2")
    if upper.size != len(names) * (len(names) + 1) // 2:
        document.refuse(body, "m2", "the upper triangle of the matrix of its features")
    return JointMoments(
        names,
        document.numbers(body, "shift"),
        n=document.count(body, "n"),
        mean_offset=document.numbers(body, "mean_offset"),
        m2=joint_matrix(upper, len(names)),
    )


def joint_matrix(upper: np.ndarray[Any, np.dtype[np.float64]], size: int) -> Any:
    """Return the symmetric matrix whose upper triangle, row by row, is given."""
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size)] = upper
    return matrix + np.triu(matrix, 1).T
