"""Benjamini-Hochberg."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from modelwatch.comparisons.false_discovery import benjamini_hochberg


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_adjusted_values_equal_scipys(p_values: list[float]) -> None:
    """The adjusted p-values are scipy's, in the order given."""
    assert benjamini_hochberg(p_values) == pytest.approx(
        stats.false_discovery_control(p_values).tolist()
    )


def test_no_tests_no_values() -> None:
    """Nothing tested, nothing adjusted."""
    assert benjamini_hochberg([]) == []
