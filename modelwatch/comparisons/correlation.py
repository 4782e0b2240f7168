"""Correlation drift: which pairs of features go together otherwise than they did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.block_law import JointEffect, normal_scores
from modelwatch.comparisons.joint_reference import (
    JointReference,
    JointStatistic,
    StandardMoments,
)
from modelwatch.sketches.joint_moments import JointMoments

__all__ = [
    "CorrelationDrift",
    "correlation_drift",
    "fisher_z",
    "largest_change_scores",
    "pair_factors",
]

FloatArray = npt.NDArray[np.float64]

CONFIDENCE = 0.95
NEARLY_ONE = 1 - 1e-9
"""Correlations beyond are taken for this one: what is left to 1 is rounding."""
LEAST_SPREAD = 1e-12
"""Features whose standard deviation is this share of the reference's no longer vary."""
FISHER_LOSS = 3
"""The variance of Fisher's z of n independent normal rows is 1 / (n - 3)."""


@dataclass(frozen=True)
class CorrelationDrift(JointStatistic):
    """A change of correlations. Its value is the largest change of one, signed, in [-2, 2].

    The interval is of that change (95%, for this pair alone).

    Attributes:
        pair: the two features whose correlation changed most.
        before: their correlation in the reference.
        now: their correlation in the current rows.
        clearest: the pair of the largest studentised change, which decides the p-value.
        z: the studentised change of each pair, shape (u, u), 0 on the diagonal and where a feature
            no longer varies.
        features: the u features that `z` is about.
    """

    pair: tuple[str, str] | None = None
    before: float | None = None
    now: float | None = None
    clearest: tuple[str, str] | None = None
    z: FloatArray = field(default_factory=lambda: np.empty((0, 0)), compare=False, repr=False)
    features: tuple[str, ...] = ()


def correlation_drift(
    reference: JointReference, current: JointMoments, effect: JointEffect | None = None
) -> CorrelationDrift:
    """Return the largest change of a correlation, and the chance of the clearest one.

    Per pair, z = (atanh r - atanh r_ref) / sqrt(phi(n) / (n - 3) + phi(m) / (m - 3)), after Fisher
    (1921); phi is that of all pairs times both features' noise, and at least 1.
    Features whose variance is beyond ten times the reference's are passed over.
    The p-value is that of the largest |z| among K pairs, 1 - (1 - 2 Phi(-|z|))^K on independent
    normal rows. O(d**2).

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
    >>> now.update(rng.normal(size=(500, 2)) @ [[1.0, 0.3], [0.0, 1.0]])
    >>> found = correlation_drift(JointReference.of(before), now)
    >>> found.pair, round(found.value, 2), found.p_value < 0.001
    (('a', 'b'), 0.28, True)
    """
    sample = reference.standardise(current)
    if reason := reference.why_not(sample):
        return CorrelationDrift(reason=reason)
    i, j = reference.first, reference.second
    now, before = _correlations(sample, i, j), reference.correlation[i, j]
    wild = reference.is_wild(sample)
    judged = ~(np.isnan(now) | wild[i] | wild[j])
    if not judged.any():
        few = "fewer than two features vary in the current rows"
        return CorrelationDrift(reason=reference.why_wild(sample) or few)
    effect = JointEffect() if effect is None else effect
    law, noise = effect.correlation, effect.correlation_noise
    noise = tuple(noise[at] for at in reference.used) if noise else ()
    variance_now, variance_before = (
        pair_factors(noise, law.phi_at(rows), i, j) / (rows - FISHER_LOSS)
        for rows in (sample.n, reference.moments.n)
    )
    change = np.where(judged, now - before, 0.0)
    z = (fisher_z(now) - fisher_z(before)) / np.sqrt(variance_now + variance_before)
    z = np.where(judged, z, 0.0)
    most, clearest = int(np.argmax(np.abs(change))), int(np.argmax(np.abs(z)))
    score = largest_change_scores(abs(z[clearest]), int(judged.sum()))
    lower, upper = _interval(
        (float(before[most]), math.sqrt(variance_before[most])),
        (float(now[most]), math.sqrt(variance_now[most])),
    )
    names = tuple(reference.moments.names[at] for at in reference.used)
    return CorrelationDrift(
        value=float(change[most]),
        p_value=law.p_value(float(score), sample.n, reference.moments.n),
        lower=lower,
        upper=upper,
        pair=(names[i[most]], names[j[most]]),
        before=float(before[most]),
        now=float(now[most]),
        clearest=(names[i[clearest]], names[j[clearest]]),
        z=_square(z, i, j),
        features=names,
    )


def fisher_z(correlations: FloatArray) -> FloatArray:
    """Return atanh r, finite at 1 and -1 too.

    >>> fisher_z(np.array([0.0, 0.5, 1.0])).round(3).tolist()
    [0.0, 0.549, 10.708]
    """
    return np.asarray(np.arctanh(np.clip(correlations, -NEARLY_ONE, NEARLY_ONE)))


def largest_change_scores(largest: npt.ArrayLike, pairs: npt.ArrayLike) -> FloatArray:
    """Return the normal scores of the largest |z| among so many pairs."""
    from scipy import special  # a watched service loads this module, and never calls this

    one = np.maximum(2 * special.ndtr(-np.asarray(largest)), np.finfo(np.float64).tiny)
    return normal_scores(-np.expm1(np.asarray(pairs) * np.log1p(-np.minimum(one, 1 - 1e-16))))


def pair_factors(
    noise: Sequence[float],
    phi: float | None,
    first: npt.NDArray[np.intp],
    second: npt.NDArray[np.intp],
) -> FloatArray:
    """Return the factor of each pair's variance, not below that of independent normal rows.

    Args:
        noise: the features' factors; empty where they are alike.
        phi: of all pairs; None for the products of the features' factors alone.
        first: the first feature of each pair.
        second: the second one.
    """
    factors = np.asarray(noise)
    pairs = factors[first] * factors[second] if noise else np.ones(first.size)
    return np.asarray(pairs if phi is None else np.maximum(phi * pairs, 1.0))


def _correlations(
    sample: StandardMoments, first: npt.NDArray[np.intp], second: npt.NDArray[np.intp]
) -> FloatArray:
    """Return the pairs' correlations, NaN where a feature does not vary."""
    scale = np.sqrt(np.maximum(np.diag(sample.covariance), 0.0))
    rounding = sample.n * np.finfo(np.float64).eps * np.abs(sample.mean)  # of a sum of equal values
    scale = np.where(scale > np.maximum(rounding, LEAST_SPREAD), scale, np.nan)
    return np.asarray(sample.covariance[first, second] / (scale[first] * scale[second]))


def _interval(before: tuple[float, float], now: tuple[float, float]) -> tuple[float, float]:
    """Return the ends for a difference of correlations, from the ends of each (Zou, 2007)."""
    from scipy import special

    width = float(special.ndtri((1 + CONFIDENCE) / 2))
    (r1, low1, high1), (r2, low2, high2) = (
        (r, *(math.tanh(float(fisher_z(np.array(r))) + side * width * error) for side in (-1, 1)))
        for r, error in (before, now)
    )
    change = r2 - r1
    return (
        change - math.hypot(r2 - low2, high1 - r1),
        change + math.hypot(high2 - r2, r1 - low1),
    )


def _square(
    values: FloatArray, first: npt.NDArray[np.intp], second: npt.NDArray[np.intp]
) -> FloatArray:
    size = int(second.max()) + 1
    square = np.zeros((size, size))
    square[first, second] = square[second, first] = values
    return square
