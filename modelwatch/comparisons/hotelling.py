"""Hotelling's T2: whether the means of several features moved, their correlations considered."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.block_law import JointEffect, normal_scores
from modelwatch.comparisons.joint_reference import JointReference, JointStatistic
from modelwatch.sketches.joint_moments import JointMoments

__all__ = ["MeanShift", "hotelling", "mean_shift_scores"]

FloatArray = npt.NDArray[np.float64]

CONFIDENCE = 0.95
NEARLY_NORMAL = 1e4
"""Beyond, the root of a noncentral chi-square is normal of variance 1 to four digits."""


@dataclass(frozen=True)
class MeanShift(JointStatistic):
    """A shift of the means. Its value is the Mahalanobis distance, in standard deviations.

    Attributes:
        t2: Hotelling's statistic on independent rows, the distance squared over 1/n + 1/m.
        degrees: its degrees of freedom: directions in which the reference varies.
        feature: the one whose own mean moved most.
        shift: by how many of the reference's standard deviations that one moved.
    """

    t2: float | None = None
    degrees: int = 0
    feature: str = ""
    shift: float | None = None


def hotelling(
    reference: JointReference, current: JointMoments, effect: JointEffect | None = None
) -> MeanShift:
    """Return how far the means moved, and the chance of that.

    D2 = d' S^-1 d with d the difference of the means and S the reference's covariance (its pseudo-
    inverse over the directions in which the reference varies; movement in others is not seen).
    T2 = D2 / (1/n + 1/m) and T2 (m - p) / (p (m - 1)) has the F law of p and m - p degrees of
    freedom (Hotelling, 1931). With clusters 1/n becomes phi(n)/n, and m in the F law m / phi(m): of
    1,000 undrifted windows of autoregressions of .99 (30 features, 20,000 rows before), 13 to 31%
    were below 1 and 5% by m itself, and .1 and 1.5% are so. The interval of D is that of the
    noncentral chi-square law (95%). O(d**2).

    Args:
        reference: m rows.
        current: n rows of the same features.
        effect: what clusters do; None for independent rows.

    Returns:
        Without a p-value where either has at most d + 2 complete rows, one feature varies, the
        reference's rows are worth fewer than three independent ones for each direction, or a
        feature's variance is beyond ten times the reference's.

    Raises:
        ProfileMismatch: where the features differ.

    >>> rng = np.random.default_rng(0)
    >>> before, now = (JointMoments(["a", "b"], np.zeros(2)) for _ in range(2))
    >>> before.update(rng.normal(size=(1000, 2)))
    >>> now.update(rng.normal(size=(500, 2)) + [0.3, 0.0])
    >>> found = hotelling(JointReference.of(before), now)
    >>> found.feature, round(found.value, 2), found.p_value < 0.001
    ('a', 0.28, True)
    """
    sample = reference.standardise(current)
    if reason := reference.why_not(sample) or reference.why_wild(sample):
        return MeanShift(reason=reason)
    effect = JointEffect() if effect is None else effect
    worth = effect.independent_rows(reference.moments.n)
    if reason := reference.why_too_clustered(worth):
        return MeanShift(reason=reason)
    law, n, m, p = effect.mean, sample.n, reference.moments.n, reference.rank
    with np.errstate(over="ignore"):
        d2 = float(((sample.mean @ reference.whitening) ** 2).sum())
    if not math.isfinite(d2):
        return MeanShift(reason="the means are too far apart for a number")
    variance = law.variance(n, m)
    score = float(mean_shift_scores(d2 / variance, p, worth))
    lower, upper = _interval(d2, variance, p)
    most = int(np.argmax(np.abs(sample.mean)))
    return MeanShift(
        value=math.sqrt(d2),
        p_value=law.p_value(score, n, m),
        lower=lower,
        upper=upper,
        t2=d2 / (1 / n + 1 / m),
        degrees=p,
        feature=reference.moments.names[reference.used[most]],
        shift=float(sample.mean[most]),
    )


def mean_shift_scores(t2: npt.ArrayLike, degrees: int, rows: float) -> FloatArray:
    """Return normal scores of T2 about a covariance that so many rows gave."""
    from scipy import special  # a watched service loads this module, and never calls this

    ratio = np.asarray(t2) * (rows - degrees) / (degrees * (rows - 1))
    return normal_scores(special.fdtrc(degrees, rows - degrees, ratio))


def _interval(d2: float, variance: float, degrees: int) -> tuple[float, float]:
    from scipy import special

    if d2 <= 0:
        return 0.0, 0.0
    at = d2 / variance
    if at > NEARLY_NORMAL:
        width = float(special.ndtri((1 + CONFIDENCE) / 2)) * math.sqrt(variance)
        return math.sqrt(d2) - width, math.sqrt(d2) + width
    tail = (1 - CONFIDENCE) / 2
    ends = (float(special.chndtrinc(at, degrees, chance)) for chance in (1 - tail, tail))
    lower, upper = (math.sqrt(max(end, 0.0) * variance) for end in ends)
    return lower, upper
