from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelwatch.errors import ConfigurationError
from modelwatch.skew import Tolerance, audit
from modelwatch.skew.tolerance import equal_values
from modelwatch.skew.values import read_column

FLOATS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(-10, 10))
PAIRS = st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=20)


def are_equal(one: float | None, other: float | None, relative: float, absolute: float) -> bool:
    """Say by Python's own means whether two numbers are equal."""
    gone = [value is None or math.isnan(value) for value in (one, other)]
    if any(gone) or one is None or other is None:
        return all(gone)
    return math.isclose(one, other, rel_tol=relative, abs_tol=absolute)


@given(PAIRS, st.sampled_from([0.0, 1e-6, 0.1]), st.sampled_from([0.0, 1e-3, 1.0]))
@example([(0.0, 1.0625)], 0.1, 1.0)  # within the sum of both bounds, within neither
def test_numbers_are_equal_as_python_says(pairs: Any, relative: float, absolute: float) -> None:
    """Numbers compare as math.isclose does; a missing one equals a missing one alone."""
    served, recomputed = (read_column(list(side)) for side in zip(*pairs, strict=True))
    tolerance = Tolerance(relative=relative, absolute=absolute)
    same = equal_values(served, recomputed, tolerance).tolist()
    assert same == [are_equal(one, other, relative, absolute) for one, other in pairs]


@given(st.lists(st.tuples(st.text(max_size=2), st.text(max_size=2)), min_size=1))
def test_texts_must_be_the_same(pairs: list[tuple[str, str]]) -> None:
    """Texts are equal where they are the same, whatever order they come in."""
    served, recomputed = (read_column(list(side)) for side in zip(*pairs, strict=True))
    same = equal_values(served, recomputed, Tolerance())
    assert same.tolist() == [one == other for one, other in pairs]


@given(st.lists(st.floats(-1e30, 1e30), min_size=1))
def test_float32_is_let_pass(values: list[float]) -> None:
    """What a value loses as float32 is no skew by default, and is counted."""
    served = np.array(values).astype(np.float32)
    table = {"id": range(len(values)), "x": values}
    report = audit({"id": range(len(values)), "x": served}, table)
    normal = all(value == 0 or abs(value) > 1e-30 for value in values)
    assert report.is_clean or not normal
    if normal:
        lost = sum(float(one) != two for one, two in zip(served, values, strict=True))
        assert report.features["x"].nearly_equal == lost


def test_whole_numbers_are_exact() -> None:
    """Whole numbers that differ by less than the tolerance differ, as ids do."""
    report = audit({"id": [1], "n": [123_456_789]}, {"id": [1], "n": [123_456_790]})
    assert report.features["n"].unequal == 1


def test_values_near_zero_are_measured_by_the_feature() -> None:
    """What cancels out to 1e-15 in place of 0 is equal among ones, and is not among its likes."""
    ids = {"id": [1, 2]}
    assert audit(ids | {"x": [1e-15, 1.0]}, ids | {"x": [0.0, 1.0]}).is_clean
    assert not audit(ids | {"x": [1e-15, 1e-15]}, ids | {"x": [2e-15, 1e-15]}).is_clean


@pytest.mark.parametrize("bad", [{"relative": -1.0}, {"absolute": math.nan}, {"relative": "x"}])
def test_impossible_tolerances_are_refused(bad: dict[str, Any]) -> None:
    """A tolerance that is negative or no number is refused by name."""
    with pytest.raises(ConfigurationError, match=next(iter(bad))):
        Tolerance(**bad)
