"""What p-values must be: whatever is none is refused, by all that takes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelwatch.comparisons.combining import cauchy_combination, weighted_bonferroni
from modelwatch.comparisons.false_discovery import benjamini_hochberg
from modelwatch.comparisons.p_values import checked_p_values
from modelwatch.errors import ConfigurationError

TAKERS: dict[str, Callable[[Any], object]] = {
    "benjamini_hochberg": benjamini_hochberg,
    "cauchy_combination": cauchy_combination,
    "weighted_bonferroni": lambda p_values: weighted_bonferroni(p_values, [1.0] * len(p_values)),
}


@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS.keys())
@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan, "a", None, [0.5]], ids=repr)
def test_what_is_no_p_value_is_refused(take: Callable[[Any], object], wrong: Any) -> None:
    """The message says which of them it is."""
    with pytest.raises(ConfigurationError, match=r"p_values\[1\] is "):
        take([0.5, wrong])


def test_no_p_value_at_all_cannot_be_combined() -> None:
    """But none can be adjusted."""
    with pytest.raises(ConfigurationError, match="p_values is empty"):
        cauchy_combination([])
    assert benjamini_hochberg([]) == []


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [1.0, -1.0], [1.0, "a"], [1.0, math.nan]])
def test_what_is_no_weight_is_refused(weights: Any) -> None:
    """One each, above zero."""
    with pytest.raises(ConfigurationError, match="weights"):
        weighted_bonferroni([0.5, 0.5], weights)


def test_arrays_are_taken_too() -> None:
    """As plain numbers."""
    assert checked_p_values(np.array([0.25, 1.0])) == [0.25, 1.0]
