"""What comparisons of joint moments need of the reference, prepared once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ProfileMismatch
from modelwatch.sketches.joint_moments import JointMoments

__all__ = ["JointReference", "JointStatistic", "StandardMoments", "too_heavy_tailed"]

FloatArray = npt.NDArray[np.float64]

COMPONENT_SHARE = 0.65
"""Share of the variance that the leading components carry; the rest is what they must rebuild."""
EIGENVALUE_TOLERANCE = 1e-9
"""Directions whose variance is at most this share of the largest one's are taken for none: they
stand for features that follow from others, up to rounding."""
WORTH_PER_DIRECTION = 3
"""Rows that are worth fewer independent ones than this many times the rank tell no covariance: the
reference's own rows lie within it, all later ones far outside. Of 1,000 undrifted windows of 500
rows of 30 features that follow autoregressions of .99, 656 were called drift of the mean after
5,000 rows (worth 26)."""
KURTOSIS_LIMIT = 16.0
"""Features whose fourth central moment over the squared variance is above it are not judged
together with others: a few rows make their variances. Normal values have 3, exponential ones 9;
2,000 to 5,000 log-normal(0, 1) ones had 12 to 2,700."""
VARIANCE_LIMIT = 10.0
"""Current variances beyond this many of the reference's may come from one row, such as a sentinel
that the reference never held; moments alone cannot tell."""
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
        used: the places of the u features that vary, have finite moments, and are not left out.
        left_out: names of those that are.
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
    left_out: tuple[str, ...]
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
    def of(cls, moments: JointMoments, left_out: Collection[str] = ()) -> JointReference:
        """Prepare a reference; features that are constant or not finite are passed over.

        Args:
            moments: of the reference's rows.
            left_out: features that are not to be judged, as those beyond `KURTOSIS_LIMIT`.
        """
        n = moments.n
        with np.errstate(over="ignore", invalid="ignore"):
            mean = moments.shift + moments.mean_offset
            scale = np.sqrt(np.diag(moments.m2) / max(n - 1, 1))
            varies = scale > CONSTANT_ULPS * np.finfo(np.float64).eps * np.abs(mean)
            finite = np.isfinite(mean) & np.isfinite(scale)
        wanted = np.array([name not in left_out for name in moments.names], dtype=np.bool_)
        used = np.flatnonzero(varies & finite & wanted)
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
            left_out=tuple(name for name in moments.names if name in left_out),
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
            return f"{self.used.size} features of the reference can be judged: two are needed"
        if self.moments.n < least:
            return f"the reference has {self.moments.n} complete rows: {least} are needed"
        if sample.n < least:
            return f"{sample.n} complete rows: {least} are needed"
        if not (np.isfinite(sample.mean).all() and np.isfinite(sample.covariance).all()):
            return "the moments are not finite"
        return ""

    def is_wild(self, sample: StandardMoments) -> npt.NDArray[np.bool_]:
        """Tell which of the u features have a variance that a few rows may make, shape (u,)."""
        return np.asarray(np.diag(sample.covariance) > VARIANCE_LIMIT)

    def why_wild(self, sample: StandardMoments) -> str:
        """Name the features that a few rows may have moved, with the empty text without any."""
        wild = [self.moments.names[at] for at in self.used[self.is_wild(sample)]]
        if not wild:
            return ""
        return (
            f"more than {VARIANCE_LIMIT:.0f} times the reference's variance, as a few extreme rows "
            f"can make it: {', '.join(wild)}"
        )

    def why_too_clustered(self, worth: float) -> str:
        """Say why rows worth so few independent ones tell no covariance, empty where they do."""
        least = WORTH_PER_DIRECTION * self.rank
        if worth >= least:
            return ""
        return (
            f"the reference's rows are worth {worth:.0f} independent ones: for {self.rank} "
            f"features together {least} are needed"
        )


def too_heavy_tailed(kurtoses: Mapping[str, float | None]) -> tuple[str, ...]:
    """Return the features whose variances say too little to judge them together with others.

    Args:
        kurtoses: fourth central moment over the squared variance by feature; None where unknown.

    >>> too_heavy_tailed({"normal": 3.0, "exponential": 9.0, "with a sentinel": 2000.0, "?": None})
    ('with a sentinel',)
    """
    return tuple(name for name, of in kurtoses.items() if of is not None and of > KURTOSIS_LIMIT)


def _leading(eigenvalues: FloatArray) -> int:
    if eigenvalues.size < 2:
        return 0
    share = np.cumsum(eigenvalues) / eigenvalues.sum()
    return min(int(np.searchsorted(share, COMPONENT_SHARE - 1e-12)) + 1, eigenvalues.size - 1)
