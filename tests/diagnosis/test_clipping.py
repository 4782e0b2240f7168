"""Limits at which values are cut off."""

from __future__ import annotations

import numpy as np
import pytest

from tests.diagnosis.conftest import Watched


@pytest.mark.parametrize("name", ["distance", "air_time", "minute", "arr_delay", "log"])
@pytest.mark.parametrize("share", [0.12, 0.3])
@pytest.mark.parametrize("side", ["above", "below"])
def test_a_limit_is_named(flights: Watched, name: str, share: float, side: str) -> None:
    """With its value and what it holds."""
    values = flights.window(name)
    limit = float(np.nanquantile(values, 1 - share if side == "above" else share))
    clipped = np.minimum(values, limit) if side == "above" else np.maximum(values, limit)
    cause = flights.cause(name, clipped)
    assert cause is not None
    assert cause.name == "clipping"
    assert f"cut off {side} {limit:.4g}" in cause.text


def test_limits_on_both_sides_are_named(flights: Watched) -> None:
    """In one cause."""
    cause = flights.cause("air_time", np.clip(flights.window("air_time"), 50, 300))
    assert cause is not None
    assert "above 300" in cause.text
    assert "below 50" in cause.text


def test_a_tail_that_is_gone_is_no_limit(flights: Watched) -> None:
    """Without long flights there is nothing that piles up."""
    values = flights.window("distance", 8_000)
    assert flights.cause("distance", values[values < 1_500]) is None
