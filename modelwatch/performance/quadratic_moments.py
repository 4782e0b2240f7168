"""Means of the terms of a quadratic in standardised features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import ConfigurationError, ProfileMismatch
from modelwatch.performance.moments_format import joint_from_dict, joint_to_dict
from modelwatch.sketches import JointMoments

__all__ = ["CLIP", "QuadraticMoments", "quadratic_terms", "standardised"]

FloatArray = npt.NDArray[np.float64]

CLIP = 5.0
"""Standardised values are clipped at this many standard deviations."""


def standardised(features: FloatArray, centre: FloatArray, scale: FloatArray) -> FloatArray:
    """Return z = (x - centre) / scale clipped at +- `CLIP`; 0 where x is missing or scale is 0.

    Args:
        features: shape (n, d); NaN and infinite values are missing.
        centre: shape (d,).
        scale: shape (d,), 0 or more.

    >>> standardised(np.array([[3.0, np.nan]]), np.ones(2), np.array([2.0, 1.0])).tolist()
    [[1.0, 0.0]]
    """
    usable = np.isfinite(features) & (scale > 0)
    z = np.divide(features - centre, scale, out=np.zeros(features.shape), where=usable)
    return np.clip(z, -CLIP, CLIP)


def quadratic_terms(z: FloatArray) -> FloatArray:
    """Return 1, z and the products of z on and above the diagonal, shape (n, 1 + d(d + 3)/2)."""
    i, j = np.triu_indices(z.shape[1])
    return np.hstack([np.ones((z.shape[0], 1)), z, z[:, i] * z[:, j]])


class QuadraticMoments:
    """Mean and co-moments of standardised, clipped features, a missing one at the mean.

    They give the mean of a quadratic over the rows. Merging is exact to rounding. Memory: 8 d^2
    bytes. Not thread-safe.

    Args:
        names: the d features.
        centre: what is subtracted, shape (d,), finite.
        scale: what is divided by, shape (d,), finite, 0 or more; 0 takes the feature out.
        joint: moments of z; none where None.

    Raises:
        ConfigurationError: where shapes differ or a number is out of its range.

    >>> moments = QuadraticMoments(["x"], np.array([1.0]), np.array([2.0]))
    >>> moments.update(np.array([[3.0], [5.0], [np.nan]]))
    >>> moments.rows, np.round(moments.mean_terms, 4).tolist()
    (3, [1.0, 1.0, 1.6667])
    """

    __slots__ = ("centre", "joint", "names", "scale")

    def __init__(
        self,
        names: Sequence[str],
        centre: FloatArray,
        scale: FloatArray,
        *,
        joint: JointMoments | None = None,
    ) -> None:
        self.names = tuple(names)
        self.centre = np.asarray(centre, dtype=np.float64)
        self.scale = np.asarray(scale, dtype=np.float64)
        size = (len(self.names),)
        finite = np.isfinite(self.centre).all() and np.isfinite(self.scale).all()
        if self.centre.shape != size or self.scale.shape != size or not finite:
            raise ConfigurationError(f"{size[0]} features need as many finite centres and scales.")
        if np.any(self.scale < 0):
            raise ConfigurationError(f"scale is {self.scale.min()}: give numbers of 0 or more.")
        self.joint = JointMoments(self.names, np.zeros(size)) if joint is None else joint

    @property
    def rows(self) -> int:
        """Rows counted."""
        return self.joint.n

    @property
    def mean_terms(self) -> FloatArray:
        """Mean of `quadratic_terms` over the rows, shape (1 + d(d + 3)/2,)."""
        mean = self.joint.mean_offset
        products = self.joint.m2 / max(self.rows, 1) + np.outer(mean, mean)
        return np.concatenate([[1.0], mean, products[np.triu_indices(mean.size)]])

    def update(self, features: FloatArray) -> None:
        """Fold in a batch.

        Args:
            features: shape (n, d), columns in the order of `names`; NaN where missing.

        Raises:
            ConfigurationError: where the shape does not fit.
        """
        rows = np.asarray(features, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            raise ConfigurationError(
                f"features have shape {rows.shape}: give (n, {len(self.names)})."
            )
        self.joint.update(standardised(rows, self.centre, self.scale))

    def merge(self, other: QuadraticMoments) -> QuadraticMoments:
        """Return the moments of both.

        Raises:
            ProfileMismatch: where features or their standardisation differ.
        """
        same = np.array_equal(self.centre, other.centre) and np.array_equal(self.scale, other.scale)
        if self.names != other.names or not same:
            raise ProfileMismatch(
                f"quadratic moments of {self.names} and {other.names} cannot be merged: "
                "make both for one loss model."
            )
        joint = self.joint.merge(other.joint)
        return QuadraticMoments(self.names, self.centre, self.scale, joint=joint)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "names": list(self.names),
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
            "moments": joint_to_dict(self.joint),
        }

    @classmethod
    def from_dict(cls, body: Body) -> QuadraticMoments:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent, of a wrong type, or contradicts another.
        """
        names = document.texts(body, "names")
        centre, scale = document.numbers(body, "centre"), document.numbers(body, "scale")
        if not centre.size == scale.size == len(names) or np.any(scale < 0):
            document.refuse(body, "scale", "one number of 0 or more a name, or centre is not")
        joint = joint_from_dict(document.object_of(body, "moments"), tuple(names))
        return cls(names, centre, scale, joint=joint)
