"""Distances between two binned distributions, against scipy and the textbook formulas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from modelwatch.comparisons import (
    js_distance,
    kl_divergence,
    ks_statistic,
    psi,
    psi_noise_floor,
    wasserstein_distance,
)
from modelwatch.comparisons.smoothing import shares

counts = st.lists(st.integers(0, 1_000), min_size=2, max_size=12)
pairs = st.integers(2, 12).flatmap(
    lambda size: st.tuples(
        *[st.lists(st.integers(1, 1_000), min_size=size, max_size=size) for _ in range(2)]
    )
)
Distance = Callable[[list[int], list[int]], float]
DISTANCES: dict[str, Distance] = {
    "psi": psi,
    "kl": kl_divergence,
    "js": js_distance,
    "ks": ks_statistic,
    "wasserstein": lambda p, q: wasserstein_distance(p, q, np.arange(len(p) + 1.0)),
}


@pytest.mark.parametrize("name", DISTANCES)
@given(pair=pairs)
def test_a_distance_is_zero_for_equals_and_never_negative(
    name: str, pair: tuple[list[int], list[int]]
) -> None:
    """Every distance is 0 for the same shares, finite, and 0 or more for others."""
    p, q = pair
    distance = DISTANCES[name]
    assert distance(p, p) == pytest.approx(0.0, abs=1e-12)
    assert 0.0 <= distance(p, q) + 1e-12 < np.inf


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize(("p", "q"), [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([0, 0], [0, 0])])
def test_an_empty_side_has_no_distance(name: str, p: list[int], q: list[int]) -> None:
    """Where one side holds nothing the distance is 0, never NaN."""
    assert DISTANCES[name](p, q) == 0.0


@given(pairs)
def test_psi_equals_the_textbook_formula(pair: tuple[list[int], list[int]]) -> None:
    """Without smoothing: the sum over bins of (q - p) ln(q / p)."""
    p, q = (np.array(side) / sum(side) for side in pair)
    expected = sum((b - a) * np.log(b / a) for a, b in zip(p, q, strict=True))
    assert psi(*pair, smoothing=0) == pytest.approx(expected, rel=1e-12, abs=1e-14)


@given(pairs)
def test_kl_equals_scipys_entropy(pair: tuple[list[int], list[int]]) -> None:
    """Without smoothing: scipy's relative entropy of the current from the reference, in nats."""
    expected = stats.entropy(pair[1], pair[0])
    assert kl_divergence(*pair, smoothing=0) == pytest.approx(expected, rel=1e-10, abs=1e-14)


@given(pairs)
def test_js_equals_scipys(pair: tuple[list[int], list[int]]) -> None:
    """Base 2, square root."""
    expected = jensenshannon(*pair, base=2)
    assert js_distance(*pair) == pytest.approx(expected, rel=1e-9, abs=1e-7)


@given(pairs)
def test_ks_equals_scipys_on_the_same_bins(pair: tuple[list[int], list[int]]) -> None:
    """The binned statistic is the raw one of values that are their bin's number."""
    p, q = (np.repeat(np.arange(len(side)), side) for side in pair)
    expected = stats.ks_2samp(p, q, method="asymp").statistic
    assert ks_statistic(*pair) == pytest.approx(expected, abs=1e-12)


@given(pairs)
def test_wasserstein_equals_the_area_between(pair: tuple[list[int], list[int]]) -> None:
    """The area between two piecewise linear functions, by fine numerical integration."""
    size = len(pair[0])
    bounds = np.cumsum(np.r_[0.0, 1.0 + np.arange(size) % 3])
    grid = np.linspace(bounds[0], bounds[-1], 200_001)
    heights = [np.r_[0.0, np.cumsum(side)] / sum(side) for side in pair]
    gap = np.abs(np.interp(grid, bounds, heights[0]) - np.interp(grid, bounds, heights[1]))
    expected = float(np.trapezoid(gap, grid))
    assert wasserstein_distance(*pair, bounds) == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_wasserstein_of_raw_values_is_near() -> None:
    """On fine bins it is scipy's distance of the raw values."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=20_000), rng.normal(0.3, 1.2, size=20_000)
    bounds = np.linspace(-7, 7, 400)
    p, q = np.histogram(x, bounds)[0], np.histogram(y, bounds)[0]
    expected = stats.wasserstein_distance(x, y)
    assert wasserstein_distance(p, q, bounds) == pytest.approx(expected, abs=0.003)


@given(counts)
def test_smoothed_shares_are_a_distribution(values: list[int]) -> None:
    """Shares sum to one and none is zero, so no logarithm is infinite."""
    found = shares(values)
    assert found.sum() == pytest.approx(1.0)
    assert (found > 0).all()


def test_psi_noise_floor_is_what_independent_samples_show() -> None:
    """The mean index of undrifted samples is the floor, to its sampling error."""
    rng = np.random.default_rng(0)
    p = np.full(10, 0.1)
    found = [psi(rng.multinomial(4_000, p), rng.multinomial(500, p)) for _ in range(600)]
    assert np.mean(found) == pytest.approx(psi_noise_floor(10, 4_000, 500), rel=0.08)
