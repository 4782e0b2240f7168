"""Baselines as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.baseline import Baseline, BaselineFeature, PromotedFrom
from modelwatch.comparisons.block_law import JointEffect
from modelwatch.document import Body
from modelwatch.effects_format import (
    effect_from_dict,
    effect_to_dict,
    joint_effect_from_dict,
    joint_effect_to_dict,
    seasons_from_dict,
    seasons_to_dict,
)
from modelwatch.errors import FormatError
from modelwatch.model_fingerprint import Fingerprint
from modelwatch.outliers import Kind, OutlierLimits
from modelwatch.profile import Profile
from modelwatch.profile_format import KINDS, ROLES, profile_from_dict, profile_to_dict
from modelwatch.seasons import SEASON_USES
from modelwatch.segments_format import (
    segments_from_body,
    segments_to_list,
    spread_from_dict,
    spread_to_dict,
)
from modelwatch.sketches import Categories, Histogram

if TYPE_CHECKING:
    from modelwatch.performance_baseline import PerformanceBaseline

__all__ = ["baseline_from_json", "baseline_to_json"]

FORMAT: Final = "modelwatch.baseline"
FORMAT_VERSION: Final = 1


def baseline_to_json(baseline: Baseline) -> str:
    """Return the document."""
    body = {
        "model": baseline.model,
        "version": baseline.version,
        "rows": baseline.rows,
        "prediction": baseline.prediction,
        "score": baseline.score if isinstance(baseline.score, str) else _plain(baseline.score),
        "label": baseline.label,
        "timestamp": baseline.timestamp,
        "seasons": baseline.seasons,
        "features": [_feature_to_dict(feature) for feature in baseline.features.values()],
        "profile": profile_to_dict(baseline.profile),
        "joint_effect": joint_effect_to_dict(baseline.joint_effect),
    }
    if baseline.segment is not None:
        segments = segments_to_list(baseline.segments, baseline.features)
        body |= {"segment": baseline.segment, "segments": segments}
    if baseline.performance is not None:
        body["performance"] = _performance_to_dict(baseline.performance)
    if baseline.extractors:
        body["extractors"] = dict(baseline.extractors)
    if baseline.distance_limit is not None:
        body["distance_limit"] = baseline.distance_limit
    if baseline.fingerprint is not None:
        body["fingerprint"] = baseline.fingerprint.to_dict()
    if baseline.promoted_from is not None:
        body["promoted_from"] = asdict(baseline.promoted_from)
    return document.dump(FORMAT, FORMAT_VERSION, body)


def baseline_from_json(text: str | bytes, *, where: str) -> Baseline:
    """Read a document.

    Raises:
        FormatError: where it is damaged or of a newer format version.
    """
    body = document.load(text, FORMAT, FORMAT_VERSION, where=where)
    try:
        baseline = _read_baseline(body)
        _check_names(baseline)
        _check_performance(baseline)
        _check_statistics(baseline)
        baseline = _with_errors(baseline, body)
    except FormatError as error:
        raise FormatError(
            f"{where} is damaged: {error}. Write it again with Baseline.fit."
        ) from error
    return baseline


def _read_baseline(body: Body) -> Baseline:
    features = [_feature_from_dict(feature) for feature in document.objects(body, "features")]
    by_name = {feature.name: feature for feature in features}
    if len(by_name) < len(features):
        raise FormatError("two of its features have one name")
    profile = profile_from_dict(document.object_of(body, "profile"), where="its profile")
    return Baseline(
        model=document.text(body, "model"),
        version=document.text(body, "version"),
        rows=document.count(body, "rows"),
        features=by_name,
        prediction=document.optional_text(body, "prediction"),
        score=_score_from_body(body),
        label=document.optional_text(body, "label"),
        timestamp=document.optional_text(body, "timestamp"),
        profile=profile,
        segment=document.text(body, "segment") if "segment" in body else None,
        seasons=document.choice({"seasons": "rows", **body}, "seasons", SEASON_USES),
        segments=segments_from_body(body, profile, by_name),
        performance=_performance(body),
        joint_effect=_joint_effect(body, profile),
        extractors=_extractors(body),
        distance_limit=document.optional_number(
            {"distance_limit": None, **body}, "distance_limit", lowest=0.0
        ),
        fingerprint=(
            Fingerprint.from_dict(document.object_of(body, "fingerprint"))
            if "fingerprint" in body
            else None
        ),
        promoted_from=_promoted_from(body),
    )


def _promoted_from(body: Body) -> PromotedFrom | None:
    if "promoted_from" not in body:
        return None
    origin = document.object_of(body, "promoted_from")
    return PromotedFrom(
        start_ns=document.time_ns(origin, "start_ns"),
        end_ns=document.time_ns(origin, "end_ns"),
        baseline_id=document.optional_text(origin, "baseline_id"),
    )


def _performance_to_dict(performance: PerformanceBaseline) -> dict[str, Any]:
    from modelwatch.performance_baseline import performance_to_dict

    return performance_to_dict(performance)


def _performance(body: Body) -> PerformanceBaseline | None:
    if "performance" not in body:
        return None
    # Half as much again to load as the rest of a baseline, and many have none.
    from modelwatch.performance_baseline import performance_from_dict

    return performance_from_dict(document.object_of(body, "performance"))


def _with_errors(baseline: Baseline, body: Body) -> Baseline:
    if baseline.performance is None:
        return baseline
    from modelwatch.performance_baseline import with_errors

    return with_errors(baseline, document.object_of(body, "performance"))


def _extractors(body: Body) -> dict[str, str]:
    if "extractors" not in body:
        return {}
    extractors = document.object_of(body, "extractors")
    return {feature: document.text(extractors, feature) for feature in extractors}


def _joint_effect(body: Body, profile: Profile) -> JointEffect:
    if "joint_effect" not in body or profile.joint is None:
        return JointEffect()
    effect = document.object_of(body, "joint_effect")
    return joint_effect_from_dict(effect, len(profile.joint.names))


def _score_from_body(body: Body) -> str | dict[str, str] | None:
    if not isinstance(body.get("score"), dict):
        return document.optional_text(body, "score")
    columns = document.object_of(body, "score")
    return {name: document.text(columns, name) for name in columns}


def _check_names(baseline: Baseline) -> None:
    scores = baseline.score.values() if isinstance(baseline.score, Mapping) else [baseline.score]
    named = {name for name in (baseline.prediction, *scores) if name is not None}
    unknown = named - {*baseline.outputs}
    if unknown:
        raise FormatError(f"{sorted(unknown)} is its prediction or score, and none of its outputs")


def _check_performance(baseline: Baseline) -> None:
    if baseline.performance is None:
        return
    needed = {*baseline.performance.scores.values()}
    if baseline.performance.loss_model is not None:
        needed |= {*baseline.performance.loss_model.names}
    if needed - {*baseline.features}:
        raise FormatError("its performance names columns that are no features")


def _check_statistics(baseline: Baseline) -> None:
    """Refuse statistics that were not counted as the features say."""
    for name, feature in baseline.features.items():
        found = baseline.profile.features.get(name)
        if found is None:
            raise FormatError(f"it has no statistics of {name!r}")
        if (found.role, found.kind) != (feature.role, feature.kind):
            raise FormatError(f"the statistics of {name!r} are of another role or kind")
        if feature.bin_edges is None:
            fits = isinstance(found.values, Categories)
        else:
            fits = isinstance(found.values, Histogram) and np.array_equal(
                found.values.bin_edges, feature.bin_edges
            )
        if not fits:
            raise FormatError(f"the statistics of {name!r} are on other bins")


def _plain(score: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if score is None else dict(score)


def _feature_to_dict(feature: BaselineFeature) -> dict[str, Any]:
    return {
        "name": feature.name,
        "role": feature.role,
        "kind": feature.kind,
        "bin_edges": None if feature.bin_edges is None else feature.bin_edges.tolist(),
        "categories": None if feature.categories is None else list(feature.categories),
        "rare_categories": sorted(feature.rare_categories),
        "cells": None if feature.cells is None else list(feature.cells),
        "cell_counts": list(feature.cell_counts),
        "limits": _limits_to_dict(feature.limits),
        "mean": feature.mean,
        "importance": feature.importance,
        "kurtosis": feature.kurtosis,
        "seasons": None if feature.seasons is None else seasons_to_dict(feature.seasons),
        "effects": {
            "values": effect_to_dict(feature.values_effect),
            "ks": effect_to_dict(feature.ks_effect),
            "location": effect_to_dict(feature.location_effect),
            "missing": effect_to_dict(feature.missing_effect),
            "outliers": effect_to_dict(feature.outliers_effect),
            **spread_to_dict(feature.segment_spread),
        },
    }


def _feature_from_dict(body: Body) -> BaselineFeature:
    kind = document.choice(body, "kind", KINDS)
    categories = edges = cells = None
    if kind == "categorical":
        categories = tuple(document.texts(body, "categories"))
        cells = tuple(document.texts(body, "cells"))
    else:
        edges = document.numbers(body, "bin_edges")
    for name, held in (("categories", categories), ("cells", cells), ("bin_edges", edges)):
        if held is None and body.get(name, name) is not None:
            document.refuse(body, name, f"null, as it is for {kind} values")
    cell_counts = tuple(document.counts(body, "cell_counts"))
    if len(cell_counts) != (0 if cells is None else len(cells) + 1):
        document.refuse(body, "cell_counts", "a count for each of its cells, and for the rest")
    rare = frozenset(document.texts(body, "rare_categories"))
    effects = document.object_of(body, "effects")
    if "values" in effects:  # the first documents have one for all three statistics
        effects = {"ks": effects["values"], "location": effects["values"], **effects}
    return BaselineFeature(
        name=document.text(body, "name"),
        role=document.choice(body, "role", ROLES),
        kind=kind,
        bin_edges=edges,
        categories=categories,
        rare_categories=rare,
        cells=cells,
        cell_counts=cell_counts,
        limits=_limits_from_dict(document.object_of(body, "limits"), kind, categories, rare),
        mean=document.number(body, "mean"),
        importance=document.optional_number(body, "importance", lowest=0.0),
        kurtosis=document.optional_number({"kurtosis": None, **body}, "kurtosis", lowest=1.0),
        seasons=seasons_from_dict(body, bins=_bins(edges, cells), numeric=edges is not None),
        values_effect=effect_from_dict(document.object_of(effects, "values")),
        ks_effect=effect_from_dict(document.object_of(effects, "ks")),
        location_effect=effect_from_dict(document.object_of(effects, "location")),
        missing_effect=effect_from_dict(document.object_of(effects, "missing")),
        outliers_effect=effect_from_dict(document.object_of(effects, "outliers")),
        segment_spread=spread_from_dict(effects),
    )


def _limits_to_dict(limits: OutlierLimits) -> dict[str, Any]:
    return {
        "lower": document.finite_or_none(limits.lower),
        "upper": document.finite_or_none(limits.upper),
        "text": limits.text,
        "all_categories_known": limits.categories is not None,
        "allows_missing": limits.allows_missing,
        **_z_limits(limits),
    }


def _z_limits(limits: OutlierLimits) -> dict[str, float]:
    if math.isinf(limits.z_upper):
        return {}
    return {"z_lower": limits.z_lower, "z_upper": limits.z_upper}


def _limits_from_dict(
    body: Body, kind: Kind, categories: tuple[str, ...] | None, rare: frozenset[str]
) -> OutlierLimits:
    all_known = document.flag(body, "all_categories_known")
    lower = document.optional_number(body, "lower")
    upper = document.optional_number(body, "upper")
    if lower is not None and upper is not None and lower > upper:
        raise FormatError(f"lower is {lower}, above the upper limit of {upper}")
    z_lower, z_upper = -math.inf, math.inf
    if "z_upper" in body:
        z_lower, z_upper = document.number(body, "z_lower"), document.number(body, "z_upper")
    return OutlierLimits(
        kind=kind,
        lower=-np.inf if lower is None else lower,
        upper=np.inf if upper is None else upper,
        z_lower=z_lower,
        z_upper=z_upper,
        categories=frozenset(categories or ()) | rare if all_known else None,
        text=document.flag(body, "text"),
        allows_missing=document.flag(body, "allows_missing"),
    )


def _bins(edges: npt.NDArray[np.float64] | None, cells: tuple[str, ...] | None) -> int:
    return len(cells or ()) + 1 if edges is None else int(edges.size) + 1
