"""Intervals hold what they are of, as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from modelwatch.comparisons.intervals import (
    ks_interval,
    mean_shift_interval,
    psi_interval,
    rate_interval,
    std_ratio_interval,
)
from modelwatch.comparisons.ks import ks_statistic
from modelwatch.comparisons.psi import psi

ROUNDS = 1_500
M, N = 20_000, 1_000


def coverage(intervals: list[tuple[float, float]], truth: float) -> float:
    """Return how many of the intervals hold the truth."""
    return float(np.mean([low <= truth <= high for low, high in intervals]))


@pytest.mark.parametrize("tilt", [0.3, 0.6, 1.0])
def test_the_index_is_in_its_interval(tilt: float) -> None:
    """The true index of two known distributions, from samples of them."""
    rng = np.random.default_rng(0)
    p = np.full(10, 0.1)
    q = np.exp(tilt * np.linspace(-1, 1, 10))
    q /= q.sum()
    truth = float(((q - p) * np.log(q / p)).sum())
    samples = ((rng.multinomial(M, p), rng.multinomial(N, q)) for _ in range(ROUNDS))
    found = [psi_interval(psi(x, y), 9, 1 / M + 1 / N) for x, y in samples]
    assert coverage(found, truth) == pytest.approx(0.95, abs=0.025)


def test_no_change_is_in_the_interval_of_the_index() -> None:
    """Without any change the lower bound is 0 nearly always."""
    rng = np.random.default_rng(1)
    p = np.full(10, 0.1)
    samples = ((rng.multinomial(M, p), rng.multinomial(N, p)) for _ in range(ROUNDS))
    found = [psi_interval(psi(x, y), 9, 1 / M + 1 / N) for x, y in samples]
    assert np.mean([low == 0.0 for low, _ in found]) >= 0.97


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.5])
def test_mean_and_spread_are_in_their_intervals(scale: float) -> None:
    """Changes of mean and standard deviation of exponential values, whose kurtosis is 9."""
    rng = np.random.default_rng(2)
    shifts, ratios = [], []
    for _ in range(ROUNDS):
        x, y = rng.exponential(size=M), scale * rng.exponential(size=N)
        ratio = y.std(ddof=1) / x.std(ddof=1)
        shift = (y.mean() - x.mean()) / x.std(ddof=1)
        shifts.append(mean_shift_interval(shift, ratio, 1 / N, 1 / M))
        ratios.append(std_ratio_interval(ratio, 9.0, 1 / N + 1 / M))
    assert coverage(shifts, scale - 1) == pytest.approx(0.95, abs=0.025)
    assert coverage(ratios, scale) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("rate", [0.0, 0.004, 0.3, 1.0])
def test_a_rate_is_in_its_interval(rate: float) -> None:
    """Wilson's interval, as scipy has it; never empty, even without an event."""
    rng = np.random.default_rng(3)
    events = rng.binomial(N, rate, ROUNDS)
    found = [rate_interval(count / N, N) for count in events.tolist()]
    assert coverage(found, rate) >= 0.925
    expected = stats.binomtest(int(events[0]), N).proportion_ci(method="wilson")
    assert found[0] == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_largest_difference_is_in_its_interval() -> None:
    """The band of Kolmogorov holds the true statistic at least as often as it says."""
    rng = np.random.default_rng(4)
    p, q = np.full(50, 0.02), np.exp(np.linspace(-0.4, 0.4, 50))
    q /= q.sum()
    truth = float(np.abs(np.cumsum(q - p)).max())
    samples = ((rng.multinomial(M, p), rng.multinomial(N, q)) for _ in range(ROUNDS))
    found = [ks_interval(ks_statistic(x, y), 1 / M + 1 / N) for x, y in samples]
    assert coverage(found, truth) >= 0.95


def test_fewer_degrees_of_freedom_widen_the_interval() -> None:
    """Rows in clusters, which have fewer of them, tell less."""
    narrow, wide = psi_interval(0.5, 9, 0.02), psi_interval(0.5, 9, 0.02, nu=2.0)
    assert wide[1] - wide[0] > narrow[1] - narrow[0]
