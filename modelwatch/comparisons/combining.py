"""One p-value of several tests of the same thing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from modelwatch.comparisons.p_values import checked_p_values
from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import number

__all__ = ["cauchy_combination", "weighted_bonferroni"]

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
    clipped = [min(max(p, SMALLEST_P), LARGEST_P) for p in checked_p_values(p_values)]
    if not clipped:
        raise ConfigurationError("p_values is empty: give one at least.")
    mean = sum(1.0 / math.tan(math.pi * p) for p in clipped) / len(clipped)
    return math.atan2(1.0, mean) / math.pi


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
    total = sum(shares)
    return min(1.0, *(p * total / w for p, w in zip(found, shares, strict=True)), 1.0)
