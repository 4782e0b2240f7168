"""Rates of rare events."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from modelwatch.comparisons.rare_events import rate_p_value


@pytest.mark.parametrize(("before", "now"), [(0, 3), (5, 0), (40, 9), (2, 1)])
def test_p_value_is_twice_the_smaller_binomial_tail(before: int, now: int) -> None:
    """Given all events, the current ones are binomial: scipy's one-sided tests, doubled."""
    share = 1_000 / 51_000
    tails = [
        stats.binomtest(now, before + now, share, alternative=side).pvalue
        for side in ("less", "greater")
    ]
    expected = min(1.0, 2 * min(tails))
    assert rate_p_value(before, 50_000, now, 1_000) == pytest.approx(expected)


def test_no_events_are_no_evidence() -> None:
    """Without an event, or without rows, the p-value is 1."""
    assert rate_p_value(0, 100, 0, 100) == 1.0
    assert rate_p_value(3, 100, 0, 0) == 1.0


def test_false_alarms_stay_below_the_level() -> None:
    """Undrifted rare events: at most 5% of the p-values are below .05."""
    rng = np.random.default_rng(0)
    draws = zip(rng.binomial(20_000, 0.001, 2_000), rng.binomial(2_000, 0.001, 2_000), strict=True)
    alarms = [rate_p_value(int(a), 20_000, int(b), 2_000) < 0.05 for a, b in draws]
    assert np.mean(alarms) <= 0.05
