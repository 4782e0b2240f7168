"""Renamed, new, flooding and frozen categories."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from modelwatch.diagnosis.category_names import distance
from tests.diagnosis.conftest import Watched, watched

Renaming = Callable[[str], str]


def renamed(flights: Watched, name: str, change: Renaming) -> str:
    """Return what is said of a column whose names were changed."""
    cause = flights.cause(name, [change(value) for value in flights.window(name).tolist()])
    return f"{cause.name}: {cause.text}" if cause else "-"


@pytest.mark.parametrize("name", ["carrier", "origin", "dest"])
@pytest.mark.parametrize(
    "change", [str.lower, "{} ".format, " {}".format, "iata:{}".format, "{}_code".format]
)
def test_another_spelling_is_named(flights: Watched, name: str, change: Renaming) -> None:
    """Case, white space, and what stands before or after: three, sixteen and a hundred names."""
    said = renamed(flights, name, change)
    assert said.startswith("renamed_categories: categories are spelled otherwise")
    known = {"carrier": "UA", "origin": "EWR", "dest": "FLL"}[name]
    assert f"{change(known)!r} for {known!r}" in said


@pytest.mark.parametrize("name", ["carrier", "origin", "dest"])
def test_numbers_for_names_are_named(flights: Watched, name: str) -> None:
    """An encoder was put before: the frequencies are those of the names."""
    codes = {name: str(code) for code, name in enumerate(flights.rest[name].unique())}
    said = renamed(flights, name, codes.__getitem__)
    assert said.startswith("renamed_categories: new names have the frequencies")


def test_a_single_new_name_for_one_that_is_gone_is_named(flights: Watched) -> None:
    """One airline bought another."""
    said = renamed(flights, "carrier", lambda name: {"EV": "XE"}.get(name, name))
    assert "'XE' for 'EV'" in said


def test_names_that_were_exchanged_are_named(flights: Watched) -> None:
    """An encoder was fitted anew: each name has another one's frequency."""
    names = sorted(flights.rest["carrier"].unique())
    exchanged = dict(zip(names, names[5:] + names[:5], strict=True))
    said = renamed(flights, "carrier", exchanged.__getitem__)
    assert said.startswith("renamed_categories: categories have each other's frequencies")


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


@pytest.mark.parametrize("name", ["carrier", "origin", "dest"])
def test_shares_that_shift_are_not_renamed(flights: Watched, name: str) -> None:
    """Twice as many rows of a third of the names is plain drift."""
    values = flights.window(name, 6_000)
    doubled = np.concatenate([values, values[[hash(x[0]) % 3 == 0 for x in values]]])
    assert flights.cause(name, doubled) is None


def test_the_distance_of_tables_is_total_variation() -> None:
    """Half the sum of differences, by a direct formula."""
    p, q = {"a": 0.2, "b": 0.8}, {"b": 0.5, "c": 0.5}
    assert distance(p, q) == pytest.approx((0.2 + 0.3 + 0.5) / 2)
    assert distance({}, {}) == 0.0
