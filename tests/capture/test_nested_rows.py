from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from modelwatch.capture.nested_rows import nested_getter
from modelwatch.capture.rows import Batch, Row, RowReader
from modelwatch.tables.columns import ABSENT
from tests.watched import MakeWatch

NAMES = ("user.age", "amount", "user.home.city", "device.os")
NESTED: dict[str, Any] = {
    "device": {"os": "linux"},
    "user": {"home": {"city": "Bergen"}, "age": 3},
    "amount": 1.5,
}


class User(BaseModel):
    """A part of a row as a pydantic model."""

    age: int
    home: dict[str, str]


@pytest.mark.parametrize(
    "row",
    [
        NESTED,
        NESTED | {"user": User(age=3, home={"city": "Bergen"})},
        {"user.age": 3, "amount": 1.5, "user.home.city": "Bergen", "device.os": "linux"},
        {"user.age": 3, "amount": 1.5, "user": {"home.city": "Bergen"}, "device": {"os": "linux"}},
    ],
)
def test_nested_rows_are_read_by_dotted_names(row: dict[str, Any]) -> None:
    """However a row is nested, its values come in the order of the features."""
    assert RowReader(NAMES).read(row) == Row((3, 1.5, "Bergen", "linux"))


def test_rows_that_lack_or_add_fields_are_read() -> None:
    """Whatever is absent or unexpected, on whichever level."""
    read = RowReader(NAMES).read
    assert read({"amount": 1.5, "user": {"age": 3, "name": "x"}, "device": None}) == Row(
        (3, 1.5, ABSENT, ABSENT), {"user.name": "x", "device": None}
    )
    assert read({"amount": 1.5, "meta": {"trace": {"id": 7}}}) == Row(
        (ABSENT, 1.5, ABSENT, ABSENT), {"meta.trace.id": 7}
    )


def test_lists_of_nested_rows_are_a_batch() -> None:
    """So are nested columns."""
    reader = RowReader(["user.age", "amount"])
    columns = {"user": {"age": [3, 4]}, "amount": [1.0, 2.0]}
    rows = [{"user": {"age": 3}, "amount": 1.0}, {"user": {"age": 4}, "amount": 2.0}]
    for value in (rows, columns):
        found = reader.read(value)
        assert isinstance(found, Batch)
        assert {name: list(column) for name, column in found.columns.items()} == {
            "user.age": [3, 4],
            "amount": [1.0, 2.0],
        }


def test_a_known_name_is_not_looked_into() -> None:
    """A feature that should be a value and is a mapping is of a wrong type."""
    assert RowReader(["user"]).read({"user": {"age": 3}}) == Row((b"",))


def test_getters_are_made_for_dotted_names_only() -> None:
    """Flat features cost nothing; a row of another shape is told by a KeyError."""
    assert nested_getter(["a", "b"]) is None
    read = nested_getter(["a.b"])
    assert read is not None
    assert read({"a": {"b": 1}}) == (1,)
    for row in ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}, "c": 2}, {"a": 1}, {}):
        with pytest.raises(KeyError):
            read(row)


def test_a_watch_without_a_baseline_learns_dotted_names(make_watch: MakeWatch) -> None:
    """The first row's names are those of all levels, and later rows count under them."""
    watched = make_watch(baseline=None)

    @watched.watch
    def predict(features: dict[str, Any]) -> float:
        return 0.5

    for age in range(5):
        predict({"user": {"age": age}})
        predict({"user.age": age})
    features = watched.profile().features
    assert features.keys() == {"user.age", "prediction"}
    assert features["user.age"].observed == 10
