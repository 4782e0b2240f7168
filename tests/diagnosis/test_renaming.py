"""Categories under other names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.diagnosis.conftest import Watched

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
def test_shares_that_shift_are_not_renamed(flights: Watched, name: str) -> None:
    """Twice as many rows of a third of the names is plain drift."""
    values = flights.window(name, 6_000)
    doubled = np.concatenate([values, values[[hash(x[0]) % 3 == 0 for x in values]]])
    assert flights.cause(name, doubled) is None
