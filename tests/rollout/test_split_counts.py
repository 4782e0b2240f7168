"""Counts of two sides, tested exactly at any time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from modelwatch.errors import ConfigurationError
from modelwatch.rollout.split_counts import split_interval, split_p_value

COUNTS = st.integers(0, 2_000)
SHARES = st.floats(0.01, 0.99)


@pytest.mark.parametrize(("first", "second", "share"), [(3, 9, 0.5), (40, 12, 0.3), (0, 7, 0.2)])
def test_the_evidence_is_the_mixture_of_binomial_laws(
    first: int, second: int, share: float
) -> None:
    """The p-value is the law of the share over its mean over all shares, by integration."""
    total = first + second
    mixture, _ = integrate.quad(lambda p: float(stats.binom.pmf(second, total, p)), 0, 1)
    expected = min(float(stats.binom.pmf(second, total, share)) / mixture, 1.0)
    assert split_p_value(first, second, share=share) == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 0.1])
def test_false_alarms_at_any_look_are_at_most_alpha(share: float) -> None:
    """Looked at after every single count, the p-value gets below 5% in at most 5% of streams.

    The binomial test for one look does in far more.
    """
    rng = np.random.default_rng(0)
    streams, counts = 2_000, 300
    seconds = (rng.random((streams, counts)) < share).cumsum(axis=1)
    totals = np.arange(1, counts + 1)
    lower = stats.binom.cdf(seconds, totals, share)
    upper = stats.binom.sf(seconds - 1, totals, share)
    peeking = (2 * np.minimum(lower, upper) < 0.05).any(axis=1).mean()
    false = sum(
        any(
            split_p_value(at + 1 - second, second, share=share) < 0.05
            for at, second in enumerate(one)
        )
        for one in seconds.tolist()
    )
    assert false <= 0.05 * streams
    assert peeking > 0.2


@given(COUNTS, COUNTS, SHARES, st.floats(0.001, 0.5))
def test_limits_and_p_value_say_the_same(
    first: int, second: int, share: float, alpha: float
) -> None:
    """A share is outside of the limits just where its p-value is below alpha."""
    low, high = split_interval(first, second, alpha=alpha)
    assert 0 <= low <= high <= 1
    p_value = split_p_value(first, second, share=share)
    if not math.isclose(p_value, alpha, rel_tol=1e-6):
        assert (p_value < alpha) == (not low <= share <= high)


@given(COUNTS, COUNTS, SHARES)
def test_the_sides_may_be_swapped(first: int, second: int, share: float) -> None:
    """It makes no difference which side is called first."""
    swapped = split_p_value(second, first, share=1 - share)
    assert split_p_value(first, second, share=share) == pytest.approx(swapped, rel=1e-6)


def test_clusters_count_as_so_many_single_counts() -> None:
    """A design effect of 2 makes of each two counts one."""
    assert split_p_value(4, 40, design_effect=2.0) == split_p_value(2, 20)
    assert split_interval(4, 40, design_effect=2.0) == split_interval(2, 20)


def test_nothing_counted_tells_nothing() -> None:
    """Without counts any share is possible."""
    assert split_p_value(0, 0) == 1.0
    assert split_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"first": -1, "second": 0},
        {"first": 0, "second": math.nan},
        {"first": 1, "second": 1, "share": 1.0},
        {"first": 1, "second": 1, "design_effect": 0.0},
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, float]) -> None:
    """The error names the argument."""
    with pytest.raises(ConfigurationError, match=r"first|second|share|design_effect"):
        split_p_value(**arguments)
