"""Counts while no baseline is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelwatch.errors import ProfileMismatch
from modelwatch.sketches import ExponentialHistogram, Histogram
from modelwatch.sketches.bin_edges import quantile_edges
from modelwatch.sketches.exponential import MOST_BUCKETS, buckets_of
from modelwatch.sketches.log_window import LONGEST_ARRAY, from_window, to_window
from tests.distributions import DISTRIBUTIONS, FloatArray, Sampler

samples = arrays(np.float64, st.integers(0, 40), elements=st.floats(-1e20, 1e20))
wide = st.builds(
    lambda seed, size, digits: _wide(seed, size, digits),
    st.integers(0, 2**32 - 1),
    st.integers(0, 3_000),
    st.integers(0, 300),
)


def _wide(seed: int, size: int, digits: int) -> FloatArray:
    random = np.random.default_rng(seed)
    signs = random.choice([-1.0, 0.0, 1.0], size=size)
    found: FloatArray = signs * 10.0 ** random.uniform(-digits, digits, size=size)
    return found


def counted(values: FloatArray) -> ExponentialHistogram:
    """Count a sample."""
    histogram = ExponentialHistogram()
    histogram.update(values)
    return histogram


def state(histogram: ExponentialHistogram) -> tuple[object, ...]:
    """Return all that two histograms can differ in."""
    buckets = [part.tolist() for part in (*histogram.positive, *histogram.negative)]
    return histogram.scale, histogram.zero_count, buckets


def sent(values: FloatArray) -> ExponentialHistogram:
    """Return a sample's histogram as a receiver has it."""
    return from_window(to_window(counted(values)), float(values.min()), float(values.max()))


@given(samples | wide, samples | wide)
def test_merging_is_counting_all_at_once(a: FloatArray, b: FloatArray) -> None:
    """Merge equals concatenation in any order, nothing is lost, and memory is bounded."""
    whole = counted(np.concatenate([a, b]))
    assert state(counted(a).merge(counted(b))) == state(whole)
    assert state(counted(np.concatenate([b, a]))) == state(whole)
    assert whole.total == a.size + b.size
    assert whole.positive.indices.size + whole.negative.indices.size <= MOST_BUCKETS


@given(wide, wide, wide)
def test_merging_is_associative_and_commutative(
    a: FloatArray, b: FloatArray, c: FloatArray
) -> None:
    """How many histograms there were, and in which order they came, makes no difference."""
    x, y, z = counted(a), counted(b), counted(c)
    assert state(x.merge(y).merge(z)) == state(x.merge(y.merge(z)))
    assert state(x.merge(y)) == state(y.merge(x))


@given(wide)
def test_what_is_sent_keeps_totals_and_fits_its_array(values: FloatArray) -> None:
    """Whatever the values, an array has a bounded length, and every value is in it."""
    whole = counted(values)
    window = to_window(whole)
    for mine, theirs in ((whole.positive, window.positive), (whole.negative, window.negative)):
        assert mine.total == theirs.total
        if theirs.indices.size:
            assert theirs.indices[-1] - theirs.indices[0] < LONGEST_ARRAY
    if values.size:
        back = from_window(window, float(values.min()), float(values.max()))
        assert (back.total, back.zero_count) == (whole.total, whole.zero_count)
        assert (np.diff(back.positive.indices) > 0).all()


def test_large_samples_are_counted_as_small_ones() -> None:
    """A million values at once and in parts give one state."""
    values = np.random.default_rng(3).standard_cauchy(200_000)
    whole, parts = counted(values), ExponentialHistogram()
    for part in np.split(values, 100):
        parts.update(part)
    assert state(whole) == state(parts)


def test_extremes_are_counted() -> None:
    """The ends of floating point, signed zero and no value at all fit."""
    ends = np.array([5e-324, -5e-324, 2.3e-308, 1.7e308, -1.7e308, 0.0, -0.0])
    found = counted(ends)
    assert (found.zero_count, found.positive.total, found.negative.total) == (4, 2, 1)
    assert found.on_bins(np.array([0.0])).counts.tolist() == [5, 2]
    assert counted(np.empty(0)).total == 0


def test_buckets_are_open_below_and_closed_above() -> None:
    """OTLP's bucket of index i holds (base**i, base**(i + 1)], base being 2**(2**-scale)."""
    found = counted(np.array([1.0, 2.0, 2.0000001])).at_scale(6)
    assert found.positive.indices.tolist() == [-1, 63, 64]


def test_an_error_code_costs_no_resolution() -> None:
    """A value far off leaves the scale and every other bucket as they were."""
    values = np.random.default_rng(0).normal(290.0, 5.0, size=5_000)
    plain = counted(values)
    for far in (1e9, 1e12, 1e-6, -999.0):
        spoiled = counted(np.append(values, far))
        assert spoiled.scale == plain.scale
        assert to_window(spoiled).scale == to_window(plain).scale


def spoiled(sampler: Sampler, *codes: float, share: float) -> Sampler:
    """Return a sampler with a share of error codes."""

    def sample(random: np.random.Generator, size: int) -> FloatArray:
        values = sampler(random, size)
        for place, code in enumerate(codes):
            values[place :: round(1 / share)] = code
        return values

    return sample


def with_one(sampler: Sampler, far: float) -> Sampler:
    """Return a sampler of which one value is far off."""
    return lambda random, size: np.append(sampler(random, size - 1), far)


SPOILERS: dict[str, Callable[[Sampler], Sampler]] = {
    "plain": lambda sampler: sampler,
    "one of 1e12": lambda sampler: with_one(sampler, 1e12),
    "0.1% of 1e-6": lambda sampler: spoiled(sampler, 1e-6, share=0.001),
    "0.1% of 1e9": lambda sampler: spoiled(sampler, 1e9, share=0.001),
    "5% of 1e12": lambda sampler: spoiled(sampler, 1e12, share=0.05),
    "5% of -999": lambda sampler: spoiled(sampler, -999.0, share=0.05),
    "0.1% of 1e12 and of -999": lambda sampler: spoiled(sampler, 1e12, -999.0, share=0.001),
}


@pytest.mark.parametrize("spoiler", SPOILERS)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_ks_is_that_of_the_raw_values(name: str, spoiler: str) -> None:
    """On a baseline's bins the KS statistic is exact to 0.007, to 0.01 after it was sent."""
    random = np.random.default_rng(5)
    sampler = SPOILERS[spoiler](DISTRIBUTIONS[name])
    before, now = sampler(random, 50_000), sampler(random, 20_000)
    reference = Histogram(quantile_edges(before))
    reference.update(before)
    raw = Histogram(reference.bin_edges)
    raw.update(now)
    for found, most in ((counted(now), 0.007), (sent(now), 0.01)):
        binned = found.on_bins(reference.bin_edges, reference.counts)
        assert _ks(reference, binned) == pytest.approx(_ks(reference, raw), abs=most)


@pytest.mark.parametrize("shift", [0.1, 0.5, 3.0])
@pytest.mark.parametrize("name", ["normal", "kelvin", "unix-times", "log-normal", "uniform"])
def test_ks_of_a_shift_is_that_of_the_raw_values(name: str, shift: float) -> None:
    """A change is seen as large as it is, though buckets are cut as the baseline has them."""
    random = np.random.default_rng(6)
    before = DISTRIBUTIONS[name](random, 50_000)
    now = DISTRIBUTIONS[name](random, 20_000) + shift * before.std()
    now[::1_000] = 1e12
    reference = Histogram(quantile_edges(before))
    reference.update(before)
    raw = Histogram(reference.bin_edges)
    raw.update(now)
    binned = sent(now).on_bins(reference.bin_edges, reference.counts)
    assert _ks(reference, binned) == pytest.approx(_ks(reference, raw), abs=0.01)


def test_junk_in_one_window_does_not_spoil_the_hour() -> None:
    """Different far values in a few rows cost their own share, not the scale of what is merged."""
    random = np.random.default_rng(8)
    windows = [random.normal(290.0, 5.0, size=200) for _ in range(60)]
    windows[7][:8] = [1e-9, 3e-4, 0.02, 5.0, 1e5, 2e7, 3e9, 1e12]
    hour = ExponentialHistogram()
    for window in windows:
        hour = hour.merge(sent(window))
    every = np.concatenate(windows)
    raw = Histogram(np.linspace(270.0, 310.0, 41))
    raw.update(every)
    assert hour.total == every.size
    assert _ks(hour.on_bins(raw.bin_edges), raw) < 0.005


def test_few_values_of_a_wide_range_keep_their_place() -> None:
    """What is no bulk with far values is told at a coarser scale, within that scale's bucket."""
    values = np.array([1e-4, 0.3, 2.0, 50.0, 7e3])
    found = sent(values).on_bins(np.array([1e-2, 1.0, 10.0, 1e3]))
    assert found.counts.tolist() == [1] * 5


def _ks(a: Histogram, b: Histogram) -> float:
    return float(np.abs(a.cumulative_share() - b.cumulative_share()).max())


def test_whole_numbers_keep_to_their_bins() -> None:
    """Counts and classes, negative ones too, land in the bin that ends at them."""
    values = np.arange(-90.0, 91.0)
    assert counted(values).on_bins(values[:-1]).counts.tolist() == [1] * 181


def test_without_a_reference_values_are_spread_evenly() -> None:
    """On bins of no baseline a continuous sample's distribution function is kept too."""
    values = np.random.default_rng(1).lognormal(size=50_000)
    edges = np.quantile(values, np.arange(1, 20) / 20)
    shares = counted(values).on_bins(edges).cumulative_share()
    assert shares == pytest.approx(np.arange(1, 20) / 20, abs=0.005)


def test_a_finer_scale_merges_down_exactly() -> None:
    """Buckets of scale 8 become the buckets of scale 6 that contain them."""
    fine = ExponentialHistogram(buckets_of({0: 1, 3: 1, 4: 1}), buckets_of({-1: 2}), 7, 8)
    coarse = fine.merge(ExponentialHistogram(scale=6))
    assert state(coarse) == (6, 7, [[0, 1], [2, 1], [-1], [2]])


@pytest.mark.parametrize("scale", [21, -11])
def test_an_impossible_scale_is_refused(scale: int) -> None:
    """OTLP knows scales from -10 to 20."""
    with pytest.raises(ProfileMismatch, match="scale"):
        ExponentialHistogram(scale=scale)
