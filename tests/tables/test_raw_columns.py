from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

import modelwatch as mw
from modelwatch.errors import DataError
from modelwatch.tables.columns import ABSENT
from modelwatch.tables.raw_columns import raw_columns


class User(BaseModel):
    """A part of a row."""

    age: float


@dataclasses.dataclass
class Row:
    """A row with such a part."""

    amount: float
    user: User


def test_nested_rows_become_columns_with_dotted_names() -> None:
    """Rows may be nested mappings, models and dataclasses; what one lacks is absent."""
    expected = {"amount": [1.0, 2.0], "user.age": [30.0, 40.0]}
    assert raw_columns([Row(1.0, User(age=30)), Row(2.0, User(age=40))]) == expected
    rows = [{"amount": 1.0, "user": {"age": 30.0}}, {"amount": 2.0}]
    assert raw_columns(rows)["user.age"] == [30.0, ABSENT]


def test_nested_columns_have_dotted_names() -> None:
    """A mapping of columns may be nested too."""
    found = raw_columns({"amount": [1.0, 2.0], "user": {"age": [30.0, 40.0]}})
    assert found == {"amount": [1.0, 2.0], "user.age": [30.0, 40.0]}


def test_a_row_that_is_none_is_named() -> None:
    """The error tells which row is no mapping."""
    with pytest.raises(DataError, match="row 1 is a int"):
        raw_columns([{"a": 1}, 2])


def test_training_on_nested_rows_is_as_on_flat_ones() -> None:
    """A baseline, a comparison and a profile of nested rows name the features by dots."""
    random = np.random.default_rng(3)
    values = zip(random.normal(size=600), random.choice(["a", "b"], size=600), strict=True)
    nested: list[dict[str, Any]] = [
        {"x": float(x), "user": {"home": {"city": str(c)}}} for x, c in values
    ]
    flat = [{"x": row["x"], "user.home.city": row["user"]["home"]["city"]} for row in nested]
    baseline = mw.Baseline.fit(nested, model="m", version="1")
    assert baseline.inputs == ("x", "user.home.city")
    assert baseline.id == mw.Baseline.fit(flat, model="m", version="1").id
    found, expected = mw.compare(baseline, nested), mw.compare(baseline, flat)
    assert found.to_dict() == expected.to_dict()
