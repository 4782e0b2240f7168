"""What moments tell of a grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.diagnosis.whole_multiples import (
    are_multiples,
    ends_are_multiples,
    native_step,
    sums_are_multiples,
)
from modelwatch.sketches import Moments


def moments(values: np.ndarray, shift: float = 0.0) -> Moments:
    """Return the moments of values, folded in by three parts."""
    found = Moments(shift=shift)
    for part in np.array_split(values, 3):
        found.update(part)
    return found


@given(
    st.lists(st.integers(-10_000, 10_000), min_size=3, max_size=50),
    st.sampled_from([0.01, 0.25, 1.0, 5.0]),
    st.floats(-100, 100),
)
def test_multiples_are_told_whatever_the_shift(whole: list[int], step: float, shift: float) -> None:
    """Folded in parts, about any shift."""
    found = moments(np.array(whole) * step, shift)
    assert ends_are_multiples(found, step)
    assert sums_are_multiples(found, step) is not False


@pytest.mark.parametrize("rows", [50, 1_000, 10_000])
def test_other_values_are_told_apart(rows: int) -> None:
    """None of a hundred windows passes by chance."""
    rng = np.random.default_rng(rows)
    assert not any(are_multiples(moments(rng.normal(50, 9, rows)), 0.01) for _ in range(100))


def test_an_offset_is_taken_off_first() -> None:
    """Multiples beside zero."""
    found = moments(np.arange(90) * 3.0 + 0.7)
    assert are_multiples(found, 3.0, 0.7)
    assert not are_multiples(found, 3.0)


def test_digits_that_do_not_suffice_are_said_to() -> None:
    """A step of a millionth on values in millions is beyond a 64-bit float's sums."""
    assert sums_are_multiples(moments(np.full(10_000, 5e6)), 1e-6) is None


@pytest.mark.parametrize(
    ("values", "step"),
    [([1.0, 2.0, 7.0], 1.0), ([0.25, 1.5], 0.01), ([300.0, 700.0], 100.0), ([1 / 3, 2.0], None)],
)
def test_the_recorded_step_is_a_power_of_ten(values: list[float], step: float | None) -> None:
    """The largest that all values are multiples of."""
    assert native_step(moments(np.array(values))) == step


def test_nothing_is_a_multiple_of_nothing() -> None:
    """Moments of no values have no grid."""
    assert native_step(Moments()) is None
