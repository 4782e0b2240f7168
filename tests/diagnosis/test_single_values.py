"""Default values and frozen features."""

from __future__ import annotations

import numpy as np
import pytest

from tests.diagnosis.conftest import Watched, watched


@pytest.mark.parametrize("name", ["distance", "air_time", "minute", "log"])
@pytest.mark.parametrize("value", [-1.0, -999.0, 9999.0])
@pytest.mark.parametrize("share", [0.08, 0.5])
def test_a_flood_of_a_default_is_named(
    flights: Watched, name: str, value: float, share: float
) -> None:
    """With the value and its share."""
    values = flights.window(name).copy()
    values[np.random.default_rng(0).random(values.size) < share] = value
    cause = flights.cause(name, values)
    assert cause is not None
    assert cause.name == "default_value"
    assert f"{value:g} in place of other values in" in cause.text


def test_a_flood_of_the_mean_is_named(weather: Watched) -> None:
    """What fills gaps in training pipelines fills all of them at once."""
    values = weather.window("temp").copy()
    moments = weather.baseline.profile.features["temp"].moments
    assert moments is not None
    values[::3] = moments.mean
    cause = weather.cause("temp", values)
    assert cause is not None
    assert cause.name == "default_value"
    assert "baseline's mean" in cause.text


def test_a_frequent_value_that_grew_more_frequent_is_no_default(weather: Watched) -> None:
    """Clear hours come and go: visibility is ten miles in most of them."""
    values = weather.window("visib").copy()
    values[::3] = 10.0
    assert weather.cause("visib", values) is None


@pytest.mark.parametrize("share", [0.95, 1.0])
@pytest.mark.parametrize("name", ["temp", "humid", "pressure", "wind_dir"])
def test_a_frozen_feature_is_named(weather: Watched, name: str, share: float) -> None:
    """One value in all rows or nearly all."""
    values = weather.window(name).copy()
    values[: int(values.size * share)] = float(np.nanmedian(values))
    cause = weather.cause(name, values)
    assert cause is not None
    assert cause.name == "frozen"
    assert "standard deviation went from" in cause.text


def test_dry_weeks_are_not_frozen() -> None:
    """A value that most rows had may be all of a window."""
    rain = np.where(np.random.default_rng(0).random(20_000) < 0.03, 0.1, 0.0)
    assert watched({"rain": rain}).cause("rain", np.zeros(1_000)) is None


@pytest.mark.parametrize(("mean", "spread"), [(18.0, 1.0), (18.0, 0.3), (-2.0, 1.0), (40.0, 3.0)])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.95])
def test_a_second_mode_is_no_single_value(mean: float, spread: float, share: float) -> None:
    """Values that all differ are no default and not frozen, though all fall into the last bin."""
    rng = np.random.default_rng(0)
    column = watched({"x": rng.normal(10, 1, 8_000)})
    moved = np.where(rng.random(2_000) < share, mean + spread * rng.normal(size=2_000), 0.0)
    values = np.where(moved, moved, rng.normal(10, 1, 2_000))
    cause = column.cause("x", values)
    assert cause is None or cause.name not in ("default_value", "frozen")


@pytest.mark.parametrize("distance", [3.0, 5.0, 10.0])
def test_a_part_of_the_rows_that_moved_is_no_single_value(distance: float) -> None:
    """The tail of a part that moved far is one no more than a second mode is."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=2_000) + np.where(rng.random(2_000) < 0.3, distance, 0.0)
    assert watched({"x": rng.normal(size=8_000)}).cause("x", values) is None


@pytest.mark.parametrize(("value", "share"), [(20.0, 0.1), (17.3, 0.05), (-2.5, 0.4)])
def test_a_value_far_out_is_named_whatever_it_is(value: float, share: float) -> None:
    """One that no system is known for, too: mean and extreme prove it."""
    rng = np.random.default_rng(0)
    column = watched({"x": rng.normal(10, 1, 8_000)})
    values = np.where(rng.random(2_000) < share, value, rng.normal(10, 1, 2_000))
    cause = column.cause("x", values)
    assert cause is not None
    assert cause.name == "default_value"
    assert cause.text.startswith(f"{value:g} in place of other values in")
