"""Moments of one feature."""

from __future__ import annotations

import math

import numpy as np
import pytest

from modelwatch.errors import ProfileMismatch
from modelwatch.sketches import Moments
from tests.distributions import DISTRIBUTIONS


def folded(values: np.ndarray, shift: float = 0.0) -> Moments:
    """Fold in a sample."""
    moments = Moments(shift=shift)
    moments.update(values)
    return moments


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_moments_equal_numpys(name: str) -> None:
    """Mean, variance and extremes equal the direct computation on the raw values."""
    values = DISTRIBUTIONS[name](np.random.default_rng(0), 4_000)
    moments = folded(values, float(values[0]))
    assert moments.mean == pytest.approx(float(np.mean(values)), rel=1e-12)
    assert moments.variance == pytest.approx(float(np.var(values, ddof=1)), rel=1e-10)
    assert (moments.minimum, moments.maximum) == (values.min(), values.max())


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9])
def test_a_thousand_shards_equal_the_whole(offset: float) -> None:
    """Merging loses no digit, at large offsets too (measured about the baseline's mean)."""
    values = np.random.default_rng(1).normal(size=100_000) + offset
    whole = folded(values, offset)
    merged = Moments(shift=offset)
    for shard in np.array_split(values, 1_000):
        merged = merged.merge(folded(shard, offset))
    assert merged.n == whole.n
    assert merged.mean == pytest.approx(whole.mean, rel=1e-12)
    assert merged.variance == pytest.approx(whole.variance, rel=1e-12)
    centred = (values - offset).astype(np.longdouble)
    assert merged.variance == pytest.approx(float(centred.var(ddof=1)), rel=1e-12)


def test_different_shifts_merge() -> None:
    """Summaries kept about different shifts give the same moments."""
    a, b = np.arange(5.0), np.arange(10.0, 20.0)
    merged = folded(a, 3.0).merge(folded(b, 100.0))
    assert merged.variance == pytest.approx(float(np.var(np.concatenate([a, b]), ddof=1)))


def test_empty_and_single_values_have_no_variance() -> None:
    """What is undefined is NaN, not zero."""
    assert math.isnan(Moments().mean)
    assert math.isnan(folded(np.array([2.0])).variance)
    assert folded(np.array([2.0])).mean == 2.0
    assert folded(np.empty(0)).n == 0


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_what_is_left_without_a_part_is_the_rest(name: str) -> None:
    """Taking a part away undoes its merging, whatever its own shift is."""
    values = DISTRIBUTIONS[name](np.random.default_rng(1), 3_000)
    part, rest = folded(values[:1_000], float(values[5])), folded(values[1_000:])
    left = rest.merge(part).without(part)
    assert left.n == 2_000
    assert left.mean == pytest.approx(rest.mean, rel=1e-9)
    assert left.variance == pytest.approx(rest.variance, rel=1e-7)


def test_nothing_is_left_of_all_and_more_cannot_be_taken() -> None:
    """One value left has no spread, none has no mean, and more than there are is refused."""
    moments, two = folded(np.array([1.0, 2.0, 4.0])), folded(np.array([1.0, 4.0]))
    assert moments.without(two).mean == pytest.approx(2.0)
    assert moments.without(two).m2 == 0.0
    assert math.isnan(moments.without(moments).mean)
    with pytest.raises(ProfileMismatch, match="cannot be taken"):
        two.without(moments)
