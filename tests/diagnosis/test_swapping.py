"""Columns under each other's names."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from modelwatch.diagnosis import swapped_columns
from modelwatch.sketches import Categories
from tests.diagnosis.conftest import Watched, watched


@pytest.mark.parametrize(
    ("first", "second"),
    [("temp", "humid"), ("humid", "pressure"), ("dewp", "wind_dir"), ("visib", "temp")],
)
@pytest.mark.parametrize("rows", [500, 2_000])
def test_swapped_numbers_are_named(weather: Watched, first: str, second: str, rows: int) -> None:
    """Both, each with the other's name, and no third."""
    table = {name: weather.window(name, rows) for name in weather.names}
    table[first], table[second] = table[second], table[first]
    found = weather.swapped(table)
    assert found.keys() == {first, second}
    assert f"values of {second!r}" in found[first].text
    assert f"values of {first!r}" in found[second].text
    assert {cause.name for cause in found.values()} == {"swapped_columns"}


def test_swapped_categories_are_named(flights: Watched) -> None:
    """Three names under a hundred's, and the other way round."""
    table = {name: flights.window(name) for name in ("origin", "dest", "carrier")}
    table["origin"], table["dest"] = table["dest"], table["origin"]
    assert flights.swapped(table).keys() == {"origin", "dest"}


def test_three_columns_in_a_ring_are_named(weather: Watched) -> None:
    """A row that was shifted by one."""
    names = ["temp", "humid", "pressure"]
    table = {
        name: weather.window(other)
        for name, other in zip(names, names[1:] + names[:1], strict=True)
    }
    found = weather.swapped(table)
    assert found.keys() == set(names)
    assert "the other way round" not in found["temp"].text


def test_without_a_swap_none_is_named(weather: Watched, summer: pd.DataFrame) -> None:
    """Neither in the same season nor in another, nor where only one holds another's values."""
    names = ["temp", "dewp", "humid", "pressure", "visib"]
    assert not weather.swapped({name: weather.window(name) for name in names})
    assert not weather.swapped({name: summer[name].to_numpy() for name in names})
    copied = {name: weather.window("humid" if name == "temp" else name) for name in names}
    assert not weather.swapped(copied)


def test_names_that_nobody_has_are_passed_over(weather: Watched) -> None:
    """Asking about a feature that is not there is no fault."""
    baseline = weather.baseline
    features, profiles = baseline.features, baseline.profile.features
    assert swapped_columns(features, profiles, profiles, []) == {}
    assert swapped_columns(features, profiles, profiles, ["else", "temp"]) == {}
    assert swapped_columns(features, profiles, {}, ["humid", "temp"]) == {}


def test_names_beyond_those_counted_match_nobody() -> None:
    """A window of too many new names for any to be counted by name is answered."""
    names = pd.Series([*"abcd"] * 500, dtype=object)
    column = watched({"x": names, "y": names.map(str.upper)})
    baseline = column.baseline
    before = baseline.profile.features
    now = {name: replace(before[name], values=Categories(unseen=500)) for name in before}
    assert swapped_columns(baseline.features, before, now, list(now)) == {}
