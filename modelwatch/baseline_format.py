"""Baselines as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from modelwatch import document
from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.errors import FormatError
from modelwatch.outliers import OutlierLimits
from modelwatch.profile_format import profile_from_dict, profile_to_dict

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
        "features": [_feature_to_dict(feature) for feature in baseline.features.values()],
        "profile": profile_to_dict(baseline.profile),
    }
    return document.dump(FORMAT, FORMAT_VERSION, body)


def baseline_from_json(text: str | bytes, *, where: str) -> Baseline:
    """Read a document.

    Raises:
        FormatError: where it is damaged or of a newer format version.
    """
    body = document.load(text, FORMAT, FORMAT_VERSION, where=where)
    try:
        features = [_feature_from_dict(feature) for feature in body["features"]]
        baseline = Baseline(
            model=str(body["model"]),
            version=str(body["version"]),
            rows=int(body["rows"]),
            features={feature.name: feature for feature in features},
            prediction=body["prediction"],
            score=body["score"],
            label=body["label"],
            timestamp=body["timestamp"],
            profile=profile_from_dict(body["profile"], where=where),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(
            f"{where} is damaged: {type(error).__name__} {error}. Write it again with Baseline.fit."
        ) from error
    absent = baseline.features.keys() - baseline.profile.features.keys()
    if absent:
        raise FormatError(f"{where} is damaged: no statistics of {sorted(absent)}.")
    return baseline


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
        "limits": _limits_to_dict(feature.limits),
        "mean": feature.mean,
        "importance": feature.importance,
        "effects": {
            "values": _effect_to_dict(feature.values_effect),
            "missing": _effect_to_dict(feature.missing_effect),
            "outliers": _effect_to_dict(feature.outliers_effect),
        },
    }


def _feature_from_dict(body: Mapping[str, Any]) -> BaselineFeature:
    categories = None if body["categories"] is None else tuple(body["categories"])
    rare = frozenset(body["rare_categories"])
    effects = body["effects"]
    edges = body["bin_edges"]
    return BaselineFeature(
        name=body["name"],
        role=body["role"],
        kind=body["kind"],
        bin_edges=None if edges is None else np.array(edges, dtype=np.float64),
        categories=categories,
        rare_categories=rare,
        limits=_limits_from_dict(body["limits"], body["kind"], categories, rare),
        mean=float(body["mean"]),
        importance=body["importance"],
        values_effect=_effect_from_dict(effects["values"]),
        missing_effect=_effect_from_dict(effects["missing"]),
        outliers_effect=_effect_from_dict(effects["outliers"]),
    )


def _limits_to_dict(limits: OutlierLimits) -> dict[str, Any]:
    return {
        "lower": document.finite_or_none(limits.lower),
        "upper": document.finite_or_none(limits.upper),
        "text": limits.text,
        "all_categories_known": limits.categories is not None,
        "allows_missing": limits.allows_missing,
    }


def _limits_from_dict(
    body: Mapping[str, Any], kind: Any, categories: tuple[str, ...] | None, rare: frozenset[str]
) -> OutlierLimits:
    known = frozenset(categories or ()) | rare if body["all_categories_known"] else None
    return OutlierLimits(
        kind=kind,
        lower=-np.inf if body["lower"] is None else float(body["lower"]),
        upper=np.inf if body["upper"] is None else float(body["upper"]),
        categories=known,
        text=bool(body["text"]),
        allows_missing=bool(body["allows_missing"]),
    )


def _effect_to_dict(effect: DesignEffect) -> dict[str, list[float]]:
    return {"sizes": list(effect.sizes), "phi": list(effect.phi), "nu": list(effect.nu)}


def _effect_from_dict(body: Mapping[str, Any]) -> DesignEffect:
    sizes = tuple(int(size) for size in body["sizes"])
    phi, nu = (tuple(float(value) for value in body[name]) for name in ("phi", "nu"))
    if not len(sizes) == len(phi) == len(nu):
        raise ValueError("a design effect with lists of different lengths")
    return DesignEffect(sizes, phi, nu)
