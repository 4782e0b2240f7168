"""Distances between two binned distributions, against scipy and the textbook formulas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from modelwatch.comparisons.chi_square import chi_square, chi_square_each
from modelwatch.comparisons.hellinger import hellinger_distance, hellinger_each
from modelwatch.comparisons.js import js_distance, js_each
from modelwatch.comparisons.kl import kl_divergence, kl_each
from modelwatch.comparisons.ks import ks_each, ks_statistic
from modelwatch.comparisons.l_infinity import l_infinity, l_infinity_each
from modelwatch.comparisons.psi import psi, psi_each, psi_noise_floor
from modelwatch.comparisons.smoothing import shares
from modelwatch.comparisons.total_variation import total_variation, total_variation_each
from modelwatch.comparisons.wasserstein import wasserstein_distance, wasserstein_each

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
    "hellinger": hellinger_distance,
    "total_variation": total_variation,
    "l_infinity": l_infinity,
    "chi2": lambda p, q: chi_square(p, q).statistic,
    "wasserstein": lambda p, q: wasserstein_distance(p, q, np.arange(len(p) + 1.0)),
}


EACH: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "psi": psi_each,
    "kl": kl_each,
    "js": js_each,
    "ks": ks_each,
    "hellinger": hellinger_each,
    "total_variation": total_variation_each,
    "l_infinity": l_infinity_each,
    "chi2": lambda p, q: chi_square_each(p, q)[0],
    "wasserstein": lambda p, q: wasserstein_each(
        p, q, np.tile(np.arange(p.shape[1] + 1.0), (p.shape[0], 1))
    ),
}
IN_UNIT_RANGE = ("js", "ks", "hellinger", "total_variation", "l_infinity")
SYMMETRIC = ("psi", "js", "ks", "hellinger", "total_variation", "l_infinity", "chi2", "wasserstein")


@pytest.mark.parametrize("name", DISTANCES)
def test_many_at_once_are_the_same_as_one_by_one(name: str) -> None:
    """Rows of counts, empty ones and ones with empty bins among them, each as on its own."""
    rng = np.random.default_rng(0)
    p, q = (rng.poisson(rng.choice([0.0, 0.3, 20.0], (40, 7))) for _ in range(2))
    p[3], q[5] = 0, 0
    expected = [DISTANCES[name](list(a), list(b)) for a, b in zip(p, q, strict=True)]
    assert EACH[name](p, q) == pytest.approx(np.array(expected), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("name", IN_UNIT_RANGE)
@given(pair=pairs)
def test_bounded_distances_are_in_the_unit_range(
    name: str, pair: tuple[list[int], list[int]]
) -> None:
    """0 for equal shares, 1 for shares that have no bin in common, and never beyond."""
    assert 0.0 <= DISTANCES[name](*pair) <= 1.0
    assert DISTANCES[name]([7, 0], [0, 3]) == pytest.approx(1.0)


@pytest.mark.parametrize("name", SYMMETRIC)
@given(pair=pairs)
def test_symmetric_distances_are(name: str, pair: tuple[list[int], list[int]]) -> None:
    """Reference and current may change places, but for smoothing of unequal totals."""
    p, q = pair
    q = [count * sum(p) for count in q]
    p = [count * sum(pair[1]) for count in p]
    assert DISTANCES[name](p, q) == pytest.approx(DISTANCES[name](q, p), rel=1e-9, abs=1e-12)


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
def test_textbook_distances_equal_their_formulas(pair: tuple[list[int], list[int]]) -> None:
    """Hellinger, total variation and L-infinity, to 1e-12."""
    p, q = (np.array(side) / sum(side) for side in pair)
    by_affinity = np.sqrt(max(0.0, 1 - np.sum(np.sqrt(p * q))))
    assert hellinger_distance(*pair) ** 2 == pytest.approx(by_affinity**2, abs=1e-12)
    assert total_variation(*pair) == pytest.approx(np.maximum(q - p, 0).sum(), abs=1e-12)
    assert l_infinity(*pair) == pytest.approx(max(abs(q - p)), abs=1e-12)


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
