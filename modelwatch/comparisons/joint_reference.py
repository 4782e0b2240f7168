"""What comparisons of joint moments need of the reference, prepared once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ProfileMismatch
from modelwatch.sketches.joint_moments import JointMoments

__all__ = ["JointReference", "JointStatistic", "StandardMoments"]

FloatArray = npt.NDArray[np.float64]

COMPONENT_SHARE = 0.65
"""Share of the variance that the leading components carry; the rest is what they must rebuild."""
EIGENVALUE_TOLERANCE = 1e-9
"""Directions whose variance is at most this share of the largest one's are taken for none: they
stand for features that follow from others, up to rounding."""
CONSTANT_ULPS = 8
"""A standard deviation of at most this many units in the last place of the mean is rounding."""


@dataclass(frozen=True)
class JointStatistic:
    """One comparison of several features together.

    Attributes:
        value: the statistic, None where it cannot be told.
        p_value: the chance of one as large without any change; None where it cannot be judged.
        lower: the lower end of the value's confidence interval, where there is one.
        upper: the upper end.
        reason: why there is no p-value; empty where there is one.
    """

    value: float | None = None
    p_value: float | None = None
    lower: float | None = None
    upper: float | None = None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class StandardMoments:
    """Moments in the reference's units: features minus its means, over its deviations.

    Attributes:
        n: rows.
        mean: shape (u,).
        covariance: shape (u, u), with the divisor n - 1.
    """

    n: int
    mean: FloatArray
    covariance: FloatArray


@dataclass(frozen=True, eq=False)
class JointReference:
    """A reference's moments, standardised and decomposed. Memory: some 40 * d**2 bytes.

    Attributes:
        moments: as given.
        used: the places of the u features that vary and have finite moments.
        scale: their standard deviations, shape (u,).
        correlation: shape (u, u).
        eigenvalues: of the correlations, decreasing, shape (u,).
        eigenvectors: their columns, shape (u, u).
        rank: how many eigenvalues are above the tolerance.
        components: how many leading ones carry `COMPONENT_SHARE` of the variance, u - 1 at most.

    >>> joint = JointMoments(["a", "b", "c"], np.zeros(3))
    >>> joint.update(np.array([[1.0, 2.0, 5.0], [2.0, 4.0, 5.0], [4.0, 8.0, 5.0]]))
    >>> reference = JointReference.of(joint)
    >>> reference.used.tolist(), reference.rank
    ([0, 1], 1)
    """

    moments: JointMoments
    used: npt.NDArray[np.intp]
    scale: FloatArray
    correlation: FloatArray
    eigenvalues: FloatArray
    eigenvectors: FloatArray
    rank: int
    components: int
    whitening: FloatArray
    """Turns standardised features into uncorrelated ones of variance 1, shape (u, rank)."""
    inverse: FloatArray
    """The pseudo-inverse of the correlations, shape (u, u)."""
    residual: FloatArray
    """Projects on what the leading components do not rebuild, shape (u, u)."""
    first: npt.NDArray[np.intp]
    """The first feature of each pair, counted among the used ones, shape (u (u - 1) / 2,)."""
    second: npt.NDArray[np.intp]

    @classmethod
    def of(cls, moments: JointMoments) -> JointReference:
        """Prepare a reference; features that are constant or not finite are left out."""
        n = moments.n
        with np.errstate(over="ignore", invalid="ignore"):
            mean = moments.shift + moments.mean_offset
            scale = np.sqrt(np.diag(moments.m2) / max(n - 1, 1))
            varies = scale > CONSTANT_ULPS * np.finfo(np.float64).eps * np.abs(mean)
            finite = np.isfinite(mean) & np.isfinite(scale)
        used = np.flatnonzero(varies & finite)
        scale = scale[used]
        correlation = moments.m2[np.ix_(used, used)] / np.outer(scale, scale) / max(n - 1, 1)
        values, vectors = np.linalg.eigh(correlation)
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        rank = int((values > EIGENVALUE_TOLERANCE * values.max(initial=0.0)).sum())
        components = _leading(values)
        leading = vectors[:, :components]
        whitening = vectors[:, :rank] / np.sqrt(values[:rank])
        first, second = np.triu_indices(used.size, 1)
        return cls(
            moments=moments,
            used=used,
            scale=scale,
            correlation=correlation,
            eigenvalues=values,
            eigenvectors=vectors,
            rank=rank,
            components=components,
            whitening=whitening,
            inverse=whitening @ whitening.T,
            residual=np.eye(used.size) - leading @ leading.T,
            first=first,
            second=second,
        )

    def standardise(self, current: JointMoments) -> StandardMoments:
        """Return other moments in this reference's units.

        Raises:
            ProfileMismatch: where the features differ.
        """
        mine = self.moments
        if current.names != mine.names:
            raise ProfileMismatch(
                f"joint moments of {current.names} cannot be compared with those of {mine.names}: "
                "give both the same features in the same order."
            )
        offset = (current.shift - mine.shift) + (current.mean_offset - mine.mean_offset)
        m2 = current.m2[np.ix_(self.used, self.used)]
        return StandardMoments(
            n=current.n,
            mean=offset[self.used] / self.scale,
            covariance=m2 / (max(current.n - 1, 1) * np.outer(self.scale, self.scale)),
        )

    def why_not(self, sample: StandardMoments) -> str:
        """Say why a sample cannot be judged, with the empty text where it can."""
        least = self.used.size + 3
        if self.used.size < 2:
            return f"{self.used.size} features of the reference vary: two are needed"
        if self.moments.n < least:
            return f"the reference has {self.moments.n} complete rows: {least} are needed"
        if sample.n < least:
            return f"{sample.n} complete rows: {least} are needed"
        if not (np.isfinite(sample.mean).all() and np.isfinite(sample.covariance).all()):
            return "the moments are not finite"
        return ""


def _leading(eigenvalues: FloatArray) -> int:
    if eigenvalues.size < 2:
        return 0
    share = np.cumsum(eigenvalues) / eigenvalues.sum()
    return min(int(np.searchsorted(share, COMPONENT_SHARE - 1e-12)) + 1, eigenvalues.size - 1)
