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
