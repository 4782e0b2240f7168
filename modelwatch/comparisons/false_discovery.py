"""Control of the false discovery rate over many features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelwatch.comparisons.p_values import checked_p_values

__all__ = ["benjamini_hochberg"]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return each p-value adjusted for how many there are (Benjamini and Hochberg, 1995).

    Calling all with an adjusted value of at most q a discovery keeps the expected share of false
    ones at q or below, for independent or positively dependent tests.

    Args:
        p_values: each in [0, 1].

    Raises:
        ConfigurationError: where one is not.

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    """
    p = np.array(checked_p_values(p_values))
    if not p.size:
        return []
    order = np.argsort(-p, kind="stable")
    ranks = np.arange(p.size, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum.accumulate(p[order] * p.size / ranks)
    return [float(value) for value in np.minimum(adjusted, 1.0)]
