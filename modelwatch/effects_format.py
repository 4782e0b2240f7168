"""Design effects and seasons as plain values, for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from modelwatch import document
from modelwatch.comparisons.block_law import BlockLaw, JointEffect
from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.comparisons.value_effects import ValueEffects
from modelwatch.document import Body
from modelwatch.errors import FormatError
from modelwatch.profile_format import moments_from_dict, moments_to_dict
from modelwatch.seasons import SEASONS, SeasonKind, Seasons

__all__ = [
    "effect_from_dict",
    "effect_to_dict",
    "joint_effect_from_dict",
    "joint_effect_to_dict",
    "seasons_from_dict",
    "seasons_to_dict",
]

LAWS = ("correlation", "mean", "reconstruction", "gaussian_kl")
LAW_PARTS = ("phi", "center", "spread", "degrees")
KINDS: tuple[SeasonKind, ...] = ("hour", "weekday")


def effect_to_dict(effect: DesignEffect) -> dict[str, Any]:
    """Return plain values."""
    curve = {"sizes": list(effect.sizes), "phi": list(effect.phi), "nu": list(effect.nu)}
    return {**curve, "fitted_rows": effect.fitted_rows} if effect.fitted_rows else curve


def effect_from_dict(body: Body) -> DesignEffect:
    """Read what `effect_to_dict` made.

    Raises:
        FormatError: where it is damaged.
    """
    sizes = document.counts(body, "sizes")
    phi, nu = (document.numbers(body, name) for name in ("phi", "nu"))
    if not len(sizes) == phi.size == nu.size:
        raise FormatError("the lists of a design effect differ in length")
    if not (np.diff(sizes, prepend=0) > 0).all():
        document.refuse(body, "sizes", "a list of increasing numbers of rows")
    for name, values in (("phi", phi), ("nu", nu)):
        if not (values > 0).all():
            document.refuse(body, name, "a list of numbers above zero")
    fitted_rows = document.count({"fitted_rows": 0, **body}, "fitted_rows")
    return DesignEffect(tuple(sizes), tuple(phi.tolist()), tuple(nu.tolist()), fitted_rows)


def seasons_to_dict(seasons: Seasons) -> dict[str, Any]:
    """Return plain values."""
    effects = seasons.effects
    return {
        "kind": seasons.kind,
        "counts": seasons.counts.tolist(),
        "moments": [moments_to_dict(part) for part in seasons.moments],
        "effects": {
            "values": effect_to_dict(effects.cells),
            "ks": effect_to_dict(effects.ks),
            "location": effect_to_dict(effects.location),
        },
    }


def seasons_from_dict(feature: Body, *, bins: int, numeric: bool) -> Seasons | None:
    """Read the seasons of a feature, where it has any.

    Args:
        feature: the body of the feature.
        bins: its bins, or cells.
        numeric: whether it holds numbers.

    Raises:
        FormatError: where they are damaged.
    """
    if feature.get("seasons") is None:
        return None
    body = document.object_of(feature, "seasons")
    kind = document.choice(body, "kind", KINDS)
    rows = body.get("counts")
    if not isinstance(rows, list) or len(rows) != SEASONS[kind]:
        document.refuse(body, "counts", f"a list of {SEASONS[kind]} lists of counts")
    counts = [document.counts({"counts": row}, "counts") for row in rows]
    if any(len(row) != bins for row in counts):
        raise FormatError(f"its seasons are not counted on its {bins} bins")
    moments = tuple(moments_from_dict(part) for part in document.objects(body, "moments"))
    if len(moments) != (SEASONS[kind] if numeric else 0):
        document.refuse(body, "moments", "moments of each season of numbers")
    effects = document.object_of(body, "effects")
    return Seasons(
        kind,
        np.array(counts, dtype=np.int64),
        moments,
        ValueEffects(
            cells=effect_from_dict(document.object_of(effects, "values")),
            ks=effect_from_dict(document.object_of(effects, "ks")),
            location=effect_from_dict(document.object_of(effects, "location")),
        ),
    )


def joint_effect_to_dict(effect: JointEffect) -> dict[str, Any]:
    """Return plain values."""
    return asdict(effect)


def joint_effect_from_dict(body: Body, features: int) -> JointEffect:
    """Read what `joint_effect_to_dict` made.

    Args:
        body: plain values.
        features: how many features the joint statistics are about.

    Raises:
        FormatError: where it is damaged.
    """
    laws = {name: _law_from_dict(document.object_of(body, name)) for name in LAWS}
    noise = document.numbers(body, "correlation_noise")
    if noise.size not in (0, features) or not (noise > 0).all():
        document.refuse(body, "correlation_noise", "a factor above zero for each feature, or none")
    return JointEffect(
        **laws,
        correlation_noise=tuple(noise.tolist()),
        error_excess=document.optional_number(body, "error_excess", lowest=0.0),
        error_variation=document.optional_number(body, "error_variation", lowest=0.0),
    )


def _law_from_dict(body: Body) -> BlockLaw:
    sizes = document.counts(body, "sizes")
    if not (np.diff(sizes, prepend=0) > 0).all():
        document.refuse(body, "sizes", "a list of increasing numbers of rows")
    parts = {name: document.numbers(body, name) for name in LAW_PARTS}
    if any(part.size != len(sizes) for part in parts.values()):
        raise FormatError("the lists of a law of blocks differ in length")
    for name in ("phi", "spread", "degrees"):
        if not (parts[name] > 0).all():
            document.refuse(body, name, "a list of numbers above zero")
    return BlockLaw(tuple(sizes), **{name: tuple(part.tolist()) for name, part in parts.items()})
