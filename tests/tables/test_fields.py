from __future__ import annotations

import dataclasses
import time
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from modelwatch.errors import DataError
from modelwatch.tables.fields import flattened


class Home(BaseModel):
    """A part of a row as a pydantic model."""

    city: str


@dataclasses.dataclass
class User:
    """A part of a row as a dataclass, with a part of its own."""

    age: int
    home: Home


class Device(NamedTuple):
    """A part of a row as a named tuple."""

    os: str


def test_nested_fields_have_dotted_names() -> None:
    """Mappings, pydantic models, dataclasses and named tuples are looked into, at any level."""
    row = {"id": 7, "user": User(age=3, home=Home(city="Bergen")), "device": Device("linux")}
    assert flattened(row) == {
        "id": 7,
        "user.age": 3,
        "user.home.city": "Bergen",
        "device.os": "linux",
    }


def test_a_flat_row_is_returned_itself() -> None:
    """Nothing is copied where nothing is nested."""
    row = {"id": 7, "tags": ["a"], "at": None}
    assert flattened(row) is row


def test_a_dotted_name_goes_before_a_nested_one() -> None:
    """The order in which both come does not matter; an empty mapping has no fields."""
    for row in ({"a.b": 1, "a": {"b": 2}}, {"a": {"b": 2}, "a.b": 1}):
        assert flattened(row) == {"a.b": 1}
    assert flattened({"a": {}, "b": 1}) == {"b": 1}


def test_names_that_are_whole_are_not_looked_into() -> None:
    """A name that is told to be a value of its own stays one, at any level."""
    row = {"a": {"b": {"c": 1}}}
    assert flattened(row, {"a.b"}) == {"a.b": {"c": 1}}


def test_what_lies_too_deep_is_one_value() -> None:
    """Sixteen levels are looked into, of a thousand."""
    row: dict[str, Any] = {"x": 1}
    for _ in range(1_000):
        row = {"a": row}
    (name,) = flattened(row)
    assert name == ".".join("a" * 17)


@pytest.mark.parametrize("branches", [1, 2, 100])
def test_a_mapping_that_holds_itself_comes_to_an_end(branches: int) -> None:
    """Its fields are cut off at some level, or refused for their number, in no time."""
    row: dict[str, Any] = {"x": 1}
    row |= {str(branch): row for branch in range(branches)}
    started = time.perf_counter()
    if branches == 1:
        assert len(flattened(row)) == 18
    else:
        with pytest.raises(DataError, match="more than 10,000 fields"):
            flattened(row)
    assert time.perf_counter() - started < 5.0
