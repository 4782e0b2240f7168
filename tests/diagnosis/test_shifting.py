"""Offsets, and temperatures in another unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.diagnosis.conftest import Watched, watched


@pytest.mark.parametrize(
    ("name", "amount"),
    [("distance", 2_500.0), ("air_time", -300.5), ("minute", 1440.0), ("log", 3.0)],
)
def test_an_offset_is_named_with_its_amount(flights: Watched, name: str, amount: float) -> None:
    """The shape is kept, and everything is elsewhere."""
    cause = flights.cause(name, flights.window(name) + amount)
    assert cause is not None
    assert cause.name == "offset"
    assert "higher" in cause.text if amount > 0 else "lower" in cause.text
    told = float(cause.text.split()[2])
    assert told == pytest.approx(abs(amount), rel=0.1)
    assert "mean went from" in cause.text


def test_a_moved_mean_is_no_offset() -> None:
    """A shift by half a deviation that keeps the shape is what slow drift looks like."""
    rng = np.random.default_rng(0)
    column = watched({"x": rng.normal(40, 8, 40_000)})
    assert column.named("x", lambda x: x + 4) == "-"
    assert column.named("x", lambda x: x + 40) == "offset"


def test_a_moved_mean_of_another_shape_is_no_offset() -> None:
    """However far it moved."""
    rng = np.random.default_rng(0)
    column = watched({"x": rng.normal(40, 8, 40_000)})
    assert column.cause("x", 60 + rng.exponential(8, 2_000)) is None


@pytest.mark.parametrize("name", ["temp", "dewp"])
def test_a_season_is_no_offset(weather: Watched, summer: pd.DataFrame, name: str) -> None:
    """July is four deviations warmer than winter, and nothing was done to it."""
    assert weather.cause(name, summer[name].to_numpy()) is None


@pytest.mark.parametrize("name", ["temp", "dewp"])
@pytest.mark.parametrize("warmer", [0.0, 12.06])
@pytest.mark.parametrize(("constant", "unit"), [(0.0, "Celsius"), (273.15, "Kelvin")])
def test_a_temperature_in_another_unit_is_named(
    weather: Watched, name: str, warmer: float, constant: float, unit: str
) -> None:
    """Fahrenheit to Celsius and Kelvin, also beneath a warm spell."""
    cause = weather.cause(name, (weather.window(name) + warmer - 32) / 1.8 + constant)
    assert cause is not None
    assert cause.name == "temperature_unit"
    assert f"Fahrenheit to {unit}" in cause.text


def test_what_cannot_be_degrees_is_not_called_them(flights: Watched) -> None:
    """Distances of thousands of miles are no temperatures."""
    assert flights.named("distance", lambda x: (x - 32) / 1.8) != "temperature_unit"
