"""New, flooding and frozen categories."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from modelwatch.diagnosis import diagnose
from modelwatch.profile import Profile
from tests.diagnosis.conftest import Watched, watched


@pytest.mark.parametrize("name", ["carrier", "origin", "dest"])
@pytest.mark.parametrize("step", [2, 12])
def test_a_new_category_is_named(flights: Watched, name: str, step: int) -> None:
    """With its name, in half of the rows or a twelfth."""
    values = flights.window(name).tolist()
    values[::step] = ["zz"] * len(values[::step])
    cause = flights.cause(name, values)
    assert cause is not None
    assert (cause.name, cause.aspect) == ("new_category", "outliers")
    assert "never seen in training" in cause.text
    assert "'zz'" in cause.text


@pytest.mark.parametrize("value", ["unknown", "", "N/A", "None"])
def test_a_placeholder_is_a_default(flights: Watched, value: str) -> None:
    """What stands for a missing value elsewhere is told from a category."""
    values = flights.window("carrier").tolist()
    values[::4] = [value] * len(values[::4])
    cause = flights.cause("carrier", values)
    assert cause is not None
    assert cause.name == "default_value"
    assert f"{value!r} in place of other categories in 25.0%" in cause.text


@pytest.mark.parametrize("value", ["UA", "zz"])
def test_one_category_in_all_rows_is_frozen(flights: Watched, value: str) -> None:
    """A known one or a new one."""
    cause = flights.cause("carrier", [value] * 1_000)
    assert cause is not None
    assert cause.name == "frozen"


def test_rare_names_alone_are_answered() -> None:
    """A window of nothing but names that the baseline counts together has none to tell."""
    names = [f"n{number}" for number in range(400) for _ in range(402 - number)]
    column = watched({"x": pd.Series([name for name in names for _ in range(2)], dtype=object)})
    rare = sorted(column.baseline.features["x"].rare_categories)
    assert rare
    assert column.cause("x", rare * 3) is None


def test_days_in_a_row_are_not_frozen() -> None:
    """A window of one day holds one weekday, as the baseline's own blocks show."""
    days = np.repeat([*"abcdefg"] * 30, 100)
    column = watched({"day": pd.Series(days, dtype=object)})
    assert column.cause("day", ["c"] * 100) is None


def test_fewer_unseen_categories_are_told_as_categories() -> None:
    """Where none is left, too: categories have no range."""
    names = [f"n{number}" for number in range(50)]
    column = watched({"x": pd.Series(names * 100, dtype=object)})
    feature, reference = column.baseline.features["x"], column.baseline.profile.features["x"]
    reference = replace(reference, outliers=Counter(unseen_category=300))
    current = Profile.from_data({"x": names[::2]}, baseline=column.baseline).features["x"]
    said = diagnose(feature, reference, current, ["outliers"])
    assert said == "categories never seen in training in 0.0% of rows (baseline 12.0%)"


def test_infinities_among_categories_have_no_range() -> None:
    """A float infinity in a column of whole numbers is told as what it is."""
    column = watched({"x": pd.Series([True, False] * 500)})
    feature, reference = column.baseline.features["x"], column.baseline.profile.features["x"]
    current = replace(reference, outliers=Counter(range=5))
    said = diagnose(feature, reference, current, ["outliers"])
    assert said == "infinite values in 1.0% of rows (baseline 0.0%)"
