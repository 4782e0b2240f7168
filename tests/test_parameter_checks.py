"""Checks of parameters."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import pytest

from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import (
    choice,
    flag,
    instance,
    number,
    optional_function,
    optional_text,
    shown,
    text,
    whole,
)


def test_bounds_are_allowed_or_not_as_named() -> None:
    """`least` and `most` are, `above` and `under` are not."""
    assert number("x", 0, least=0.0, most=1.0) == 0.0
    assert number("x", 1, least=0.0, most=1.0) == 1.0
    for value in (0.0, 1.0):
        with pytest.raises(ConfigurationError, match=r"x is .*a finite number above 0 and below 1"):
            number("x", value, above=0.0, under=1.0)


def test_numbers_of_numpy_become_plain_ones() -> None:
    """So that a state holds no others."""
    assert type(number("x", np.float32(0.5))) is float
    assert type(whole("x", np.int64(5), 1)) is int


@pytest.mark.parametrize("value", [math.nan, math.inf, 10**400, True, "1", None, [1.0]], ids=repr)
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    """A truth value and a text are no numbers."""
    with pytest.raises(ConfigurationError, match="x is "):
        number("x", value)


@pytest.mark.parametrize("value", [0, 2**53 + 1, 1.0, True, "1", None], ids=repr)
def test_what_is_no_count_is_refused(value: object) -> None:
    """A float is none, even where it is whole."""
    with pytest.raises(ConfigurationError, match="give a whole number of 1 or more"):
        whole("x", value, 1)


def test_the_upper_bound_of_a_count_is_named() -> None:
    """Where there is one."""
    with pytest.raises(ConfigurationError, match="between 1 and 5"):
        whole("x", 6, 1, 5)


def test_only_choices_and_truth_values_are_taken() -> None:
    """A text that is near a choice, or a number that is near a truth value, is not."""
    with pytest.raises(ConfigurationError, match="mode is 'Rise': give one of rise, fall"):
        choice("mode", "Rise", ("rise", "fall"))
    with pytest.raises(ConfigurationError, match="x is 1: give True or False"):
        flag("x", 1)


@pytest.mark.parametrize("value", ["", 3, None, b"a", "a\ud800"], ids=ascii)
def test_what_no_file_can_hold_is_no_text(value: object) -> None:
    """Nor is an empty one."""
    with pytest.raises(ConfigurationError, match=r"x is .*: give a name"):
        text("x", value, "a name")


def test_nothing_given_is_taken_where_it_may_be() -> None:
    """As None, and as None alone."""
    assert optional_text("x", None, "a name") is None
    assert optional_function("x", None) is None
    with pytest.raises(ConfigurationError, match="give a name, or None"):
        optional_text("x", 3, "a name")
    with pytest.raises(ConfigurationError, match="x is 3: give a function, or None"):
        optional_function("x", cast(Any, 3))


def test_objects_of_another_class_are_refused() -> None:
    """With the remedy that the caller names."""
    assert instance("x", 3, int, "give one") == 3
    with pytest.raises(ConfigurationError, match=r"^x is 'b': load it first\.$"):
        instance("x", "b", int, "load it first")


def test_values_are_shown_in_few_words() -> None:
    """However large they are, and whatever showing them would cost."""
    endless: list[object] = []
    for _ in range(100_000):
        endless = [endless]
    assert shown(np.ones(5)) == "a ndarray"
    assert len(shown("x" * 500)) < 70
    assert shown([10**5_000]) == shown(endless) == "a list"
    assert "digits" in shown(10**5_000)
