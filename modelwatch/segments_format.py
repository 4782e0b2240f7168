"""Segments of a baseline as plain values, for JSON.

What the whole tells already, such as bins and vocabularies, is not told again: of a feature of
numbers a segment keeps a count for each bin and five moments, of categories a count for each name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from modelwatch import document
from modelwatch.baseline import BaselineFeature
from modelwatch.comparisons.value_effects import SegmentSpread, ValueEffects
from modelwatch.document import Body
from modelwatch.effects_format import effect_from_dict, effect_to_dict
from modelwatch.errors import FormatError, ProfileMismatch
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.profile_format import moments_from_dict, moments_to_dict
from modelwatch.segments import MAX_SEGMENTS
from modelwatch.sketches import Categories, Histogram

__all__ = ["segments_from_body", "segments_to_list", "spread_from_dict", "spread_to_dict"]

Features = Mapping[str, BaselineFeature]


def segments_to_list(segments: Mapping[str, Profile], features: Features) -> list[dict[str, Any]]:
    """Return plain values, the segments in their order."""
    return [
        {
            "name": name,
            "rows": profile.rows,
            "features": [
                _feature_to_dict(profile.features[feature.name], feature)
                for feature in features.values()
            ],
        }
        for name, profile in segments.items()
    ]


def segments_from_body(body: Body, whole: Profile, features: Features) -> dict[str, Profile]:
    """Read the segments of a baseline's document; a document may be without.

    Args:
        body: the document.
        whole: the statistics of all rows, of the same model and version.
        features: descriptions of its features.

    Raises:
        FormatError: where they are damaged.
    """
    if "segments" not in body:
        return {}
    parts = document.objects(body, "segments")
    if len(parts) > MAX_SEGMENTS + 1:
        raise FormatError(f"it has {len(parts)} segments, and at most {MAX_SEGMENTS + 1} are kept")
    found = {
        document.text(part, "name"): _segment_from_dict(part, whole, features) for part in parts
    }
    if len(found) < len(parts):
        raise FormatError("two of its segments have one name")
    return found


def spread_to_dict(spread: SegmentSpread | None) -> dict[str, Any]:
    """Return how much a feature varies within segments, as a field of its effects; or none."""
    if spread is None:
        return {}
    values = spread.values
    return {
        "segments": {
            "values": effect_to_dict(values.cells),
            "ks": effect_to_dict(values.ks),
            "location": effect_to_dict(values.location),
            "missing": effect_to_dict(spread.missing),
            "outliers": effect_to_dict(spread.outliers),
        }
    }


def spread_from_dict(effects: Body) -> SegmentSpread | None:
    """Read what `spread_to_dict` made, where the effects of a feature have it.

    Raises:
        FormatError: where it is damaged.
    """
    if "segments" not in effects:
        return None
    body = document.object_of(effects, "segments")
    values, ks, location, missing, outliers = (
        effect_from_dict(document.object_of(body, name))
        for name in ("values", "ks", "location", "missing", "outliers")
    )
    return SegmentSpread(ValueEffects(values, ks, location), missing, outliers)


def _segment_from_dict(body: Body, whole: Profile, features: Features) -> Profile:
    profile = Profile(whole.model, whole.version, segment=document.text(body, "name"))
    profile.rows = document.count(body, "rows")
    parts = document.objects(body, "features")
    if len(parts) != len(features):
        document.refuse(body, "features", f"statistics of its {len(features)} features")
    for part, feature in zip(parts, features.values(), strict=True):
        profile.features[feature.name] = _feature_from_dict(part, feature)
    return profile


def _feature_to_dict(profile: FeatureProfile, feature: BaselineFeature) -> dict[str, Any]:
    body: dict[str, Any] = {"missing": dict(+profile.missing), "outliers": dict(+profile.outliers)}
    values, moments = profile.values, profile.moments
    if isinstance(values, Categories):
        known = feature.categories or ()
        body["counts"] = [values.counts[name] for name in known]
        body["new"] = {name: n for name, n in values.counts.items() if name not in known}
        body["other"] = values.other
        body["unseen"] = values.unseen
    elif isinstance(values, Histogram):
        body["counts"] = values.counts.tolist()
    if moments is not None:
        body["moments"] = moments_to_dict(moments)
        del body["moments"]["shift"]
    return body


def _feature_from_dict(body: Body, feature: BaselineFeature) -> FeatureProfile:
    moments = None
    values: Histogram | Categories
    if feature.bin_edges is None:
        values = _categories_from_dict(body, feature.categories or ())
    else:
        try:
            values = Histogram(feature.bin_edges, document.counts(body, "counts"))
        except ProfileMismatch as error:
            raise FormatError(f"a segment's statistics of {feature.name!r}: {error}") from error
        moments = moments_from_dict({**document.object_of(body, "moments"), "shift": feature.mean})
    return FeatureProfile(
        feature.name,
        feature.role,
        feature.kind,
        values,
        moments,
        Counter(document.counters(body, "missing")),
        Counter(document.counters(body, "outliers")),
    )


def _categories_from_dict(body: Body, known: tuple[str, ...]) -> Categories:
    counts = document.counts(body, "counts")
    if len(counts) != len(known):
        document.refuse(body, "counts", f"a count for each of {len(known)} categories")
    named = {name: n for name, n in zip(known, counts, strict=True) if n}
    new = document.counters(body, "new")
    return Categories(new | named, document.count(body, "other"), document.count(body, "unseen"))
