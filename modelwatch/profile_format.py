"""Profiles as JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from modelwatch import document
from modelwatch.errors import FormatError, ProfileMismatch
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.sketches import (
    Categories,
    ExponentialHistogram,
    Histogram,
    JointMoments,
    Moments,
)

__all__ = ["profile_from_dict", "profile_from_json", "profile_to_dict", "profile_to_json"]

FORMAT: Final = "modelwatch.profile"
FORMAT_VERSION: Final = 1


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
    return {
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
        "duration_sum_seconds": profile.duration_sum_seconds,
        "dropped": dict(+profile.dropped),
        "joint": _joint_to_dict(profile.joint) if profile.joint and profile.joint.n else None,
    }


def profile_from_dict(body: Mapping[str, Any], *, where: str) -> Profile:
    """Read plain values.

    Args:
        body: what `profile_to_dict` made.
        where: names the source in error messages.

    Raises:
        FormatError: where a field is absent or of a wrong type.
    """
    try:
        return _read_profile(body)
    except (KeyError, TypeError, ValueError, AttributeError, ProfileMismatch) as error:
        raise FormatError(f"{where} is damaged: {type(error).__name__} {error}.") from error


def _read_profile(body: Mapping[str, Any]) -> Profile:
    profile = Profile(
        str(body["model"]),
        str(body["version"]),
        baseline_id=body["baseline_id"],
        segment=body["segment"],
        instance=body["instance"],
        start_ns=int(body["start_ns"]),
        end_ns=int(body["end_ns"]),
    )
    profile.rows = int(body["rows"])
    features = [_feature_from_dict(feature) for feature in body["features"]]
    profile.features = {feature.name: feature for feature in features}
    profile.predictions = Counter(body["predictions"])
    profile.duration = Histogram(profile.duration.bin_edges, body["duration_counts"])
    profile.duration_sum_seconds = float(body["duration_sum_seconds"])
    profile.dropped = Counter(body["dropped"])
    profile.joint = _joint_from_dict(body["joint"]) if body["joint"] else None
    return profile


def _feature_to_dict(feature: FeatureProfile) -> dict[str, Any]:
    return {
        "name": feature.name,
        "role": feature.role,
        "kind": feature.kind,
        "values": _values_to_dict(feature.values),
        "moments": _moments_to_dict(feature.moments) if feature.moments else None,
        "missing": dict(+feature.missing),
        "outliers": dict(+feature.outliers),
    }


def _feature_from_dict(body: Mapping[str, Any]) -> FeatureProfile:
    if body["role"] not in ("input", "output"):
        raise ValueError(f"role {body['role']!r} of {body['name']!r}")
    if body["kind"] not in ("numeric", "probability", "categorical"):
        raise ValueError(f"kind {body['kind']!r} of {body['name']!r}")
    return FeatureProfile(
        str(body["name"]),
        body["role"],
        body["kind"],
        _values_from_dict(body["values"]),
        _moments_from_dict(body["moments"]) if body["moments"] else None,
        Counter(body["missing"]),
        Counter(body["outliers"]),
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
        "positive": sorted(values.positive.items()),
        "negative": sorted(values.negative.items()),
        "zero_count": values.zero_count,
    }


def _values_from_dict(body: Mapping[str, Any]) -> Histogram | ExponentialHistogram | Categories:
    if "bin_edges" in body:
        return Histogram(body["bin_edges"], body["counts"])
    if "categories" in body:
        return Categories(body["categories"], int(body["other"]), int(body["unseen"]))
    positive = {int(index): int(count) for index, count in body["positive"]}
    negative = {int(index): int(count) for index, count in body["negative"]}
    return ExponentialHistogram(positive, negative, int(body["zero_count"]))


def _moments_to_dict(moments: Moments) -> dict[str, Any]:
    return {
        "shift": moments.shift,
        "n": moments.n,
        "mean_offset": moments.mean_offset,
        "m2": moments.m2,
        "minimum": document.finite_or_none(moments.minimum),
        "maximum": document.finite_or_none(moments.maximum),
    }


def _moments_from_dict(body: Mapping[str, Any]) -> Moments:
    return Moments(
        shift=float(body["shift"]),
        n=int(body["n"]),
        mean_offset=float(body["mean_offset"]),
        m2=float(body["m2"]),
        minimum=math.inf if body["minimum"] is None else float(body["minimum"]),
        maximum=-math.inf if body["maximum"] is None else float(body["maximum"]),
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


def _joint_from_dict(body: Mapping[str, Any]) -> JointMoments:
    return JointMoments(
        body["names"],
        np.array(body["shift"], dtype=np.float64),
        n=int(body["n"]),
        mean_offset=np.array(body["mean_offset"], dtype=np.float64),
        m2=joint_matrix(np.array(body["m2"], dtype=np.float64), len(body["names"])),
    )


def joint_matrix(upper: np.ndarray[Any, np.dtype[np.float64]], size: int) -> Any:
    """Return the symmetric matrix whose upper triangle, row by row, is given."""
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size)] = upper
    return matrix + np.triu(matrix, 1).T
