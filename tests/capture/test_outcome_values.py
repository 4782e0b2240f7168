"""Whatever a model returns or a row holds is sent as a text, a number or a truth value."""

from __future__ import annotations

import datetime as dt
import enum
import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.capture.outcome_values import (
    MOST_CHARACTERS,
    outcome_value,
    outcome_values,
    row_id,
    row_ids,
)
from modelwatch.tables.columns import ABSENT, categorical_column, numeric_column
from modelwatch.tables.compact_columns import CodedColumn, MaskedColumn

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(st.characters(categories=["Cs"]), max_size=3)
    | st.binary(max_size=3)
    | st.decimals()
    | st.fractions()
    | st.dates()
    | st.just(ABSENT)
    | st.floats(width=32).map(np.float32)
    | st.integers(-(2**63), 2**63 - 1).map(np.int64)
    | st.lists(st.integers(), max_size=2)
)


class Colour(enum.Enum):
    """A class that is no text."""

    RED = 1


@given(st.lists(SCALARS, max_size=6))
def test_every_column_can_be_sent(values: list[Any]) -> None:
    """As JSON of 64-bit numbers and texts that UTF-8 can write; NaN is left to the encoder."""
    found = outcome_values(values)
    assert len(found) == len(values)
    assert set(map(type, found)) <= {str, bool, int, float, type(None)}
    for value in found:
        if isinstance(value, str):
            assert len(value) <= MOST_CHARACTERS
            value.encode()
        elif isinstance(value, int):
            assert -(2**63) < value < 2**63
    json.dumps(found)


@given(st.lists(st.floats() | st.none() | st.integers(-(2**53), 2**53), min_size=1))
def test_numbers_are_those_that_profiles_count(values: list[Any]) -> None:
    """What is a number in the profile is the same one in the event, and nothing else is any."""
    expected = numeric_column(values).values
    sent = [math.nan if value is None else value for value in outcome_values(values)]
    within = np.abs(sent) <= 1e140  # profiles take those beyond for infinite
    np.testing.assert_array_equal(np.where(within, sent, math.nan), expected)


@pytest.mark.parametrize("value", [Colour.RED, "red", np.str_("red"), dt.date(2026, 3, 1), "ü"])
def test_categories_are_those_that_profiles_count(value: Any) -> None:
    """A class goes by the same name in the profile and in the event."""
    (key,) = categorical_column([value]).keys
    assert outcome_value(value) == key


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (True, True),
        (np.False_, False),
        (np.uint8(3), 3),
        (2**63, float(2**63)),
        (10**400, None),
        (Decimal("0.5"), 0.5),
        (Decimal("NaN"), None),
        (Fraction(1, 4), 0.25),
        (np.float64("inf"), None),
        (pd.NA, None),
        (pd.NaT, None),
        (b"bytes", None),
        ([1], None),
        ({}, None),
        (object(), None),
        (int, None),
        (1j, "1j"),
        ("x" * 300, "x" * 256),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_each_kind_of_value(value: Any, sent: object) -> None:
    """By its own type, not by what Python takes for equal."""
    found = outcome_value(value)
    assert (found, type(found)) == (sent, type(sent))


def test_columns_of_frames_are_read() -> None:
    """Coded ones and masked ones too."""
    coded = CodedColumn(["a", "b"], np.array([1, 0, -1]))
    masked = MaskedColumn(np.array([1.5, 0.0]), np.array([False, True]))
    assert outcome_values(coded) == ["b", "a", None]
    assert outcome_values(masked) == [1.5, None]
    assert outcome_values(np.array([1, 2], dtype=np.int32)) == [1, 2]
    assert row_ids(coded) == ["b", "a", None]


@given(SCALARS)
def test_an_id_can_always_be_sent(value: Any) -> None:
    """As a text of 1 to 256 characters that UTF-8 can write, or there is none."""
    found = row_id(value)
    if found is not None:
        assert 0 < len(found) <= 256
        found.encode()


def test_an_id_that_a_frame_has_made_a_float_is_the_same() -> None:
    """A gap in a column of integers makes all of them floats."""
    frame = pd.DataFrame({"order": [7, None, 9]})
    assert row_ids(frame["order"].to_numpy()) == ["7", None, "9"]
