"""Several p-values made one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from modelwatch.comparisons.combining import cauchy_combination, weighted_bonferroni

p_values = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6)


def test_the_combination_equals_scipys_cauchy_law() -> None:
    """The mean of Cauchy values, judged by the Cauchy law."""
    p = [0.03, 0.2, 0.6]
    expected = stats.cauchy.sf(np.mean(stats.cauchy.isf(p)))
    assert cauchy_combination(p) == pytest.approx(expected, rel=1e-12)


@given(p_values)
def test_the_combination_is_a_p_value(p: list[float]) -> None:
    """In [0, 1], even of zeros and ones; one test alone stays what it is where it is small."""
    assert 0.0 <= cauchy_combination(p) <= 1.0
    assert 0.0 <= weighted_bonferroni(p, [1.0] * len(p)) <= 1.0
    assert cauchy_combination([0.004]) == pytest.approx(0.004)


def test_a_test_without_power_does_not_silence_the_others() -> None:
    """Beside a p-value of 1, a small one stays small."""
    assert cauchy_combination([1e-4, 1.0, 1.0]) < 5e-4


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95])
def test_related_tests_keep_the_level(correlation: float) -> None:
    """Three tests of normal values, related or not, alarm as often as the level says."""
    rng = np.random.default_rng(1)
    shared = np.sqrt(correlation) * rng.normal(size=(40_000, 1))
    z = shared + np.sqrt(1 - correlation) * rng.normal(size=(40_000, 3))
    found = np.array([cauchy_combination(row) for row in 2 * stats.norm.sf(abs(z))])
    assert np.mean(found < 0.01) == pytest.approx(0.01, abs=0.002)
    assert np.mean(found < 0.05) <= 0.06


def test_weights_share_the_level() -> None:
    """A test with nine tenths of the weight is judged at nine tenths of the level."""
    assert weighted_bonferroni([0.009, 1.0], [0.9, 0.1]) == pytest.approx(0.01)
    assert weighted_bonferroni([1.0, 0.001], [0.9, 0.1]) == pytest.approx(0.01)
