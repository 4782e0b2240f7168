"""Moments about 0 as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwatch import document
from modelwatch.document import Body
from modelwatch.sketches import JointMoments, Moments

__all__ = [
    "joint_from_dict",
    "joint_to_dict",
    "mean_error",
    "moments_from_dict",
    "moments_to_dict",
]


def moments_to_dict(moments: Moments) -> dict[str, Any]:
    """Return count, mean and sum of squared deviations, of moments about 0."""
    return {"n": moments.n, "mean": moments.mean_offset, "m2": moments.m2}


def moments_from_dict(body: Body) -> Moments:
    """Read what `moments_to_dict` made; the extremes are not kept.

    Raises:
        FormatError: where a field is absent or of a wrong type.
    """
    return Moments(
        n=document.count(body, "n"),
        mean_offset=document.number(body, "mean"),
        m2=max(document.number(body, "m2"), 0.0),
    )


def mean_error(moments: Moments, design_effect: float) -> float:
    """Return the standard error of the mean; NaN below two rows."""
    return float((moments.variance / max(moments.n, 1) * design_effect) ** 0.5)


def joint_to_dict(joint: JointMoments) -> dict[str, Any]:
    """Return count, means and the upper triangle of the co-moments, of moments about 0."""
    upper = np.triu_indices(len(joint.names))
    return {"n": joint.n, "means": joint.mean_offset.tolist(), "m2": joint.m2[upper].tolist()}


def joint_from_dict(body: Body, names: tuple[str, ...]) -> JointMoments:
    """Read what `joint_to_dict` made.

    Raises:
        FormatError: where a field is absent, of a wrong type, or of another number of terms.
    """
    size = len(names)
    means, upper = document.numbers(body, "means"), document.numbers(body, "m2")
    if means.size != size:
        document.refuse(body, "means", f"the means of {size} terms")
    if upper.size != size * (size + 1) // 2:
        document.refuse(body, "m2", f"the upper triangle of {size} terms")
    m2 = np.zeros((size, size))
    m2[np.triu_indices(size)] = upper
    m2 = m2 + np.triu(m2, 1).T
    if np.any(np.diag(m2) < 0):
        document.refuse(body, "m2", "co-moments whose squares are 0 or more")
    n = document.count(body, "n")
    return JointMoments(names, np.zeros(size), n=n, mean_offset=means, m2=m2)
