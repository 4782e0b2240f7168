"""The first pass over one column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import SchemaError
from modelwatch.fitting.survey import MAX_SAMPLED_VALUES, ColumnSurvey, sample_limit


def survey(*parts: Sequence[Any] | np.ndarray, **options: Any) -> ColumnSurvey:
    """Survey the parts of a column."""
    defaults: dict[str, Any] = {"is_prediction": False, "is_score": False, "limit": np.inf}
    found = ColumnSurvey("x", "input", **defaults | options)
    for part in parts:
        found.update(part)
    return found


@pytest.mark.parametrize(
    ("values", "reading"),
    [
        ([1.0, 2], "numbers"),
        ([True, False], "other categories"),
        (["a", None], "texts"),
        ([None, None], "numbers"),
        ([np.nan, np.nan, "a"], "texts"),
        (["a", 1, 2.5], "numbers"),
        ([np.inf, -np.inf], "numbers"),
    ],
)
def test_the_majority_tells_how_a_column_is_read(values: list[Any], reading: str) -> None:
    """Missing values have no say."""
    assert survey(values).reading == reading
    assert survey(*([value] for value in values)).reading == reading


@given(parts=st.lists(st.lists(st.sampled_from("abcdefg")), max_size=6), rows=st.just(7))
def test_halves_are_every_other_row(parts: list[list[str]], rows: int) -> None:
    """However a column is cut, even and odd rows are told apart through all of it."""
    keys = [key for part in parts for key in part]
    found = survey(*parts, reading="texts")
    assert dict(found.halves[0]) == {key: keys[::2].count(key) for key in keys[::2]}
    assert dict(found.halves[1]) == {key: keys[1::2].count(key) for key in keys[1::2]}
    assert found.singles == {key for key in keys if keys.count(key) == 1}


def test_a_bounded_sample_is_spread_over_all_values() -> None:
    """At least half as many values as are allowed are kept, evenly spaced, none of them twice."""
    found = survey(*np.arange(10_000.0).reshape(50, 200), limit=1_000)
    edges = np.array([2_500.0, 5_000.0, 7_500.0])
    counts = found.counts_on(edges)
    assert 500 <= counts.sum() <= 1_000
    assert counts / counts.sum() == pytest.approx([0.25] * 4, abs=0.01)


def test_wide_tables_keep_fewer_values_of_each_column() -> None:
    """All columns together take bounded memory."""
    assert sample_limit(1) == sample_limit(16) == MAX_SAMPLED_VALUES
    assert sample_limit(320) * 320 == sample_limit(16) * 16


@pytest.mark.parametrize("value", [b"a", [1], {"a": 1}])
def test_what_cannot_be_watched_is_refused(value: Any) -> None:
    """The error names the column, the type and the remedy."""
    with pytest.raises(
        SchemaError, match=rf"'x' holds mostly .* {type(value).__name__}.*features="
    ):
        survey([value] * 9, [None]).spec(120)


def test_infinite_and_missing_numbers_take_no_part() -> None:
    """Bins and fences lie by what is finite."""
    spec = survey([1.0, 2.0, 3.0] * 30, [np.inf, np.nan, None]).spec(120)
    assert spec.mean == 2.0
    assert np.isfinite(spec.limits.upper)
    assert spec.limits.allows_missing


def test_scores_are_probabilities_only_within_zero_and_one() -> None:
    """One value beyond makes them numbers, in whichever batch it comes."""
    assert survey([0.0, 1.0], is_score=True).spec(120).kind == "probability"
    assert survey([0.0, 1.0], [1.5], is_score=True).spec(120).kind == "numeric"
