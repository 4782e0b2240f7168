"""Cells of a comparison."""

from __future__ import annotations

import numpy as np

from modelwatch.comparisons.cells import (
    MAX_CATEGORY_CELLS,
    category_counts,
    decile_starts,
    main_categories,
)


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
    reference = {f"c{index:02}": 100 - index for index in range(40)}
    names = main_categories(reference)
    assert len(names) == MAX_CATEGORY_CELLS
    found = category_counts({"c00": 5, "c39": 2, "new": 1}, 9, names)
    assert (found[0], found[-1], found.sum()) == (5, 4, 9)
