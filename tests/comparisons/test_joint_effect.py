"""What the blocks of a reference teach about clusters and tails."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from modelwatch.comparisons.correlation import correlation_drift
from modelwatch.comparisons.joint_effect import JointEffect, fit_joint_effect
from modelwatch.errors import ProfileMismatch
from tests.comparisons.row_streams import (
    STATISTICS,
    Draw,
    autoregressive,
    independent,
    levels,
    moments,
    names,
    p_values,
    reference_of,
)


@pytest.mark.parametrize(
    "draw", [autoregressive(0.9), autoregressive(0.99), levels], ids=["ar .9", "ar .99", "levels"]
)
def test_false_alarms_are_near_the_level_where_rows_are_clustered(draw: Draw) -> None:
    """Undrifted windows of clustered rows alarm in at most 8% at 5%, in at most 3% at 1%."""
    found = p_values(draw, 1, reference_rows=50_000, window_rows=1000, windows=20, references=8)
    for name, chances in found.items():
        assert np.mean(chances < 0.05) <= 0.08, name
        assert np.mean(chances < 0.01) <= 0.03, name


def test_the_naive_law_would_alarm() -> None:
    """What the blocks are for: without them most autocorrelated windows alarm."""
    rows = autoregressive(0.9)(np.random.default_rng(0), 60_000, 10)
    reference = reference_of(rows[:50_000])
    for name, judge in STATISTICS.items():
        chances = [
            judge(reference, moments(part), None).p_value or 0.0
            for part in np.split(rows[50_000:], 20)
        ]
        assert np.mean(np.array(chances) < 0.01) > 0.3, name


def test_independent_rows_need_no_correction() -> None:
    """The factor of the variance is 1 at most sizes, so that nothing is lost by it."""
    rng = np.random.default_rng(2)
    effects = [fit_joint_effect(independent(rng, 10_000, 5), names(5)) for _ in range(20)]
    for name in ("correlation", "mean", "reconstruction", "gaussian_kl"):
        found = [getattr(effect, name).phi_at(500) for effect in effects]
        assert np.mean(np.array(found) == 1.0) >= 0.7, name


def test_the_factor_of_the_mean_is_that_of_the_autoregression() -> None:
    """Long windows of an autoregression have means (1 + a) / (1 - a) times as variable."""
    rows = autoregressive(0.9)(np.random.default_rng(3), 100_000, 5)
    assert fit_joint_effect(rows, names(5)).mean.phi_at(2000) == pytest.approx(19, rel=0.2)


@pytest.mark.parametrize("draw", [autoregressive(0.95), levels], ids=["ar .95", "levels"])
@pytest.mark.parametrize("rows", [50, 100_000])
def test_extreme_window_sizes_are_judged(draw: Draw, rows: int) -> None:
    """Windows of 50 and of 100,000 rows after 20,000 rarely alarm at 1%."""
    found = p_values(draw, 4, reference_rows=20_000, window_rows=rows, windows=1, references=10)
    for name, chances in found.items():
        assert np.mean(chances < 0.01) <= 0.1, name


def test_it_is_small_and_plain() -> None:
    """Some kilobytes as JSON with 100 features, from which the same effect can be made."""
    rows = levels(np.random.default_rng(5), 20_000, 100)
    rows[:, :50] = np.exp(rows[:, :50])
    effect = fit_joint_effect(rows, names(100))
    text = json.dumps(dataclasses.asdict(effect))
    assert len(text) < 8_000
    assert hash(effect) == hash(fit_joint_effect(rows, names(100)))


def test_gaps_and_infinities_are_passed_over() -> None:
    """Rows with either count for nothing."""
    rng = np.random.default_rng(6)
    rows = autoregressive(0.9)(rng, 4000, 3)
    spoiled = np.insert(rows, [5, 700, 3000], [[np.nan] * 3, [np.inf] * 3, [1, 2, -np.inf]], axis=0)
    assert fit_joint_effect(spoiled, names(3)) == fit_joint_effect(rows, names(3))


@pytest.mark.parametrize(
    "rows",
    [
        np.empty((0, 3)),
        np.zeros((1, 3)),
        np.zeros((5000, 3)),
        np.full((5000, 3), np.nan),
        np.random.default_rng(0).normal(size=(399, 3)),
        np.random.default_rng(0).normal(size=(5000, 3)) * [1, 0, 0],
    ],
    ids=["empty", "one", "constant", "missing", "few", "one varies"],
)
def test_references_that_teach_nothing_give_the_independent_law(rows: np.ndarray) -> None:
    """Where rows or varying features are too few, the law is that of independent rows."""
    assert fit_joint_effect(rows, names(3)) == JointEffect()


def test_features_that_sometimes_stand_still_are_no_trouble() -> None:
    """Constant and collinear features, and such that vary in a few blocks only, give numbers."""
    rng = np.random.default_rng(7)
    rows = independent(rng, 6000, 3)
    rare = np.where(np.arange(6000) % 1000 == 3, 1.0, 0.0)
    rows = np.column_stack([rows, rare, rows[:, 0] * 2, np.full(6000, 0.1)])
    effect = fit_joint_effect(rows, names(6))
    for law in (effect.correlation, effect.mean, effect.reconstruction, effect.gaussian_kl):
        for values in (law.phi, law.center, law.spread, law.degrees):
            assert np.isfinite(values).all()
    for judge in STATISTICS.values():
        found = judge(reference_of(rows), moments(rows[:1500]), effect)
        assert found.p_value is not None
        assert found.p_value > 0.001


def test_features_that_stood_still_have_a_place_in_the_noise() -> None:
    """The features' factors are found by place, also where some of them never varied."""
    rows = independent(np.random.default_rng(8), 40_000, 9)
    rows[:, 1] = 3.0
    rows[:, 5:] = np.repeat(rows[::100, 5:], 100, axis=0)
    noise = fit_joint_effect(rows, names(9)).correlation_noise
    assert len(noise) == 9
    assert noise[1] == 1.0
    assert max(noise[0], *noise[2:5]) < min(noise[5:])
    now = correlation_drift(
        reference_of(rows), moments(rows[:5000]), JointEffect(correlation_noise=noise)
    )
    assert now.p_value is not None


def test_other_names_are_refused() -> None:
    """As many names as columns are needed."""
    with pytest.raises(ProfileMismatch, match=r"\(10, 3\)"):
        fit_joint_effect(np.zeros((10, 3)), names(2))
