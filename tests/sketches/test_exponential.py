"""Counts while no baseline is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelwatch.errors import ProfileMismatch
from modelwatch.sketches import ExponentialHistogram
from modelwatch.sketches.exponential import from_buckets

samples = arrays(np.float64, st.integers(0, 40), elements=st.floats(-1e20, 1e20))


def counted(values: np.ndarray) -> ExponentialHistogram:
    """Count a sample."""
    histogram = ExponentialHistogram()
    histogram.update(values)
    return histogram


def state(histogram: ExponentialHistogram) -> tuple[object, ...]:
    """Return all that two histograms can differ in."""
    return dict(histogram.positive), dict(histogram.negative), histogram.zero_count


@given(samples, samples)
def test_merging_is_counting_all_at_once(a: np.ndarray, b: np.ndarray) -> None:
    """Merge equals concatenation, and nothing is lost."""
    whole = counted(np.concatenate([a, b]))
    assert state(counted(a).merge(counted(b))) == state(whole)
    assert whole.total == a.size + b.size


def test_buckets_are_open_below_and_closed_above() -> None:
    """OTLP's bucket of index i holds (2**(i/64), 2**((i+1)/64)]."""
    assert counted(np.array([1.0, 2.0, 2.0000001])).positive == {-1: 1, 63: 1, 64: 1}


def test_an_error_code_costs_no_resolution() -> None:
    """One value of 1e9 leaves every other bucket as it was."""
    values = np.random.default_rng(0).lognormal(size=5_000)
    without = counted(values).positive
    assert counted(np.append(values, 1e9)).positive - without == counted(np.array([1e9])).positive


def test_shares_on_other_bins_are_within_a_buckets_width() -> None:
    """On explicit bins a continuous sample's distribution function is kept to about 1.1%."""
    values = np.random.default_rng(1).lognormal(size=50_000)
    edges = np.quantile(values, np.arange(1, 20) / 20)
    found = counted(values).on_bins(edges).cumulative_share()
    low, high = ((values[:, None] <= edges * factor).mean(axis=0) for factor in (0.999, 1.0115))
    assert (found >= low).all()
    assert (found <= high).all()


def test_whole_numbers_keep_to_their_bins() -> None:
    """Counts and classes, negative ones too, land in the bin that ends at them."""
    values = np.arange(-90.0, 91.0)
    assert counted(values).on_bins(values[:-1]).counts.tolist() == [1] * 181


def test_a_finer_scale_merges_down_exactly() -> None:
    """Buckets of scale 8 become the buckets of scale 6 that contain them."""
    assert from_buckets(8, {0: 1, 3: 1, 4: 1}, {-1: 2}, 7).positive == {0: 2, 1: 1}
    assert from_buckets(8, {}, {-1: 2}, 7).negative == {-1: 2}


def test_an_impossible_scale_is_refused() -> None:
    """OTLP knows scales from -10 to 20."""
    with pytest.raises(ProfileMismatch, match="scale"):
        from_buckets(21, {}, {}, 0)
