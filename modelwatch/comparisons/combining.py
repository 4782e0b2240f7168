"""One p-value of several tests of the same thing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.p_values import checked_p_values
from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import number

__all__ = [
    "bonferroni_adjusted",
    "cauchy_combination",
    "cauchy_combination_each",
    "weighted_bonferroni",
]

FloatArray = npt.NDArray[np.float64]

LARGEST_P = 0.9
"""Larger p-values count as this: a discrete test's 1.0 would silence the others."""

SMALLEST_P = 1e-300


def cauchy_combination(p_values: Sequence[float]) -> float:
    """Return the combined p-value of tests that may depend on each other in any way.

    Each p-value is turned into a standard Cauchy value, of which the mean is one again; in the tail
    this hardly depends on how the tests are related (Liu and Xie, Journal of the American
    Statistical Association, 2020). Nearly as small as the smallest of them times their number, and
    smaller where they agree.

    Args:
        p_values: at least one, each in [0, 1].

    Raises:
        ConfigurationError: where there is none, or one is out of range.

    >>> round(cauchy_combination([0.01, 0.01, 0.01]), 6), round(cauchy_combination([0.01, 0.9]), 4)
    (0.01, 0.0221)
    """
    checked = checked_p_values(p_values)
    if not checked:
        raise ConfigurationError("p_values is empty: give one at least.")
    return float(cauchy_combination_each(np.array([checked]))[0])


def cauchy_combination_each(p_values: FloatArray) -> FloatArray:
    """Return `cauchy_combination` of each row, shape (rows,).

    Args:
        p_values: shape (rows, tests); NaN where a test was not made, one in each row was.
    """
    clipped = np.clip(p_values, SMALLEST_P, LARGEST_P)
    values = 1.0 / np.tan(math.pi * clipped)
    made = np.count_nonzero(~np.isnan(p_values), axis=1)
    return np.asarray(np.arctan2(1.0, np.nansum(values, axis=1) / made) / math.pi)


def weighted_bonferroni(p_values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the p-value of the smallest of several tests, each with its share of the level.

    Valid however the tests depend on each other; a test with most of the weight loses little.

    Args:
        p_values: each in [0, 1].
        weights: of that length, above 0; scaled to the sum 1.

    Raises:
        ConfigurationError: where a p-value or a weight is out of range, or lengths differ.

    >>> round(weighted_bonferroni([0.018, 0.5], [0.9, 0.1]), 12)
    0.02
    """
    found = checked_p_values(p_values)
    shares = [
        weight
        if type(weight) is float and 0.0 < weight < math.inf
        else number(f"weights[{at}]", weight, above=0.0)
        for at, weight in enumerate(weights)
    ]
    if len(shares) != len(found):
        raise ConfigurationError(
            f"weights are {len(shares)} for {len(found)} p-values: give one for each."
        )
    adjusted = bonferroni_adjusted(np.array([found]), np.array(shares))
    return float(adjusted.min(initial=1.0))


def bonferroni_adjusted(p_values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return p-values over each test's share of the level; the least is `weighted_bonferroni`.

    Args:
        p_values: shape (rows, tests); NaN where a test was not made, whose weight the others share.
        weights: shape (tests,).
    """
    total = np.where(np.isnan(p_values), 0.0, weights).sum(axis=1, keepdims=True)
    return np.asarray(np.minimum(p_values * total / weights, 1.0))
