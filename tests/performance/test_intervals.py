"""Intervals of proportions, means and transformed values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from modelwatch.errors import ConfigurationError
from modelwatch.performance.intervals import (
    Z95,
    Estimate,
    check_design_effect,
    fisher_z_interval,
    log_interval,
    logit_interval,
    mover_mean_interval,
    normal_interval,
    wilson_interval,
)


@pytest.mark.parametrize(("successes", "trials"), [(0, 7), (3, 10), (10, 10), (512, 1_000)])
def test_wilson_is_that_of_scipy(successes: int, trials: int) -> None:
    """The interval of a proportion is the score interval of an independent implementation."""
    expected = stats.binomtest(successes, trials).proportion_ci(0.95, "wilson")
    assert wilson_interval(successes, trials) == pytest.approx(
        (expected.low, expected.high), abs=1e-12
    )


def test_clusters_count_as_fewer_rows() -> None:
    """A design effect of 4 gives the interval of a quarter of the rows."""
    assert wilson_interval(40, 100, 4.0) == pytest.approx(wilson_interval(10, 25))


def test_the_normal_quantile_is_right() -> None:
    """The constant is the quantile that it says it is."""
    assert pytest.approx(stats.norm.ppf(0.975), abs=1e-15) == Z95


def test_mean_of_symmetric_intervals_is_the_textbook_one() -> None:
    """With equal symmetric limits the interval shrinks with the root of their number."""
    low, high = mover_mean_interval([0.5] * 4, [0.4] * 4, [0.6] * 4)
    assert (low, high) == pytest.approx((0.45, 0.55))


def test_transformed_intervals_stay_in_range() -> None:
    """Near the end of its range an interval is cut by no edge, yet does not cross it."""
    low, high = logit_interval(0.98, 0.02, trials=50)
    assert 0 < low < 0.98 < high < 1
    low, high = fisher_z_interval(-0.97, 0.05)
    assert -1 < low < -0.97 < high < 1
    low, high = log_interval(0.1, 0.2)
    assert 0 < low < 0.1 < high
    assert normal_interval(0.1, 0.2, lowest=0.0)[0] == 0.0


def test_small_errors_need_no_transform() -> None:
    """For small errors each transformed interval is the plain normal one."""
    plain = normal_interval(0.6, 1e-4)
    assert logit_interval(0.6, 1e-4, trials=100) == pytest.approx(plain, rel=1e-5)
    assert fisher_z_interval(0.6, 1e-4) == pytest.approx(plain, rel=1e-5)
    assert log_interval(0.6, 1e-4) == pytest.approx(plain, rel=1e-5)


def test_values_without_a_spread_have_intervals() -> None:
    """A perfect value has a doubt that depends on its rows; a loss of 0 has none to be seen."""
    low, high = logit_interval(1.0, 0.0, trials=20)
    assert (low, high) == pytest.approx(wilson_interval(20, 20))
    assert log_interval(0.0, 0.0) == (0.0, 0.0)
    assert fisher_z_interval(1.0, 0.1) == pytest.approx((1 - Z95 / 10, 1.0))
    assert all(math.isfinite(limit) for limit in logit_interval(0.5, 1e6, trials=1))


def test_an_interval_holds_its_value() -> None:
    """Rounding never leaves a value outside of its own limits."""
    estimate = Estimate.of(np.float64(0.3), (0.30000000000000004, 0.2), 10.0)
    assert estimate == Estimate(0.3, 0.3, 0.3, 10)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_bad_design_effects_are_refused(value: float) -> None:
    """A design effect is a positive finite number."""
    with pytest.raises(ConfigurationError, match="design_effect"):
        check_design_effect(value)
