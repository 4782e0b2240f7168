"""What thresholds must be."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import pytest

from modelwatch.comparing import Thresholds
from modelwatch.errors import ConfigurationError

NAMES = [field.name for field in fields(Thresholds)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", [None, "a", math.nan, -1, True, [1], 10**400], ids=str)
def test_what_is_no_number_in_range_is_refused(name: str, wrong: Any) -> None:
    """The message names it."""
    with pytest.raises(ConfigurationError, match=f"^{name} is "):
        Thresholds(**{name: wrong})


def test_rows_are_whole() -> None:
    """Half a row is none, nor is an endless number of them."""
    options: Any
    for options in ({"minimum_rows": 1.5}, {"minimum_rows": math.inf}):
        with pytest.raises(ConfigurationError, match="minimum_rows is"):
            Thresholds(**options)


def test_an_endless_limit_switches_its_verdict_off() -> None:
    """It is a number that nothing exceeds."""
    assert Thresholds(psi_drift=math.inf).psi_drift == math.inf
