"""Errors by cells of features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import FormatError, ProfileMismatch
from modelwatch.performance.error_cells import (
    LARGEST_ERROR,
    MAX_CELLS,
    ErrorCells,
    FeatureCells,
    numeric_cells,
)

AMOUNT = FeatureCells(name="amount", bin_edges=(1.0, 5.0))
SHOP = FeatureCells(name="shop", categories=("new", "old"))
FEATURES = (AMOUNT, SHOP)

Rows = list[tuple[int, float]]
rows_lists = st.lists(
    st.tuples(st.integers(0, 3), st.one_of(st.floats(0, 100), st.just(float("nan")))), max_size=30
)


def counted(rows: Rows) -> ErrorCells:
    """Fold in rows by their cells of both features."""
    cells = ErrorCells(FEATURES)
    codes = np.array([cell for cell, _ in rows], dtype=np.intp)
    errors = np.array([error for _, error in rows], dtype=np.float64)
    cells.update({"amount": codes, "shop": codes[::-1]}, errors)
    return cells


@given(rows_lists, rows_lists)
def test_merging_adds_and_taking_away_undoes_it_to_the_last_digit(a: Rows, b: Rows) -> None:
    """Sums are whole numbers: nothing is left behind, whatever the order."""
    whole = counted(a).merge(counted(b))
    assert whole.sums.tolist() == counted(b).merge(counted(a)).sums.tolist()
    assert whole.without(counted(b)).sums.tolist() == counted(a).sums.tolist()
    assert ErrorCells.from_dict(whole.to_dict(), FEATURES).sums.tolist() == whole.sums.tolist()


@given(rows_lists)
def test_means_and_variances_are_those_of_the_rows(rows: Rows) -> None:
    """To the unit of the sums; an error beyond the largest counts as that."""
    cells = counted(rows)
    for cell in range(4):
        errors = [min(one, LARGEST_ERROR) for at, one in rows if at == cell and one == one]
        assert cells.rows("amount")[cell] == len(errors)
        if errors:
            assert cells.means("amount")[cell] == pytest.approx(np.mean(errors), abs=2**-15)
            assert cells.variances("amount")[cell] == pytest.approx(np.var(errors), abs=0.01)


def test_cells_of_numbers_and_categories() -> None:
    """Bins end at their edges; missing is the last cell, other categories the one before."""
    numbers = np.array([0.0, 1.0, 1.1, 5.0, 9.0, np.nan])
    assert AMOUNT.of_numbers(numbers).tolist() == [0, 0, 1, 1, 2, 3]
    assert SHOP.of_codes(np.array([0, 1, 2, -1])).tolist() == [0, 1, 2, 3]
    assert (AMOUNT.size, SHOP.size) == (4, 4)


@pytest.mark.parametrize(
    ("counts", "edges"),
    [
        ([10] * 100, tuple(float(at) for at in range(10, 100, 10))),
        ([0] * 50 + [10] * 50, tuple(float(at) for at in range(55, 100, 5))),
        ([500] + [1] * 98 + [500], (1.0, 99.0)),
        ([0] * 100, ()),
    ],
    ids=["even", "half empty", "two values", "empty"],
)
def test_edges_lie_near_the_deciles(counts: list[int], edges: tuple[float, ...]) -> None:
    """On edges that the baseline has, none twice, and none without rows on either side."""
    found = numeric_cells("x", np.arange(1.0, 100.0), np.array(counts))
    assert found.size <= MAX_CELLS
    assert set(found.bin_edges) >= set(edges[:1])
    if len(edges) != 2:
        assert found.bin_edges == edges


def test_a_constant_has_one_bin() -> None:
    """There is nothing to cut at."""
    assert numeric_cells("x", np.empty(0), np.array([5])).bin_edges == ()


def test_other_cells_do_not_go_together() -> None:
    """Nor can more be taken than there is."""
    with pytest.raises(ProfileMismatch, match="different cells"):
        counted([]).merge(ErrorCells([SHOP]))
    with pytest.raises(ProfileMismatch, match="never counted"):
        counted([]).without(counted([(0, 1.0)]))
    with pytest.raises(ProfileMismatch, match="do not fit"):
        ErrorCells(FEATURES, np.zeros((3, 1, MAX_CELLS), np.int64))


@pytest.mark.parametrize(
    "body",
    [{"nobody": [0] * 36}, {"amount": [0] * 35}, {"amount": [-1] * 36}, {"amount": "a"}],
    ids=["unknown", "short", "negative", "text"],
)
def test_damaged_sums_are_refused(body: dict[str, Any]) -> None:
    """The feature is named."""
    with pytest.raises(FormatError, match=r"nobody|amount"):
        ErrorCells.from_dict(body, FEATURES)


def test_features_without_rows_are_left_out() -> None:
    """Of what was captured alone something is kept."""
    cells = ErrorCells(FEATURES)
    assert cells.is_empty
    cells.update({"shop": np.array([1])}, np.array([1.0]))
    assert cells.names == ("shop",)
    assert list(cells.to_dict()) == ["shop"]
    assert not cells.is_empty
