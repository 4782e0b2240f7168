"""How much a stream's blocks vary, and what that does to p-values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal, stats

from modelwatch.comparisons.chi_square import chi_square, chi_square_p_value
from modelwatch.comparisons.design_effect import DesignEffect, fit_design_effect

CELLS = 10


def deciles(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return each value's decile of the reference."""
    edges = np.quantile(reference, np.arange(1, CELLS) / CELLS)
    return np.searchsorted(edges, values)


def autocorrelated(rng: np.random.Generator, rows: int, coefficient: float) -> np.ndarray:
    """Return a standard normal autoregressive series of first order."""
    noise = rng.normal(size=rows) * np.sqrt(1 - coefficient**2)
    noise[0] = rng.normal()
    return signal.lfilter([1.0], [1.0, -coefficient], noise)


def p_value(before: np.ndarray, now: np.ndarray, effect: DesignEffect) -> float:
    """Judge two sets of counts."""
    result = chi_square(before, now)
    n, m = float(now.sum()), float(before.sum())
    return chi_square_p_value(result, n, m, effect.between(n, m))


def alarm_rate(coefficient: float, rows: int, level: float, *, shift: float = 0.0) -> float:
    """Share of later windows of one stream with a p-value below a level."""
    rng = np.random.default_rng(7)
    windows, reference_rows = 300, 50_000
    stream = autocorrelated(rng, reference_rows + windows * rows, coefficient)
    reference = stream[:reference_rows]
    effect = fit_design_effect(deciles(reference, reference), CELLS)
    before = np.bincount(deciles(reference, reference), minlength=CELLS)
    alarms = 0
    for window in np.split(stream[reference_rows:], windows):
        now = np.bincount(deciles(window + shift, reference), minlength=CELLS)
        alarms += p_value(before, now, effect) < level
    return alarms / windows


@pytest.mark.parametrize("rows", [200, 1_000])
@pytest.mark.parametrize("coefficient", [0.0, 0.9])
def test_false_alarms_are_near_the_level(coefficient: float, rows: int) -> None:
    """Undrifted windows alarm about as often as the level says, autocorrelated ones too.

    The naive test on the autocorrelated stream alarms in more than 70% of them.
    """
    assert alarm_rate(coefficient, rows, 0.05) <= 0.09
    assert alarm_rate(coefficient, rows, 0.01) <= 0.03
    assert alarm_rate(coefficient, rows, 0.001) <= 0.01


def test_the_naive_test_would_alarm() -> None:
    """What the correction is for: without it most autocorrelated windows alarm."""
    rng = np.random.default_rng(7)
    stream = autocorrelated(rng, 150_000, 0.9)
    reference = stream[:50_000]
    before = np.bincount(deciles(reference, reference), minlength=CELLS)
    windows = [
        np.bincount(deciles(window, reference), minlength=CELLS)
        for window in np.split(stream[50_000:], 100)
    ]
    naive = [stats.chi2_contingency([before, now]).pvalue < 0.05 for now in windows]
    assert np.mean(naive) > 0.6


def test_real_shifts_are_found() -> None:
    """A shift of .3 standard deviations in 1,000 independent rows is always found."""
    assert alarm_rate(0.0, 1_000, 0.05, shift=0.3) == 1.0


def test_independent_rows_are_not_corrected() -> None:
    """Without dependence the test is the plain two-sample one, with all its power."""
    codes = np.random.default_rng(1).integers(0, CELLS, size=50_000)
    effect = fit_design_effect(codes, CELLS)
    assert set(effect.phi) == {1.0}
    before, now = np.full(CELLS, 5_000), np.array([60, 40, 50, 50, 50, 50, 50, 50, 50, 50])
    expected = stats.chi2_contingency([before, now]).pvalue
    assert p_value(before, now, effect) == pytest.approx(expected, rel=1e-9)


def test_too_short_a_reference_has_no_curve() -> None:
    """With fewer than eight blocks of 50 rows nothing is known, and nothing corrected."""
    assert fit_design_effect(np.zeros(300, dtype=np.intp), 2) == DesignEffect()
    assert DesignEffect().phi_at(1_000) == 1.0


def test_curve_interpolates_and_extends() -> None:
    """Between sizes phi is linear in the logarithms; beyond the last it keeps its slope."""
    effect = DesignEffect((100, 1_000), (2.0, 4.0), (9.0, 5.0))
    assert effect.phi_at(10**2.5) == pytest.approx(8**0.5)
    assert effect.phi_at(10_000) == pytest.approx(8.0)
    assert effect.phi_at(10) == pytest.approx(2.0)
    assert effect.nu_at(10**2.5, 9.0) == pytest.approx(7.0)


def test_rows_without_a_value_take_no_part() -> None:
    """Missing rows (negative codes) leave the blocks smaller, not different."""
    rng = np.random.default_rng(2)
    codes = np.where(rng.random(20_000) < 0.5, -1, rng.integers(0, 4, 20_000))
    assert max(fit_design_effect(codes, 4).phi) < 1.5
