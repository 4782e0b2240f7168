"""The best supported cause, plain words where there is none, and odd input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch.baseline import Baseline
from modelwatch.diagnosis import diagnose, probable_cause
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.sketches import Moments
from tests.diagnosis.conftest import ASPECTS, Watched, watched


def test_fresh_rows_have_no_cause(flights: Watched, weather: Watched, digits: Watched) -> None:
    """Of no column, at several sizes."""
    for table in (flights, weather, digits):
        for name in table.names:
            for rows in (300, 2_000):
                assert table.cause(name, table.window(name, rows)) is None


def test_a_season_has_no_cause(weather: Watched, summer: pd.DataFrame) -> None:
    """A July after a winter is plain drift in every column."""
    for name in ("temp", "dewp", "humid", "pressure", "visib"):
        assert weather.cause(name, summer[name].to_numpy()) is None


def test_a_cause_gives_way_to_plain_words_where_there_is_none(
    weather: Watched, summer: pd.DataFrame
) -> None:
    """From what to what, and by how many deviations."""
    said = weather.said("temp", summer["temp"].to_numpy(), ["values"])
    assert said is not None
    assert said.startswith("mean went from 36.")
    assert "standard deviations" in said


def test_values_without_moments_have_a_diagnosis_too(
    weather: Watched, summer: pd.DataFrame
) -> None:
    """A sender of plain histograms tells no mean, and none is made up."""
    profile = Profile.from_data({"temp": summer["temp"].to_numpy()}, baseline=weather.baseline)
    current = profile.features["temp"]
    current.moments = Moments()
    reference = weather.baseline.profile.features["temp"]
    said = diagnose(weather.baseline.features["temp"], reference, current, ["values"])
    assert said == "distribution changed"


def test_the_category_that_moved_is_told(flights: Watched) -> None:
    """The largest change of share, with both shares."""
    values = flights.window("origin")
    said = flights.said("origin", [*values.tolist(), *["JFK"] * 1_000], ["values"])
    assert said is not None
    assert said.startswith("share of 'JFK' went from 3")


def test_each_aspect_is_told_once(flights: Watched) -> None:
    """The cause in place of the plain words for its aspect, and those for the others."""
    values = flights.window("distance").copy()
    values[::10] = 99_999.0
    said = flights.said("distance", values, ["outliers"])
    assert said is not None
    flood, outliers = said.split("; ")
    assert flood.startswith("1e+05 in place of other values in 10.0% of rows")
    assert outliers.startswith("values outside [")
    assert flights.said("distance", values, []) is None


def test_fewer_missing_values_are_said_to_be_fewer() -> None:
    """A gap that closed is a change too, and not called a flood."""
    column = watched({"x": [None, 1.0] * 1_000 + [2.0, None] * 1_000})
    assert "fewer" in (column.said("x", [1.0] * 500, ["missing"]) or "")


@pytest.mark.parametrize(
    "values",
    [
        [],
        [5.0],
        [5.0] * 3,
        [math.nan] * 9,
        [math.inf, -math.inf] * 9,
        [1e300, -1e300] * 9,
        [5e-324, 0.0] * 9,
        ["text"] * 9,
        [None] * 9,
    ],
)
@pytest.mark.parametrize("before", [[1.0, 2.0, 7.5] * 100, [3.0] * 100, [1e9, 1e9 + 1] * 100])
def test_odd_values_are_answered(before: list[float], values: list[Any]) -> None:
    """Nothing at all, one row, constants, infinities and the largest floats raise nothing."""
    baseline = Baseline.fit({"x": before}, model="m", version="1")
    feature, reference = baseline.features["x"], baseline.profile.features["x"]
    current = FeatureProfile.empty(feature)
    current.update(values, feature)
    cause = probable_cause(feature, reference, current, ASPECTS)
    assert cause is None or 0.0 <= cause.evidence <= 1.0


@settings(max_examples=150)
@given(
    st.lists(st.integers(-(10**6), 10**6).map(lambda x: x / 64), min_size=2, max_size=60),
    st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=60),
)
def test_any_numbers_are_answered(before: list[float], now: list[float]) -> None:
    """With words wherever an aspect differs, and with evidence in [0, 1]."""
    baseline = Baseline.fit({"x": before * 5}, model="m", version="1")
    current = Profile.from_data({"x": now * 5}, baseline=baseline).features["x"]
    feature, reference = baseline.features["x"], baseline.profile.features["x"]
    cause = probable_cause(feature, reference, current, ASPECTS)
    assert cause is None or 0.0 <= cause.evidence <= 1.0
    assert diagnose(feature, reference, current, ["values"])


@settings(max_examples=150)
@given(
    st.lists(st.text(max_size=3), min_size=2, max_size=40),
    st.lists(st.text(max_size=3), min_size=1, max_size=40),
)
def test_any_names_are_answered(before: list[str], now: list[str]) -> None:
    """Whatever they hold."""
    baseline = Baseline.fit({"x": before * 5}, model="m", version="1")
    current = Profile.from_data({"x": now * 5}, baseline=baseline).features["x"]
    feature, reference = baseline.features["x"], baseline.profile.features["x"]
    cause = probable_cause(feature, reference, current, ASPECTS)
    assert cause is None or 0.0 <= cause.evidence <= 1.0
    assert diagnose(feature, reference, current, ["values"])


def test_the_reference_itself_has_no_cause() -> None:
    """Whatever its shape, a distribution does not differ from itself."""
    rng = np.random.default_rng(0)
    for values in (rng.normal(size=4_000), rng.poisson(3, 4_000), np.round(rng.random(4_000))):
        assert watched({"x": np.repeat(values, 2)}).cause("x", values) is None
