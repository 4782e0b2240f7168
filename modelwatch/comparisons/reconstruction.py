"""PCA reconstruction error: whether rows still lie where the reference's components put them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.block_law import JointEffect, normal_scores
from modelwatch.comparisons.joint_reference import JointReference, JointStatistic
from modelwatch.sketches.joint_moments import JointMoments

__all__ = ["ReconstructionDrift", "mean_error_scores", "reconstruction_drift"]

FloatArray = npt.NDArray[np.float64]

CONFIDENCE = 0.95
REFERENCE_WORTH = 0.5
"""The components waver with the rows that they are fitted to: the expected error is as uncertain
as if it came from half of the rows, where the leading eigenvalues are near the others (measured on
isotropic rows: .43 and .51 of them with 1,000 and 5,000; .7 where features are correlated)."""
MOST_LEFT_OUT = 0.25
"""Where a larger share of features is left out for tails too heavy, the others may be alike but for
luck, with variances that the reference shows too small: of 2,000 undrifted windows of log-normal(0,
.7) values, 10 were called drift."""
LEAST_ERROR = 1e-9
"""An expected error of at most this share of the variance is rounding: the components rebuild
everything, and there is nothing to measure a change against."""


@dataclass(frozen=True)
class ReconstructionDrift(JointStatistic):
    """A change of the reconstruction error.

    Its value is the mean squared error of a row, in the reference's variances summed over features:
    at most d without any drift.

    Attributes:
        root: the value's square root.
        expected: the error that new rows have without any change.
        components: how many leading components rebuild the rows.
    """

    root: float | None = None
    expected: float | None = None
    components: int = 0


def reconstruction_drift(
    reference: JointReference, current: JointMoments, effect: JointEffect | None = None
) -> ReconstructionDrift:
    """Return the mean squared reconstruction error, and the chance of one as far from expected.

    tr((I - V V') S) with V the leading components of the reference's correlations that carry 65%
    of their sum, and S the current second moments about the reference's means in its deviations.
    Two-sided; the mean of the rows' errors is judged by the gamma law of its mean and variance,
    which with clusters is that of the reference's blocks. The reference's own error is too small,
    as its components were fitted to it: the expected one is that of rows left out of the fit, or
    without an effect by the first-order term of Lawley (1956), which holds for independent normal
    rows. O(d**2).

    Args:
        reference: m rows.
        current: n rows of the same features.
        effect: what clusters and tails do; None for independent normal rows.

    Returns:
        Without a p-value where either has at most d + 2 complete rows, fewer than two features
        vary, the leading components rebuild all, the reference's rows are worth fewer than three
        independent ones for each direction, a feature's variance is beyond ten times the
        reference's, or a quarter of the features is left out of it.

    Raises:
        ProfileMismatch: where the features differ.

    >>> rng = np.random.default_rng(0)
    >>> before, now = (JointMoments(["a", "b"], np.zeros(2)) for _ in range(2))
    >>> rows = rng.normal(size=(1500, 1)) + 0.3 * rng.normal(size=(1500, 2))
    >>> before.update(rows[:1000])
    >>> now.update(rows[1000:] * [1.0, -1.0])
    >>> found = reconstruction_drift(JointReference.of(before), now)
    >>> round(found.expected, 2), round(found.value, 1), found.p_value < 0.001
    (0.09, 2.0, True)
    """
    sample = reference.standardise(current)
    if reason := reference.why_not(sample) or reference.why_wild(sample):
        return ReconstructionDrift(reason=reason)
    if len(reference.left_out) > MOST_LEFT_OUT * len(reference.moments.names):
        return ReconstructionDrift(reason="too many features have tails too heavy for variances")
    n, m = sample.n, reference.moments.n
    with np.errstate(over="ignore", invalid="ignore"):
        about = sample.covariance * ((n - 1) / n) + np.outer(sample.mean, sample.mean)
        value = max(float((reference.residual * about).sum()), 0.0)
    if not math.isfinite(value):
        return ReconstructionDrift(reason="the rows are too far apart for a number")
    effect = JointEffect() if effect is None else effect
    if reason := reference.why_too_clustered(effect.independent_rows(m)):
        return ReconstructionDrift(reason=reason)
    own = float(reference.eigenvalues[reference.components :].sum())
    excess = effect.error_excess
    expected = _expected(reference, own) if excess is None else own * excess
    shown = ReconstructionDrift(
        value=value, root=math.sqrt(value), expected=expected, components=reference.components
    )
    if expected <= LEAST_ERROR * reference.used.size:
        return _with(shown, reason="the leading components rebuild the reference entirely")
    variation = effect.error_variation
    variation = _normal_variance(reference) / expected**2 if variation is None else variation
    square = variation * effect.reconstruction.variance(n, REFERENCE_WORTH * m)
    score = float(mean_error_scores(value / expected, square))
    chance = effect.reconstruction.p_value(score, n, m, two_sided=True)
    return _with(shown, p_value=chance, ends=_interval(value, square))


def mean_error_scores(ratio: npt.ArrayLike, squared_variation: float) -> FloatArray:
    """Return normal scores of mean errors over their expectation.

    Args:
        ratio: the mean errors, over what is expected.
        squared_variation: the square of such a mean's coefficient of variation.
    """
    from scipy import special  # a watched service loads this module, and never calls this

    shape = 1 / squared_variation
    above = special.gammaincc(shape, shape * np.asarray(ratio))
    below = special.gammainc(shape, shape * np.asarray(ratio))
    return np.where(above < below, normal_scores(above), -normal_scores(below))


def _with(
    shown: ReconstructionDrift,
    *,
    p_value: float | None = None,
    ends: tuple[float | None, float | None] = (None, None),
    reason: str = "",
) -> ReconstructionDrift:
    return ReconstructionDrift(
        value=shown.value,
        p_value=p_value,
        lower=ends[0],
        upper=ends[1],
        reason=reason,
        root=shown.root,
        expected=shown.expected,
        components=shown.components,
    )


def _interval(value: float, squared_variation: float) -> tuple[float, float | None]:
    """Return the ends for the error that the current rows stand for, by the gamma law."""
    from scipy import special

    shape = 1 / squared_variation
    tail = (1 - CONFIDENCE) / 2
    high, low = (float(special.gammaincinv(shape, end)) / shape for end in (1 - tail, tail))
    return value / high, value / low if low > 0 else None


def _expected(reference: JointReference, own: float) -> float:
    """Return the error of new independent normal rows: the reference's own, and twice its bias."""
    k = reference.components
    values = reference.eigenvalues
    gaps = values[:k, None] - values[None, k:]
    with np.errstate(divide="ignore"):
        bias = float((values[:k, None] * values[None, k:] / gaps).sum()) / reference.moments.n
    return min(own + 2 * bias, max(float(values.size - k), own))


def _normal_variance(reference: JointReference) -> float:
    return 2 * float((reference.eigenvalues[reference.components :] ** 2).sum())
