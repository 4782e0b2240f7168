"""How far a whole row may be from the baseline's mean, by the measure of its own spread.

A row may have no value beyond its limits and still be unlike all others, where the values do not go
together. The Mahalanobis (1936) distance, the square root of (x - m)' S^-1 (x - m) with the mean m
and the covariance S of the baseline, is large then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.sketches import JointMoments

__all__ = ["DistanceLimit"]

FloatArray = npt.NDArray[np.float64]

RIDGE = 1e-3
"""Added to each variance, as a share of it, so that features which follow from others exactly leave
a small distance in place of none: a break of what holds between them is then seen."""


@dataclass(frozen=True, eq=False)
class DistanceLimit:
    """The squared Mahalanobis distance beyond which a row is an outlier. Immutable, thread-safe.

    Cost: d**2 multiplications a row; memory 8 * d**2 bytes.

    Attributes:
        names: the d numeric features, in the order of the values.
        mean: shape (d,).
        precision: the inverse of the covariance, shape (d, d).
        limit: the largest squared distance that is no outlier.

    >>> rows = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 1_000)
    >>> joint = JointMoments(["x", "y"], np.zeros(2))
    >>> joint.update(rows)
    >>> distance = DistanceLimit.of(joint, 30.0)
    >>> distance.outlier([2.0, 2.0]), distance.outlier([2.0, -1.9])
    (None, 'x')
    """

    names: tuple[str, ...]
    mean: FloatArray
    precision: FloatArray
    limit: float

    @classmethod
    def of(cls, joint: JointMoments, limit: float) -> DistanceLimit:
        """Return the limit about the mean of these moments; those of two rows or more."""
        covariance = joint.m2 / (joint.n - 1)
        variances = np.diag(covariance)
        # What did not vary at all has no measure of its own; its own limits see to it.
        spread = np.where(variances > 0.0, variances, np.inf)
        scale = 1.0 / np.sqrt(spread)
        size = len(joint.names)
        correlation = covariance * np.outer(scale, scale) + RIDGE * np.eye(size)
        correlation[np.diag_indices(size)] = 1.0 + RIDGE
        precision = np.linalg.inv(correlation) * np.outer(scale, scale)
        return cls(joint.names, joint.shift + joint.mean_offset, precision, limit)

    def squares(self, rows: FloatArray) -> FloatArray:
        """Return each row's squared distance, shape (n,), of rows of shape (n, d)."""
        offsets = rows - self.mean
        return np.asarray(np.einsum("ij,ij->i", offsets @ self.precision, offsets))

    def outlier(self, values: Sequence[float]) -> str | None:
        """Return the feature that adds the most to a row's distance; None where it is not too far.

        A row with a missing value has no distance.
        """
        offsets = np.array(values, dtype=np.float64) - self.mean
        parts = (self.precision @ offsets) * offsets
        if not float(parts.sum()) > self.limit:
            return None
        return self.names[int(parts.argmax())]

    def outliers(self, rows: FloatArray) -> tuple[npt.NDArray[np.bool_], Counter[str]]:
        """Tell which rows are too far, and of how many of them each feature adds the most.

        Args:
            rows: shape (n, d); those with a NaN have no distance.
        """
        offsets = rows - self.mean
        parts = (offsets @ self.precision) * offsets
        is_far = parts.sum(axis=1) > self.limit
        most = parts[is_far].argmax(axis=1)
        return is_far, Counter(self.names[place] for place in most.tolist())
