"""Order of time and sortedness, watched batch by batch."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import SchemaError
from modelwatch.fitting.order import Classes, Grouping, TimeOrder, seconds_of, sorted_by_time
from modelwatch.tables.compact_columns import CodedColumn, RawColumn

DAYS = ["2024-01-01", "2024-01-02T00:00:00+02:00", "2024-01-03"]


@given(
    classes=st.lists(st.sampled_from("abc"), min_size=1, max_size=12),
    cut=st.integers(0, 12),
)
def test_grouped_classes_are_one_run_each(classes: list[str], cut: int) -> None:
    """However the rows are cut: several classes, and no class comes again after another."""
    grouping = Grouping()
    for part in (classes[:cut], classes[cut:]):
        grouping.update(part)
    runs = [classes[0], *(b for a, b in pairwise(classes) if a != b)]
    assert grouping.holds == (1 < len(set(classes)) == len(runs))


@given(numbers=st.lists(st.integers(0, 4), min_size=1, max_size=8), cut=st.integers(0, 8))
def test_sorted_numbers_rise_or_fall(numbers: list[int], cut: int) -> None:
    """However the rows are cut: they never fall, or never rise, and are not all equal."""
    grouping = Grouping()
    for part in (numbers[:cut], numbers[cut:]):
        grouping.update([float(number) for number in part])
    steps = np.diff(numbers)
    expected = bool(steps.any() and (np.all(steps >= 0) or np.all(steps <= 0)))
    assert grouping.holds == expected


def test_missing_numbers_are_passed_over() -> None:
    """A gap in a sorted column leaves it sorted."""
    grouping = Grouping()
    for part in ([1.0, None], [None, None], [2.0, None, 3.0]):
        grouping.update(part)
    assert grouping.holds


def test_codes_without_a_class_are_passed_over() -> None:
    """A missing value between two rows of one class does not part them."""
    classes = Classes()
    classes.update(np.array([0, -1, 0]))
    classes.update(np.array([-1, 1]))
    assert classes.are_grouped
    classes.update(np.array([0]))
    assert not classes.are_grouped


def test_times_must_not_fall_between_batches() -> None:
    """The last time of a batch is kept; equal times are in order."""
    order = TimeOrder("at")
    order.update([1.0, 2.0])
    order.update([2.0, 5.0])
    assert not order.broken
    order.update([4.0, 6.0])
    assert order.broken


@pytest.mark.parametrize(
    "times",
    [
        DAYS,
        CodedColumn(DAYS, np.array([0, 1, 2])),
        [dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) for day in ("2024-01-01",)],
        np.array(["2024-01-01"], "M8[s]"),
    ],
)
def test_times_of_any_form_are_seconds(times: Any) -> None:
    """Texts are ISO 8601, in UTC where they name no zone."""
    expected = [1704067200.0, 1704146400.0, 1704240000.0]
    assert seconds_of(times, "at").tolist() == expected[: len(times)]


@pytest.mark.parametrize("times", [["soon"], [None], [np.nan], CodedColumn([], np.array([-1]))])
def test_a_row_without_a_time_is_refused(times: Any) -> None:
    """Its number counts from the first row of all."""
    with pytest.raises(SchemaError, match=r"'at' has no time in row 40 \(1 in all\)"):
        seconds_of(times, "at", 40)


def test_sorting_keeps_rows_together() -> None:
    """All columns are put into the order of one; rows of one time stay as they were."""
    table: dict[str, RawColumn] = {
        "at": [3, 1, 2, 1],
        "x": np.array([30.0, 10.0, 20.0, 11.0]),
        "c": CodedColumn(["a", "b"], np.array([0, 1, 0, -1])),
    }
    found = {name: list(values) for name, values in sorted_by_time(table, "at").items()}
    assert found == {"at": [1, 1, 2, 3], "x": [10, 11, 20, 30], "c": ["b", None, "a", "a"]}
