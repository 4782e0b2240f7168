"""How much blocks vary, for each of the statistics that judge values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from modelwatch.comparisons.block_effects import SeasonTable, fit_value_effects
from modelwatch.comparisons.blocks import count_blocks, larger_blocks
from modelwatch.comparisons.cells import decile_starts
from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.comparisons.ks import ks_p_value
from modelwatch.comparisons.location import location_each, location_p_value, normal_scores
from modelwatch.comparisons.value_effects import ValueEffects

BINS = 60


def autocorrelated(rng: np.random.Generator, rows: int, coefficient: float) -> np.ndarray:
    """Return a standard normal autoregressive series of first order."""
    noise = rng.normal(size=rows) * np.sqrt(1 - coefficient**2)
    noise[0] = rng.normal()
    return signal.lfilter([1.0], [1.0, -coefficient], noise)


def coded(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return each value's bin among equal shares of the reference."""
    edges = np.quantile(reference, np.arange(1, BINS) / BINS)
    return np.searchsorted(edges, values)


def fitted(values: np.ndarray) -> ValueEffects:
    """Return the effects of a series."""
    codes = coded(values, values)
    return fit_value_effects(
        count_blocks(codes, BINS), decile_starts(np.bincount(codes, minlength=BINS))
    )


@pytest.mark.parametrize("coefficient", [0.9, 0.97])
def test_clustered_rows_keep_the_level(coefficient: float) -> None:
    """By each statistic undrifted windows alarm about as often as the level says."""
    rng = np.random.default_rng(11)
    alarms = []
    for _ in range(12):
        reference = autocorrelated(rng, 50_000, coefficient)
        effects = fitted(reference)
        before = np.bincount(coded(reference, reference), minlength=BINS)
        scores = normal_scores([before])
        for _ in range(40):
            window = autocorrelated(rng, 1_000, coefficient)
            now = np.bincount(coded(window, reference), minlength=BINS)
            step = np.abs(np.cumsum(now / 1_000 - before / 50_000)).max()
            location = float(location_each(scores, [now])[0])
            alarms.append(
                (
                    ks_p_value(step, effects.ks.between(1_000, 50_000)),
                    location_p_value(location, effects.location.between(1_000, 50_000)),
                )
            )
    found = np.array(alarms)
    assert np.all(np.mean(found < 0.05, axis=0) <= 0.1)
    assert np.all(np.mean(found < 0.05, axis=0) >= 0.02)
    assert np.all(np.mean(found < 0.01, axis=0) <= 0.03)


def test_independent_rows_are_not_corrected() -> None:
    """Without dependence all three are as for independent rows."""
    effects = fitted(np.random.default_rng(2).normal(size=30_000))
    for effect in (effects.cells, effects.ks, effects.location):
        assert effect.phi_at(1_000) == pytest.approx(1.0, abs=0.2)


def test_what_the_season_brings_is_no_dependence() -> None:
    """A level that comes and goes with the season is no design effect once it is expected."""
    rng = np.random.default_rng(3)
    season = np.arange(40_000) // 500 % 2
    codes = rng.integers(0, 10, 40_000) // (1 + season)
    blocks, starts = count_blocks(codes, 10), np.arange(10)
    seasons = SeasonTable(
        count_blocks(season, 2),
        np.array([np.bincount(codes[season == which], minlength=10) for which in (0, 1)]),
    )
    assert fit_value_effects(blocks, starts).cells.phi_at(500) > 15
    assert fit_value_effects(blocks, starts, seasons).cells.phi_at(500) <= 1.0


def test_rows_spread_over_seasons_vary_less_than_random_ones() -> None:
    """Of blocks that hold each season's share exactly, phi lies below 1."""
    rng = np.random.default_rng(6)
    season = np.arange(40_000) % 2
    codes = 5 * season + rng.integers(0, 5, 40_000)
    seasons = SeasonTable(
        count_blocks(season, 2),
        np.array([np.bincount(codes[season == which], minlength=10) for which in (0, 1)]),
    )
    effects = fit_value_effects(count_blocks(codes, 10), np.arange(10), seasons)
    assert effects.location.phi_at(500) < 0.5
    assert effects.cells.phi_at(500) == pytest.approx(8 / 9, abs=0.1)


def test_whole_cycles_do_not_hide_a_cycle() -> None:
    """Blocks of whole cycles are all alike; a window of a cycle and a half is not like them."""
    season = np.arange(40_000) // 500 % 2
    codes = np.random.default_rng(4).integers(0, 10, 40_000) // (1 + season)
    effect = fit_value_effects(count_blocks(codes, 10), np.arange(10)).cells
    at_half, at_whole = effect.phi_at(500), effect.phi_at(1_000)
    assert at_whole == pytest.approx(at_half / 2, rel=0.2)


def test_one_value_has_no_effect() -> None:
    """A constant column has nothing to vary, nor has an empty one."""
    assert fit_value_effects(np.full((20, 1), 50), np.array([0])) == ValueEffects()
    assert fit_value_effects(np.zeros((20, 3), np.int64), np.arange(3)) == ValueEffects()
    assert fit_value_effects(np.full((2, 3), 10), np.arange(3)).ks == DesignEffect()


def test_larger_blocks_hold_the_sums_of_smaller_ones() -> None:
    """Blocks of 100, 200, 500 rows are made of those of 50, as long as there are eight."""
    counts = np.arange(160).reshape(80, 2)
    found = {size: blocks for size, (blocks,) in larger_blocks(counts)}
    assert sorted(found) == [50, 100, 200, 500]
    assert found[100].tolist() == (counts[::2] + counts[1::2]).tolist()
    assert found[500][0].tolist() == counts[:10].sum(axis=0).tolist()
