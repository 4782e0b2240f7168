"""Cells of a comparison."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from modelwatch.comparisons.cells import (
    MAX_CATEGORY_CELLS,
    category_counts,
    choose_cells,
    decile_starts,
)
from modelwatch.comparisons.chi_square import chi_square, chi_square_p_value
from modelwatch.comparisons.design_effect import DesignEffect


def test_cells_hold_a_tenth_each() -> None:
    """Deciles of 120 equal bins are 10 cells of 12 bins, the outer bins with their neighbours."""
    starts = decile_starts([0, *([10] * 120), 0])
    sums = np.add.reduceat([0, *([10] * 120), 0], starts)
    assert sums.tolist() == [120] * 10


def test_few_values_are_a_cell_each() -> None:
    """With ten distinct values or fewer, no two share a cell."""
    assert decile_starts([0, 900, 50, 50, 0]).tolist() == [0, 1, 2, 3, 4]


def test_a_heavy_bin_is_no_two_cells() -> None:
    """A value that holds several deciles is one cell; the others stay apart from it."""
    counts = [700, *([15] * 20)]
    sums = np.add.reduceat(counts, decile_starts(counts))
    assert sums[0] == 700
    assert sums.sum() == 1_000


def test_rare_and_new_categories_share_the_last_cell() -> None:
    """Beyond the most frequent, categories are counted together, and none is lost."""
    keys = [f"c{index:02}" for index in range(40) for _ in range(2 * (100 - index))]
    names, counts = choose_cells(keys)
    assert len(names) == MAX_CATEGORY_CELLS
    assert sum(counts) == len(keys) / 2
    found = category_counts({"c00": 5, "c39": 2, "new": 1}, 9, names)
    assert (found[0], found[-1], found.sum()) == (5, 4, 9)


def test_few_categories_are_counted_on_all_rows() -> None:
    """Nothing is chosen, so nothing is lost by choosing."""
    names, counts = choose_cells(["b", "a", "b", None])
    assert (names, counts) == (("b", "a"), (2, 1, 0))


@pytest.mark.parametrize(
    ("categories", "before", "now"), [(200, 2_000, 1_000), (500, 5_000, 5_000)]
)
def test_the_choice_raises_no_false_alarms(categories: int, before: int, now: int) -> None:
    """Of many equally frequent categories, undrifted samples alarm about as often as they should.

    Cells that are the most frequent of the rows that they are counted on alarm in most of them.
    """
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(500):
        reference = [str(key) for key in rng.integers(0, categories, before)]
        current = Counter(str(key) for key in rng.integers(0, categories, now))
        names, counts = choose_cells(reference)
        found = category_counts(current, now, names)
        result = chi_square(counts, found)
        alarms += (
            chi_square_p_value(result, now, sum(counts), DesignEffect().between(now, sum(counts)))
            < 0.05
        )
    assert alarms <= 40
