"""Counts on fixed bins."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelwatch.errors import ProfileMismatch
from modelwatch.sketches import Histogram

EDGES = [-1.0, 0.0, 2.5]
samples = arrays(np.float64, st.integers(0, 30), elements=st.floats(-5, 5))


def counted(values: np.ndarray) -> Histogram:
    """Count a sample."""
    histogram = Histogram(EDGES)
    histogram.update(values)
    return histogram


@given(samples)
def test_bins_are_open_below_and_closed_above(values: np.ndarray) -> None:
    """As in OTLP, a value on an edge belongs below it: an independent count agrees."""
    bounds = [-np.inf, *EDGES, np.inf]
    expected = [int(((values > low) & (values <= high)).sum()) for low, high in pairwise(bounds)]
    assert counted(values).counts.tolist() == expected


@given(samples, samples, samples)
def test_merging_is_counting_all_at_once(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """Merge equals concatenation, in any order and grouping."""
    whole = counted(np.concatenate([a, b, c])).counts.tolist()
    x, y, z = counted(a), counted(b), counted(c)
    assert x.merge(y).merge(z).counts.tolist() == whole
    assert z.merge(y.merge(x)).counts.tolist() == whole


def test_different_bins_do_not_merge() -> None:
    """Counts on other bins are refused, with the remedy."""
    with pytest.raises(ProfileMismatch, match="rebin"):
        Histogram([0.0]).merge(Histogram([1.0]))


@pytest.mark.parametrize("edges", [[1.0, 1.0], [2.0, 1.0], [np.nan], [np.inf]])
def test_bad_edges_are_refused(edges: list[float]) -> None:
    """Edges must be finite and increasing."""
    with pytest.raises(ProfileMismatch, match="bin_edges"):
        Histogram(edges)


@pytest.mark.parametrize("counts", [[1], [1, -1], [1, 2, 3]])
def test_bad_counts_are_refused(counts: list[int]) -> None:
    """There is one count of zero or more a bin."""
    with pytest.raises(ProfileMismatch, match="counts"):
        Histogram([0.0], counts)


def test_rebinning_keeps_the_total_and_the_shape() -> None:
    """Counts brought onto other bins keep their number, and their place to a bin's width."""
    values = np.random.default_rng(0).normal(size=20_000)
    fine = Histogram(np.linspace(-5, 5, 400))
    fine.update(values)
    coarse = Histogram([-1.0, 0.0, 1.0])
    coarse.update(values)
    rebinned = fine.rebinned(coarse.bin_edges, float(values.min()), float(values.max()))
    assert rebinned.total == 20_000
    assert np.abs(rebinned.counts - coarse.counts).max() < 120


def test_quantiles_follow_the_sample() -> None:
    """Quantiles from fine bins are near the sample's own."""
    values = np.random.default_rng(0).exponential(size=50_000)
    histogram = Histogram(np.linspace(0, 12, 500))
    histogram.update(values)
    shares = np.array([0.1, 0.5, 0.9])
    found = histogram.quantiles(shares, float(values.min()), float(values.max()))
    assert found == pytest.approx(np.quantile(values, shares), abs=0.03)
