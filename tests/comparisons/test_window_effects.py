from __future__ import annotations

import math

import numpy as np
import pytest

from modelwatch.comparisons.chi_square import (
    ChiSquare,
    chi_square_p_value,
    chi_square_p_value_each,
)
from modelwatch.comparisons.combining import (
    bonferroni_adjusted,
    cauchy_combination,
    cauchy_combination_each,
    weighted_bonferroni,
)
from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.comparisons.ks import ks_p_value, ks_p_value_each
from modelwatch.comparisons.location import location_p_value, location_p_value_each
from modelwatch.comparisons.rare_events import rate_p_value, rate_p_value_each
from modelwatch.comparisons.window_effects import WindowEffects

DESIGNS = [
    DesignEffect(),
    DesignEffect((50, 100, 1_000), (1.0, 1.0, 1.0), (9.0, 9.0, 9.0)),
    DesignEffect((50, 100, 1_000), (1.5, 2.0, 6.0), (8.0, 6.0, 2.0)),
    DesignEffect((50, 100, 1_000), (1.5, 2.0, 6.0), (8.0, 6.0, 2.0), fitted_rows=20_000),
    DesignEffect((200,), (3.0,), (4.0,)),
]
NOW = np.array([300.0, 80.0, 300.0, 5_000.0, 40.0])
BEFORE = np.array([4_000.0, 700.0, 9_000.0, 900.0, 9_000.0])
EFFECTS = WindowEffects.between(DESIGNS, NOW, BEFORE)
ONE_BY_ONE = [
    design.between(n, m)
    for design, n, m in zip(DESIGNS, NOW.tolist(), BEFORE.tolist(), strict=True)
]


def test_effects_are_those_of_each_feature() -> None:
    """Features side by side, dependent or not, have the effects that each has alone."""
    for at, alone in enumerate(ONE_BY_ONE):
        found = EFFECTS.current[at], EFFECTS.reference[at], EFFECTS.nu[at], EFFECTS.blocks[at]
        assert found == (alone.current, alone.reference, alone.nu, alone.blocks)
        assert EFFECTS.is_clustered[at] == alone.is_clustered
        assert EFFECTS.noise[at] == alone.noise
    assert EFFECTS.is_clustered.tolist() == [False, False, True, True, True]


def test_an_effect_does_not_remember_another_reference() -> None:
    """What is known of one size of the reference is not told of the next."""
    design = DESIGNS[2]
    first = design.between(300, 9_000)
    other = design.between(300, 60)
    assert other.reference == pytest.approx(design.phi_at(60) / 60)
    assert design.between(300, 9_000) == first


def test_p_values_are_those_of_each_feature() -> None:
    """No feature's p-value depends on what the others are."""
    statistics, degrees = np.array([30.0, 9.0, 40.0, 0.0, 12.0]), np.array([9, 9, 9, 0, 9])
    chi = chi_square_p_value_each(statistics, degrees, 1 / NOW + 1 / BEFORE, EFFECTS)
    ks = ks_p_value_each(np.array([0.1, 0.0, 0.2, 0.05, 0.3]), EFFECTS)
    location = location_p_value_each(np.array([0.1, 0.0, -0.4, 0.05, 0.3]), EFFECTS)
    for at, effect in enumerate(ONE_BY_ONE):
        result = ChiSquare(float(statistics[at]), int(degrees[at]))
        expected = chi_square_p_value(result, float(NOW[at]), float(BEFORE[at]), effect)
        assert chi[at] == pytest.approx(expected, rel=1e-12)
        alone = ks_p_value([0.1, 0.0, 0.2, 0.05, 0.3][at], effect)
        assert ks[at] == pytest.approx(alone, rel=1e-12)
        alone = location_p_value([0.1, 0.0, -0.4, 0.05, 0.3][at], effect)
        assert location[at] == pytest.approx(alone, rel=1e-12)
    assert chi[3] == 1.0
    assert chi[0] < 0.001 < chi[2]


def test_rates_are_those_of_each_feature() -> None:
    """Features without events or rows have 1.0, whatever stands beside them."""
    cases = [(0.0, 99_000.0, 1.0, 1_000.0), (0.0, 9.0, 0.0, 9.0), (3.0, 9.0, 1.0, 0.0),
             (5.0, 500.0, 9.4, 50.0)]  # fmt: skip
    found = rate_p_value_each(*np.array(cases).T)
    assert found.tolist() == pytest.approx([rate_p_value(*case) for case in cases], rel=1e-12)
    assert found[:3].tolist() == pytest.approx([0.02, 1.0, 1.0])


def test_tests_that_were_not_made_do_not_count() -> None:
    """A row with gaps is combined and adjusted as if there were no such test."""
    p_values = np.array([[0.01, math.nan, 0.2], [0.5, 0.03, 1.0], [math.nan, 1e-300, math.nan]])
    weights = np.array([0.9, 0.05, 0.05])
    adjusted = np.nanmin(bonferroni_adjusted(p_values, weights), axis=1)
    combined = cauchy_combination_each(p_values)
    for row, least, together in zip(p_values, adjusted, combined, strict=True):
        made = ~np.isnan(row)
        assert together == pytest.approx(cauchy_combination(row[made].tolist()), rel=1e-12)
        expected = weighted_bonferroni(row[made].tolist(), weights[made].tolist())
        assert least == pytest.approx(expected, rel=1e-12)
