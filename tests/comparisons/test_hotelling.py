"""Shifts of the means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from modelwatch.comparisons.hotelling import hotelling
from modelwatch.comparisons.joint_effect import fit_joint_effect
from modelwatch.comparisons.reconstruction import reconstruction_drift
from tests.comparisons.row_streams import (
    autoregressive,
    correlated,
    independent,
    moments,
    names,
    reference_of,
)


def test_the_statistic_is_that_of_the_raw_rows() -> None:
    """T2 and its p-value equal the direct formula with the reference's covariance."""
    rng = np.random.default_rng(0)
    before, now = correlated(rng, 500, 3), correlated(rng, 120, 3)
    now += [0.2, 0.0, 0.1]
    shift = now.mean(axis=0) - before.mean(axis=0)
    d2 = shift @ np.linalg.solve(np.cov(before.T), shift)
    t2 = d2 / (1 / 120 + 1 / 500)
    found = hotelling(reference_of(before), moments(now))
    assert found.value == pytest.approx(np.sqrt(d2), rel=1e-10)
    assert found.t2 == pytest.approx(t2, rel=1e-10)
    assert found.degrees == 3
    chance = stats.f.sf(t2 * 497 / (3 * 499), 3, 497)
    assert found.p_value == pytest.approx(chance, rel=1e-8)


def test_the_feature_that_moved_most_is_named() -> None:
    """With its shift in standard deviations of the reference."""
    rng = np.random.default_rng(1)
    before = independent(rng, 1000, 3) * [1.0, 100.0, 0.01]
    found = hotelling(reference_of(before), moments(before - [0.1, 0.0, 0.005]))
    assert found.feature == "feature_2"
    assert found.shift == pytest.approx(-0.005 / before[:, 2].std(ddof=1), rel=1e-9)


@given(st.floats(0.1, 10.0), st.floats(-1e3, 1e3), st.floats(-3.0, 3.0))
def test_it_does_not_depend_on_units(scale: float, offset: float, mix: float) -> None:
    """Any invertible linear change of the features leaves the distance and the p-value."""
    rng = np.random.default_rng(2)
    before, now = correlated(rng, 200, 2), correlated(rng, 50, 2) + 0.3
    change = np.array([[scale, 0.0], [mix, 1.0]])
    plain = hotelling(reference_of(before), moments(now))
    other = hotelling(reference_of(before @ change + offset), moments(now @ change + offset))
    assert other.value == pytest.approx(plain.value, rel=1e-6)
    assert other.p_value == pytest.approx(plain.p_value, rel=1e-5)


def test_the_interval_covers_the_distance() -> None:
    """Of 400 windows 93 to 97% have the true distance in the interval."""
    rng = np.random.default_rng(3)
    reference = reference_of(independent(rng, 100_000, 3))
    covered = 0
    for _ in range(400):
        found = hotelling(reference, moments(independent(rng, 100, 3) + np.array([0.3, 0.0, 0.0])))
        assert found.lower is not None
        assert found.upper is not None
        covered += found.lower <= 0.3 <= found.upper
    assert 0.93 <= covered / 400 <= 0.97


def test_large_shifts_have_an_interval_too() -> None:
    """The interval stays finite and about the value for shifts of a million deviations."""
    rng = np.random.default_rng(4)
    before = independent(rng, 1000, 3)
    found = hotelling(reference_of(before), moments(before + 1e6))
    assert found.value is not None
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < found.value < found.upper < found.value + 1
    assert found.p_value == pytest.approx(0.0, abs=1e-200)


def test_small_shifts_of_all_features_are_found() -> None:
    """Shifts of .05 sd in ten features are found in three of four windows of 1,000 at 5%."""
    rng = np.random.default_rng(5)
    reference = reference_of(independent(rng, 50_000, 10))
    chances = [
        hotelling(reference, moments(independent(rng, 1000, 10) + 0.05)).p_value or 0.0
        for _ in range(200)
    ]
    assert np.mean(np.array(chances) < 0.05) > 0.7


@pytest.mark.parametrize("d", [2, 5, 30])
def test_the_very_same_rows_have_moved_by_nothing(d: int) -> None:
    """Distance and interval are 0, and tiny distances have a finite interval too."""
    reference = reference_of(independent(np.random.default_rng(6), 500, d))
    same = hotelling(reference, reference.moments)
    assert (same.value, same.lower, same.upper) == (0.0, 0.0, 0.0)
    assert same.p_value == pytest.approx(1.0)
    for size in np.logspace(-160, 1, 80):
        rows = independent(np.random.default_rng(6), 500, d) + size
        found = hotelling(reference, moments(rows))
        for number in (found.value, found.lower, found.upper, found.p_value):
            assert number is not None
            assert np.isfinite(number)


@pytest.mark.parametrize("features", [10, 30])
def test_a_reference_of_too_few_independent_rows_judges_nothing(features: int) -> None:
    """Rows that follow each other closely say what they are worth, and that it is too little."""
    rows = autoregressive(0.99)(np.random.default_rng(7), 5500, features)
    effect = fit_joint_effect(rows[:5000], names(features))
    for judge in (hotelling, reconstruction_drift):
        found = judge(reference_of(rows[:5000]), moments(rows[5000:]), effect)
        assert found.p_value is None
        assert "independent ones" in found.reason


def test_the_covariance_is_known_as_well_as_independent_rows_would_tell_it() -> None:
    """At 8 independent rows for each direction, windows alarm in at most 7.5% at 5%."""
    chances = []
    for seed in range(20):
        rows = autoregressive(0.9)(np.random.default_rng([8, seed]), 15_000, 30)
        reference, effect = reference_of(rows[:5000]), fit_joint_effect(rows[:5000], names(30))
        parts = np.split(rows[5000:], 20)
        chances += [hotelling(reference, moments(part), effect).p_value or 0.0 for part in parts]
    assert np.mean(np.array(chances) < 0.05) <= 0.075
