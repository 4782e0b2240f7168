"""The divergence of two normal laws: means, variances and correlations at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.block_law import BlockLaw, JointEffect, normal_scores
from modelwatch.comparisons.joint_reference import JointReference, JointStatistic
from modelwatch.sketches.joint_moments import JointMoments

__all__ = ["GaussianKL", "divergence_scores", "expected_divergence", "gaussian_kl"]

FloatArray = npt.NDArray[np.float64]

LEAST_VARIANCE = 1e-12
"""Directions that the current rows leave, with a variance of less than this share of the
reference's, are given this one: the divergence would be infinite."""


@dataclass(frozen=True)
class GaussianKL(JointStatistic):
    """The divergence of the current normal law from the reference's, in nats.

    Attributes:
        expected: the one to expect of so many independent normal rows without any change.
        degrees: directions in which the reference varies.
    """

    expected: float | None = None
    degrees: int = 0


def gaussian_kl(
    reference: JointReference, current: JointMoments, effect: JointEffect | None = None
) -> GaussianKL:
    """Return KL(current | reference) of two normal laws, and the chance of one as large.

    (tr S0^-1 S + d' S0^-1 d - p - ln det S0^-1 S) / 2 with d the difference of the means, S and S0
    the covariances and p the directions in which the reference varies (Kullback, 1959). Judged by
    the gamma law of its mean and variance on independent normal rows, which are those of Wishart
    matrices. O(d**3) for one determinant.

    Args:
        reference: m rows.
        current: n rows of the same features.
        effect: what clusters and tails do; None for independent normal rows.

    Returns:
        Without a p-value where either has at most d + 2 complete rows, or fewer than two features
        vary.

    Raises:
        ProfileMismatch: where the features differ.

    >>> rng = np.random.default_rng(0)
    >>> before, now = (JointMoments(["a", "b"], np.zeros(2)) for _ in range(2))
    >>> before.update(rng.normal(size=(1000, 2)))
    >>> now.update(2 * rng.normal(size=(500, 2)))
    >>> found = gaussian_kl(JointReference.of(before), now)
    >>> round(found.value, 1), round(found.expected, 4), found.p_value < 0.001
    (1.5, 0.0075, True)
    """
    sample = reference.standardise(current)
    if reason := reference.why_not(sample):
        return GaussianKL(reason=reason)
    law = BlockLaw() if effect is None else effect.gaussian_kl
    n, m, p = sample.n, reference.moments.n, reference.rank
    with np.errstate(over="ignore", invalid="ignore"):
        twice = float(twice_divergence(reference, sample.mean[None], sample.covariance[None])[0])
    if not math.isfinite(twice):
        return GaussianKL(reason="the rows are too far apart for a number")
    exact, both = expected_divergence(p, n), expected_divergence(p, n, m)
    against = exact * law.phi_at(n) + (both - exact) * law.phi_at(m)
    score = float(divergence_scores(twice / against, p, 1 / (1 / n + 1 / m)))
    return GaussianKL(
        value=twice / 2, p_value=law.p_value(score, n, m), expected=both / 2, degrees=p
    )


def twice_divergence(
    reference: JointReference, means: FloatArray, covariances: FloatArray
) -> FloatArray:
    """Return twice the divergence of several standardised moments, (b, u) and (b, u, u)."""
    p = reference.rank
    whitening = reference.whitening
    moved = ((means @ whitening) ** 2).sum(axis=1)
    traces = (covariances * reference.inverse).sum(axis=(1, 2))
    inside = covariances
    if p < reference.used.size:
        vectors = reference.eigenvectors[:, :p]
        inside = vectors.T @ covariances @ vectors
    signs, logarithms = np.linalg.slogdet(inside)
    logarithms = logarithms - np.log(reference.eigenvalues[:p]).sum()
    for at in np.flatnonzero((signs <= 0) | (logarithms < math.log(LEAST_VARIANCE))):
        logarithms[at] = _bounded_logarithm(whitening.T @ covariances[at] @ whitening)
    return np.asarray(traces + moved - p - logarithms)


def _bounded_logarithm(covariance: FloatArray) -> float:
    """Return ln det of a whitened covariance that may be singular."""
    if not np.isfinite(covariance).all():
        return math.nan
    values = np.linalg.eigvalsh(covariance)
    return float(np.log(np.maximum(values, LEAST_VARIANCE)).sum())


def expected_divergence(degrees: int, rows: int, reference_rows: int | None = None) -> float:
    """Return the mean of twice the divergence of independent normal rows; m = None for infinite."""
    p, n = degrees, rows
    if reference_rows is None:
        return p / n - _log_determinant(p, n)
    m = reference_rows
    trace = p * (m - 1) / (m - p - 2) * (1 + 1 / n + 1 / m)
    return trace - p + _log_determinant(p, m) - _log_determinant(p, n)


def _log_determinant(degrees: int, rows: int) -> float:
    """Return the mean of ln det of a sample covariance of true covariance 1."""
    from scipy import special  # a watched service loads this module, and never calls this

    halves = (rows - np.arange(1, degrees + 1)) / 2
    return float(special.psi(halves).sum() + degrees * math.log(2 / (rows - 1)))


def divergence_scores(ratio: npt.ArrayLike, degrees: int, rows: float) -> FloatArray:
    """Return normal scores of divergences over their expectation, for so many rows."""
    from scipy import special

    p, n = degrees, max(rows, degrees + 2.0)
    halves = (n - np.arange(1, p + 1)) / 2
    variance = float(special.polygamma(1, halves).sum()) - 2 * p / (n - 1) + 2 * p / n**2
    mean = p / n - float(special.psi(halves).sum()) - p * math.log(2 / (n - 1))
    shape = mean**2 / variance
    return normal_scores(special.gammaincc(shape, shape * np.asarray(ratio)))
