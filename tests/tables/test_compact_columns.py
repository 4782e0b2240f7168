"""Compact columns: the same as a list of the same values, in less memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.tables.compact_columns import (
    CodedColumn,
    MaskedColumn,
    RawColumn,
    concatenated,
    taken,
)


def coded(values: list[Any]) -> CodedColumn:
    """Return a list of texts and None by its distinct values."""
    distinct = [value for value in dict.fromkeys(values) if value is not None]
    codes = [-1 if value is None else distinct.index(value) for value in values]
    return CodedColumn(distinct, np.array(codes, dtype=np.int64))


def masked(values: list[float | None]) -> MaskedColumn:
    """Return a list of numbers and None as numbers and a mask."""
    numbers = np.array([0.0 if value is None else value for value in values])
    return MaskedColumn(numbers, np.array([value is None for value in values], dtype=bool))


TEXTS = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=30)
NUMBERS = st.lists(st.sampled_from([1.0, 2.5, None]), min_size=1, max_size=30)


@given(values=TEXTS, low=st.integers(0, 30), high=st.integers(0, 30))
def test_a_coded_column_reads_as_its_list(values: list[Any], low: int, high: int) -> None:
    """Length, items, slices, iteration and chosen rows are those of the list."""
    column = coded(values)
    assert list(column) == column.tolist() == values
    assert len(column) == len(values)
    assert column[-1] == values[-1]
    assert list(column[low:high]) == values[low:high]
    order = np.arange(len(values))[::-1]
    assert list(taken(column, order)) == values[::-1]


@given(values=NUMBERS, low=st.integers(0, 30), high=st.integers(0, 30))
def test_a_masked_column_reads_as_its_list(values: list[Any], low: int, high: int) -> None:
    """Likewise."""
    column = masked(values)
    assert list(column) == values
    assert [column[place] for place in range(len(column))] == values
    assert list(column[low:high]) == values[low:high]
    assert list(taken(column, np.arange(len(values))[::-1])) == values[::-1]


@given(first=TEXTS, second=TEXTS)
def test_used_counts_in_order_of_appearance(first: list[Any], second: list[Any]) -> None:
    """The codes that rows have come in the order of their first row, each with its rows."""
    column = coded(first + second)[len(first) :]
    found, rows = column.used()
    present = [value for value in second if value is not None]
    assert [column.values[code] for code in found] == list(dict.fromkeys(present))
    assert rows.tolist() == [present.count(column.values[code]) for code in found]


def test_a_slice_keeps_no_values_without_end() -> None:
    """A few rows of a column of very many distinct values hold only their own."""
    column = CodedColumn([str(number) for number in range(1000)], np.arange(1000))
    part = column[10:14]
    assert part.values == ["10", "11", "12", "13"]
    assert list(part) == part.values


MIXED: list[RawColumn] = [
    coded(["a", None]),
    masked([1.0, None]),
    np.array([1.0, 2.0]),
    np.array([1, 2]),
    np.array(["x", "y"]),
    ["x", 1, None],
]


@pytest.mark.parametrize("one", MIXED, ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("other", MIXED, ids=lambda part: type(part).__name__)
def test_columns_of_any_kind_come_one_after_the_other(one: RawColumn, other: RawColumn) -> None:
    """The values are those of both lists, in their order."""
    assert list(concatenated([one, other])) == [*list(one), *list(other)]


def test_codes_of_equal_numbers_of_other_types_stay_apart() -> None:
    """1 and True are equal in Python, and different categories."""
    parts = [CodedColumn([1], np.array([0])), CodedColumn([True], np.array([0]))]
    both = concatenated(parts)
    assert isinstance(both, CodedColumn)
    assert [type(value) for value in both.values] == [int, bool]


def test_rows_are_counted_by_value_whatever_the_codes_type() -> None:
    """Codes of eight bits, values that no row has and rows without one are counted right."""
    codes = np.array([126, 0, -1, 126, 5, 0, 0], dtype=np.int8)
    column = CodedColumn([f"v{place}" for place in range(127)], codes)
    assert column.rows_by_code().tolist() == [3, *[0] * 4, 1, *[0] * 120, 2]
    found, rows = column.used()
    assert (found.tolist(), rows.tolist()) == ([126, 0, 5], [2, 3, 1])


def test_many_rows_are_counted_exactly() -> None:
    """More rows than are counted at once, of which parts lack a value, count as one by one."""
    codes = np.random.default_rng(3).integers(0, 40, 150_000).astype(np.int32)
    codes[70_000:70_010] = -1
    column = CodedColumn([f"v{place}" for place in range(40)], codes)
    assert column.nulls == 10
    assert column.rows_by_code().tolist() == [int((codes == code).sum()) for code in range(40)]
    renamed = column.renamed([f"w{place}" for place in range(40)])
    assert renamed.nulls == 10
    assert renamed[0] == f"w{codes[0]}"


def test_used_values_come_in_the_order_of_their_first_row() -> None:
    """The order is that of the rows, whether all values are among the first rows or not."""
    early = np.tile(np.array([2, 0, 1]), 3_000)
    late = np.concatenate([np.zeros(9_000, dtype=np.intp), np.array([2, 1, 2])])
    for codes in (early, late):
        found, rows = CodedColumn(["a", "b", "c"], codes).used()
        expected = list(dict.fromkeys(codes.tolist()))
        assert found.tolist() == expected
        assert rows.tolist() == [int((codes == code).sum()) for code in expected]
