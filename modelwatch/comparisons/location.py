"""Normal-score test of a shift, from counts on ordered bins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.design_effect import WindowEffect
from modelwatch.comparisons.smoothing import shares
from modelwatch.comparisons.window_effects import WindowEffects

__all__ = ["location_each", "location_p_value", "location_p_value_each", "normal_scores"]

FloatArray = npt.NDArray[np.float64]

INDEPENDENT_NU = 1.0


def normal_scores(reference: npt.ArrayLike) -> FloatArray:
    """Return the normal quantile of each bin's middle rank, with mean 0 and variance 1.

    Args:
        reference: counts on ordered bins, shape (..., bins).

    Returns:
        Scores of that shape, which weighted by the reference's shares have mean 0 and variance 1;
        zeros where only one bin is used.

    >>> normal_scores([1, 2, 1]).round(3).tolist()
    [-1.414, 0.0, 1.414]
    """
    from scipy import special  # a watched service loads this module, and never calls this

    counts = np.asarray(reference, dtype=np.float64)
    p = shares(counts, 0.0)
    ranks = np.cumsum(p, axis=-1) - p / 2
    nearest = 0.5 / np.maximum(counts.sum(axis=-1, keepdims=True), 1.0)
    scores = special.ndtri(np.clip(ranks, nearest, 1 - nearest))
    scores -= (p * scores).sum(axis=-1, keepdims=True)
    variance = (p * scores**2).sum(axis=-1, keepdims=True)
    return np.asarray(
        np.divide(scores, np.sqrt(variance), out=np.zeros_like(scores), where=variance > 1e-12)
    )


def location_each(scores: FloatArray, current: npt.ArrayLike) -> FloatArray:
    """Return each row's mean score: its shift in reference standard deviations, had it been normal.

    A linear rank statistic (van der Waerden, 1952): as efficient as the test of means on normal
    values, never less on others (Chernoff and Savage, 1958), and unmoved by far values.

    Args:
        scores: of the reference, shape (features, bins).
        current: counts on the same bins.
    """
    return np.asarray((scores * shares(current, 0.0)).sum(axis=-1))


def location_p_value(location: float, effect: WindowEffect) -> float:
    """Return the chance of a shift this large without any change, two-sided.

    Args:
        location: mean score of the current rows.
        effect: how much the squared location of the reference's blocks exceeds 1 / rows.

    >>> from modelwatch.comparisons.design_effect import DesignEffect
    >>> round(location_p_value(0.1, DesignEffect().between(1_000, 10_000)), 5)
    0.00257
    """
    return float(location_p_value_each(np.array([location]), WindowEffects.of([effect]))[0])


def location_p_value_each(locations: FloatArray, effects: WindowEffects) -> FloatArray:
    """Return `location_p_value` of each, shape (features,)."""
    from scipy import special  # a watched service loads this module, and never calls this

    ratios = locations**2 / effects.noise
    return effects.p_values(special.erfc(np.sqrt(ratios / 2)), ratios, INDEPENDENT_NU)
