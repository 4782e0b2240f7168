"""Intervals of plain statistics hold the truth as often as they say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import signal, stats

from modelwatch.comparisons.block_effects import fit_value_effects
from modelwatch.comparisons.blocks import count_blocks
from modelwatch.comparisons.cells import decile_starts
from modelwatch.comparisons.moment_changes import (
    Change,
    Numbers,
    extreme_changes,
    mean_change,
    quantile_change,
    quantile_effect,
    rate_change,
    spread_effect,
    standard_deviation_change,
)
from modelwatch.sketches import Histogram, Moments
from modelwatch.sketches.bin_edges import quantile_edges

FloatArray = npt.NDArray[np.float64]
ROUNDS, N = 2_000, 1_000
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


def moments(values: FloatArray) -> Moments:
    """Fold in values."""
    found = Moments()
    found.update(values)
    return found


def numbers(values: FloatArray, edges: FloatArray, *, distinct: bool = False) -> Numbers:
    """Count values on bins."""
    histogram = Histogram(edges)
    histogram.update(values)
    return Numbers(moments(values), histogram, distinct)


def coverage(changes: list[Change], truth: float) -> float:
    """Return how many of the intervals hold the truth."""
    held = []
    for change in changes:
        assert change.lower is not None
        assert change.upper is not None
        held.append(change.lower <= truth <= change.upper)
    return float(np.mean(held))


LAWS = {
    "normal": stats.norm(5, 2),
    "uniform": stats.uniform(1, 2),
    "exponential": stats.expon(scale=3),
    "lognormal": stats.lognorm(0.5),
}


@pytest.mark.parametrize("name", LAWS)
def test_means_and_spreads_are_in_their_intervals(name: str) -> None:
    """The true mean and standard deviation, given the law's own kurtosis."""
    law = LAWS[name]
    kurtosis = float(law.stats("k")) + 3
    rng = np.random.default_rng(11)
    rounds = [moments(law.rvs(size=N, random_state=rng)) for _ in range(ROUNDS)]
    means = [mean_change(now, now, 1 / N) for now in rounds]
    spreads = [standard_deviation_change(now, now, kurtosis, 1 / N) for now in rounds]
    assert coverage(means, law.mean()) == pytest.approx(0.95, abs=0.03)
    assert coverage(spreads, law.std()) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("name", LAWS)
def test_quantiles_are_in_their_intervals(name: str, share: float) -> None:
    """The true quantile, read off a baseline's bins though the law has shifted by .2 sd."""
    law = LAWS[name]
    rng = np.random.default_rng(12)
    reference = law.rvs(size=20_000, random_state=rng)
    edges, shift = quantile_edges(reference), 0.2 * law.std()
    before = numbers(reference, edges)
    found = [
        quantile_change(
            share, before, numbers(law.rvs(size=N, random_state=rng) + shift, edges), 1 / N
        )
        for _ in range(400)
    ]
    assert coverage(found, law.ppf(share) + shift) == pytest.approx(0.95, abs=0.03)
    assert before.quantile(share) == pytest.approx(np.quantile(reference, share), rel=0.02)


def autoregressive(rng: np.random.Generator, coefficient: float, rounds: int) -> FloatArray:
    """Return N(0, 1) values that each follow the one before, shape (rounds, N)."""
    noise = rng.normal(size=(rounds, N)) * np.sqrt(1 - coefficient**2)
    noise[:, 0] = rng.normal(size=rounds)
    return np.asarray(signal.lfilter([1.0], [1.0, -coefficient], noise, axis=1))


@pytest.mark.parametrize("coefficient", [0.5, 0.9])
def test_clustered_rows_count_as_fewer(coefficient: float) -> None:
    """On autoregressions the intervals hold by the design effects that the baseline measured."""
    rng = np.random.default_rng(13)
    blocks = autoregressive(rng, coefficient, 100).ravel()
    edges = quantile_edges(blocks)
    counts = count_blocks(np.searchsorted(edges, blocks), edges.size + 1)
    effects = fit_value_effects(counts, decile_starts(counts.sum(axis=0)))
    location, cells = effects.location.phi_at(N), effects.cells.phi_at(N)
    sides = [numbers(row, edges) for row in autoregressive(rng, coefficient, 800)]
    means = [mean_change(side.moments, side.moments, location / N) for side in sides]
    assert coverage(means, 0.0) == pytest.approx(0.95, abs=0.03)
    spread = spread_effect(location, cells) / N
    spreads = [standard_deviation_change(side.moments, side.moments, 3.0, spread) for side in sides]
    assert coverage(spreads, 1.0) == pytest.approx(0.95, abs=0.03)
    for share in SHARES:
        noise = quantile_effect(share, location, cells) / N
        found = [quantile_change(share, side, side, noise) for side in sides]
        assert coverage(found, stats.norm.ppf(share)) == pytest.approx(0.95, abs=0.03)
    independent = [mean_change(side.moments, side.moments, 1 / N) for side in sides]
    assert coverage(independent, 0.0) < 0.8


@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_rates_are_in_their_intervals(rate: float) -> None:
    """The true share of rows, a rare one too."""
    counts = np.random.default_rng(15).binomial(N, rate, size=ROUNDS)
    found = [rate_change(0.0, count / N, 1 / N) for count in counts]
    assert coverage(found, rate) == pytest.approx(0.95, abs=0.03)


def test_whole_numbers_have_whole_quantiles() -> None:
    """Where each bin holds one value, quantiles are values, as those of the rows are."""
    rng = np.random.default_rng(16)
    values = rng.poisson(3, size=N).astype(float)
    side = numbers(values, quantile_edges(values), distinct=True)
    for share in (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0):
        expected = np.quantile(values, share, method="inverted_cdf")
        assert side.quantile(share) == expected
    flags = np.repeat([0.0, 1.0], [700, 300])
    side = numbers(flags, quantile_edges(flags), distinct=True)
    assert quantile_change(0.5, side, side, 1 / N) == Change(0.0, 0.0, 0.0, 0.0)


def test_equal_values_have_no_width() -> None:
    """Of a constant everything is known exactly."""
    constant = moments(np.full(50, 7.0))
    for found in (
        mean_change(constant, constant, 1 / 50),
        standard_deviation_change(constant, constant, 3.0, 1 / 50),
    ):
        assert found.lower == found.current == found.upper


def test_one_value_has_no_interval() -> None:
    """One value says what the mean is, and not how sure."""
    one = moments(np.array([3.0]))
    assert mean_change(one, one, 1.0) == Change(3.0, 3.0, None, None)
    assert extreme_changes(one, moments(np.array([1.0, 9.0]))) == (
        Change(3.0, 1.0),
        Change(3.0, 9.0),
    )


def test_without_a_kurtosis_the_spread_has_no_interval() -> None:
    """A baseline that does not know its kurtosis leaves the interval open."""
    two = moments(np.array([1.0, 3.0]))
    assert standard_deviation_change(two, two, None, 0.5) == Change(2**0.5, 2**0.5)


def test_values_outside_of_all_bins_stay_within_the_extremes() -> None:
    """Quantiles of what moved beyond every bin lie between the smallest and largest value."""
    side = numbers(np.linspace(100, 200, N), np.array([0.0, 1.0, 2.0]))
    for distinct in (False, True):
        side = Numbers(side.moments, side.histogram, distinct)
        assert all(100 <= side.quantile(share) <= 200 for share in SHARES)
    found = quantile_change(0.5, side, side, 1.0)
    assert found.lower is not None
    assert 100 <= found.lower <= 200
