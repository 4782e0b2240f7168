"""Two-sample chi-square."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from modelwatch.comparisons.chi_square import SMALLEST_EXPECTED, chi_square

pairs = st.integers(2, 8).flatmap(
    lambda size: st.tuples(
        *[st.lists(st.integers(5, 500), min_size=size, max_size=size) for _ in range(2)]
    )
)


@given(pairs)
def test_statistic_equals_scipys_contingency_table(pair: tuple[list[int], list[int]]) -> None:
    """Where no cell is too small: scipy's statistic and degrees of freedom."""
    expected = stats.chi2_contingency(np.array(pair), correction=False)
    assume(expected.expected_freq[1].min() >= SMALLEST_EXPECTED)
    found = chi_square(*pair)
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert found.degrees_of_freedom == expected.dof


@pytest.mark.parametrize(("p", "q"), [([0, 0], [3, 4]), ([3, 4], [0, 0]), ([9, 0], [5, 0])])
def test_nothing_to_compare_has_no_degrees_of_freedom(p: list[int], q: list[int]) -> None:
    """An empty side or a single cell gives a statistic of 0 with 0 degrees."""
    found = chi_square(p, q)
    assert (found.statistic, found.degrees_of_freedom) == (0.0, 0)


def test_one_row_in_a_new_cell_does_not_alarm() -> None:
    """A single new category among 200 rows is no evidence against a large reference."""
    found = chi_square([50_000, 50_000, 0], [100, 99, 1])
    assert stats.chi2.sf(found.statistic, found.degrees_of_freedom) > 0.2


def test_a_flood_in_a_new_cell_alarms() -> None:
    """A tenth of the rows in a cell that the reference never had is seen."""
    found = chi_square([50_000, 50_000, 0], [450, 450, 100])
    assert stats.chi2.sf(found.statistic, found.degrees_of_freedom) < 1e-6
