"""Missing values and types."""

from __future__ import annotations

import math
from typing import Any

import pytest

from modelwatch.diagnosis import probable_cause
from modelwatch.profile import Profile
from tests.diagnosis.conftest import Watched


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
@pytest.mark.parametrize("step", [1, 2, 8])
@pytest.mark.parametrize("name", ["distance", "carrier"])
def test_missing_values_are_named(flights: Watched, name: str, value: Any, step: int) -> None:
    """In all rows or some, of numbers and categories."""
    if name == "carrier" and value == math.inf:
        value = None
    values = flights.window(name).tolist()
    values[::step] = [value] * len(values[::step])
    cause = flights.cause(name, values)
    assert cause is not None
    assert (cause.name, cause.aspect) == ("missing_flood", "missing")
    assert f"{1 / step:.1%} of rows (baseline 0.0%)" in cause.text


@pytest.mark.parametrize("step", [1, 8])
@pytest.mark.parametrize(("name", "change"), [("distance", str), ("carrier", len)])
def test_another_type_is_named(flights: Watched, name: str, change: Any, step: int) -> None:
    """Numbers as texts, texts as numbers."""
    values = flights.window(name).tolist()
    values[::step] = [change(value) for value in values[::step]]
    cause = flights.cause(name, values)
    assert cause is not None
    assert cause.name == "type_change"
    assert "of another type" in cause.text


def test_gaps_that_are_frequent_anyway_may_grow(flights: Watched) -> None:
    """From one in fifty to one in thirty is no flood."""
    values = flights.window("air_time").tolist()
    values[::70] = [None] * len(values[::70])
    assert flights.cause("air_time", values) is None


def test_nothing_is_said_of_what_was_not_asked(flights: Watched) -> None:
    """A flood of missing values is no cause for values that moved."""
    current = Profile.from_data({"distance": [None] * 500}, baseline=flights.baseline)
    feature = flights.baseline.features["distance"]
    reference = flights.baseline.profile.features["distance"]
    found = current.features["distance"]
    assert probable_cause(feature, reference, found, ["values"]) is None
    assert probable_cause(feature, reference, found, []) is None
    cause = probable_cause(feature, reference, found, ["missing"])
    assert cause is not None
