"""How well a map explains a difference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from modelwatch.diagnosis.agreement import Comparison, Map, affine
from modelwatch.profile import Profile
from tests.diagnosis.conftest import Rows, Watched, watched


def comparison(column: Watched, values: Rows) -> Comparison:
    """Return both sides of the column x."""
    current = Profile.from_data({"x": values}, baseline=column.baseline).features["x"]
    reference = column.baseline.profile.features["x"]
    found = Comparison.of(column.baseline.features["x"], reference, current)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def column() -> Watched:
    """Log-normal values."""
    return watched({"x": np.random.default_rng(0).lognormal(3, 0.5, 20_000)})


def test_the_difference_is_the_ks_statistic(column: Watched) -> None:
    """As scipy has it on the raw rows, to 0.01."""
    values = column.window("x") * 1.3
    raw = np.random.default_rng(0).lognormal(3, 0.5, 20_000)[::2]
    expected = stats.ks_2samp(raw, values).statistic
    assert comparison(column, values).difference == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("mapping", "done"),
    [
        (affine(2.5), lambda x: 2.5 * x),
        (affine(1.0, -7.0), lambda x: x - 7.0),
        (affine(-1.0), lambda x: -x),
        (affine(0.001, 3.0), lambda x: 0.001 * x + 3.0),
        (affine(4_000.0), lambda x: 4_000.0 * x),
        (Map(np.log, np.exp), np.log),
    ],
)
def test_what_was_done_explains_all(
    column: Watched, mapping: Map, done: Callable[[Rows], Rows]
) -> None:
    """The map that was applied leaves no more than chance does, near and far."""
    data = comparison(column, done(column.window("x")))
    fit = data.fit(mapping)
    assert fit.misfit <= data.noise
    assert fit.explained > 0.9


def test_what_was_not_done_explains_little(column: Watched) -> None:
    """Even where all values fall into one bin, mean and spread contradict."""
    data = comparison(column, 4_000.0 * column.window("x"))
    assert data.fit(affine(8_000.0)).explained < 0.8
    assert data.fit(affine(4_000.0, 9e5)).explained < 0.2


def test_values_outside_a_maps_domain_are_left_out(column: Watched) -> None:
    """A logarithm of negative values is no number, and explains nothing."""
    negative = watched({"x": -np.random.default_rng(0).lognormal(3, 0.5, 4_000)})
    data = comparison(negative, -negative.window("x"))
    assert data.fit(Map(np.log, np.exp)).explained < 0.1


def test_the_grid_is_kept_or_left() -> None:
    """Whole numbers are so still, lie beside by one amount, or are no multiples any more."""
    column = watched({"x": np.random.default_rng(0).poisson(900.0, 8_000).astype(float)})
    values = column.window("x")
    assert comparison(column, values + 40).grid == "kept"
    assert comparison(column, values + 40.5).is_grid_shifted
    assert comparison(column, values * 1.37).grid == "left"
    assert not comparison(column, values * 1.37).is_grid_shifted
    assert comparison(column, values * 1.37).follows_grid(1.37)
    assert not comparison(column, values * 1.37).follows_grid(1.36)


def test_without_a_grid_none_is_told(column: Watched) -> None:
    """Values that are multiples of nothing."""
    assert comparison(column, column.window("x")).grid == "none"


def test_a_constant_has_no_comparison() -> None:
    """There is no spread to measure by."""
    constant = watched({"x": [3.0] * 100})
    current = Profile.from_data({"x": [4.0, 5.0] * 50}, baseline=constant.baseline).features["x"]
    feature, reference = (
        constant.baseline.features["x"],
        constant.baseline.profile.features["x"],
    )
    assert Comparison.of(feature, reference, current) is None
