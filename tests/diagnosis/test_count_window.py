"""Counts over a shorter time."""

from __future__ import annotations

import numpy as np
import pytest

from tests.diagnosis.conftest import Watched, watched


@pytest.mark.parametrize("rows", [500, 2_000])
def test_half_the_time_is_named(flights: Watched, rows: int) -> None:
    """Departures of the last hour, where the model was trained on those of two."""
    cause = flights.cause("departures", flights.window("departures_half", rows))
    assert cause is not None
    assert cause.name == "shorter_window"
    assert "half the time" in cause.text


@pytest.mark.parametrize(("days", "words"), [(10, "a third"), (1, "a 30th")])
def test_other_fractions_are_named(days: int, words: str) -> None:
    """Purchases of ten days or one for those of thirty, by customers that differ."""
    rng = np.random.default_rng(0)
    rates = rng.gamma(2.0, 20.0, 24_000)
    column = watched({"x": rng.poisson(30 * rates).astype(float)})
    cause = column.cause("x", rng.poisson(days * rates[:3_000]).astype(float))
    assert cause is not None
    assert words in cause.text


def test_halves_that_are_no_whole_numbers_are_a_scale(flights: Watched) -> None:
    """Dividing by two leaves broken numbers; counting for half the time does not."""
    assert flights.named("departures", lambda x: x / 2) == "scale_change"
