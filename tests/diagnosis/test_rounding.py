"""Values on a coarser grid."""

from __future__ import annotations

import numpy as np
import pytest

from tests.diagnosis.conftest import Watched, watched


@pytest.mark.parametrize(
    ("name", "step"), [("temp", 5.0), ("humid", 10.0), ("pressure", 5.0), ("dewp", 10.0)]
)
@pytest.mark.parametrize("rows", [500, 2_000])
def test_a_coarse_step_is_named(weather: Watched, name: str, step: float, rows: int) -> None:
    """The bins between its multiples are empty."""
    cause = weather.cause(name, np.round(weather.window(name, rows) / step) * step)
    assert cause is not None
    assert cause.name == "rounding"
    assert f"multiples of {step:g}" in cause.text
    assert "0.0% now" in cause.text


def test_whole_numbers_are_named(weather: Watched) -> None:
    """A number that lost its decimals became an integer, or was cut."""
    cause = weather.cause("humid", np.floor(weather.window("humid")))
    assert cause is not None
    assert "whole numbers" in cause.text


def test_a_step_finer_than_the_bins_is_told_by_the_sums() -> None:
    """No bin is empty, but sum and sum of squares are whole."""
    column = watched({"x": np.random.default_rng(0).normal(1_000, 300, 20_000)})
    assert column.named("x", np.round) == "rounding"
    assert column.named("x", lambda x: np.round(x, -1)) == "rounding"
    assert column.named("x", lambda x: np.round(x, 1)) == "-"  # too fine to matter


def test_a_grid_that_was_there_before_is_not_named(digits: Watched, weather: Watched) -> None:
    """Whole numbers that are whole numbers still, and hundredths that are."""
    assert digits.named("pixel_2_2", lambda x: x[x > 3]) != "rounding"
    assert weather.named("humid", lambda x: x) == "-"
    assert weather.named("visib", lambda x: x[x >= 0.5]) == "-"
