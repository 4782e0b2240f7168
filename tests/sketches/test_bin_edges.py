"""Where bins lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.sketches.bin_edges import coarsest_dyadic, probability_edges, quantile_edges
from tests.distributions import DISTRIBUTIONS


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_edges_increase_and_enclose_the_sample(name: str) -> None:
    """Edges are strictly increasing; the outer bins hold nothing of the sample."""
    values = DISTRIBUTIONS[name](np.random.default_rng(1), 20_000)
    edges = quantile_edges(values)
    assert np.all(np.diff(edges) > 0)
    assert edges[0] < values.min()
    assert edges[-1] >= values.max()
    assert len(edges) <= 247


def test_each_of_few_values_has_a_bin() -> None:
    """A hundred distinct values have a hundred bins."""
    values = np.repeat(np.arange(100.0), 7)
    counts = np.bincount(np.searchsorted(quantile_edges(values), values, side="left"))
    assert counts[counts > 0].tolist() == [7] * 100


def test_a_heavy_value_has_a_bin_of_its_own() -> None:
    """A frequent default value shares its bin with no other value."""
    rng = np.random.default_rng(2)
    values = np.concatenate([np.full(3_000, 0.25), rng.random(7_000)])
    edges = quantile_edges(values)
    bins = np.searchsorted(edges, values, side="left")
    assert set(values[bins == bins[0]]) == {0.25}


def test_quantile_bins_hold_nearly_equal_mass() -> None:
    """Rounding the edges coarsely moves no more than half a bin's mass on a smooth sample."""
    values = np.random.default_rng(3).normal(size=120_000)
    counts = np.bincount(np.searchsorted(quantile_edges(values), values), minlength=128)[1:-1]
    inner = counts[4:-4]
    assert counts.max() <= 1_500
    assert inner.min() >= 500


def test_an_error_code_draws_no_edge_away() -> None:
    """Where a gap leads to a far value, the edge before it stays by its quantile."""
    values = np.random.default_rng(4).normal(size=50_000)
    plain = quantile_edges(values)
    spoiled = quantile_edges(np.append(values, np.full(20, 1e9)))
    assert np.count_nonzero(spoiled < 5) == plain.size - 1
    assert spoiled[-2] < values.max()


def test_constant_sample_tells_below_at_and_above() -> None:
    """A constant's bin holds just that value."""
    edges = quantile_edges(np.full(9, 5.0))
    assert np.searchsorted(edges, [4.999, 5.0, 5.001], side="left").tolist() == [0, 1, 2]


def test_no_values_no_edges() -> None:
    """An empty sample has one bin for everything."""
    assert quantile_edges(np.empty(0)).size == 0


def test_probability_edges_are_uniform() -> None:
    """Scores have equal bins on [0, 1], so deciles are exact."""
    edges = probability_edges(120)
    assert edges[11::12] == pytest.approx(np.arange(1, 10) / 10, abs=1e-15)


@given(
    st.floats(-1e12, 1e12),
    st.floats(0.0, 1e9),
)
def test_coarse_number_stays_in_its_interval(lowest: float, width: float) -> None:
    """The chosen edge never leaves the interval it was given."""
    assert lowest <= coarsest_dyadic(lowest, lowest + width) <= lowest + width
