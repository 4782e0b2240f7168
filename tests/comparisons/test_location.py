"""The normal-score test of a shift."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.comparisons.location import location_each, location_p_value, normal_scores

BINS = 60


def p_values(draw: str, shift: float, rows: int, rounds: int = 800) -> np.ndarray:
    """Return the p-values of windows against references of 5,000 values."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(rounds):
        x = getattr(rng, draw)(size=5_000)
        y = getattr(rng, draw)(size=rows) + shift * x.std()
        edges = np.quantile(x, np.arange(1, BINS) / BINS)
        before, now = (np.bincount(np.searchsorted(edges, v), minlength=BINS) for v in (x, y))
        location = location_each(normal_scores([before]), [now])[0]
        found.append(location_p_value(float(location), DesignEffect().between(rows, 5_000)))
    return np.array(found)


@pytest.mark.parametrize("draw", ["standard_normal", "standard_exponential", "standard_cauchy"])
def test_false_alarms_are_at_the_level(draw: str) -> None:
    """Skewed and heavy-tailed values too, for which a test of means is not exact."""
    found = p_values(draw, 0.0, 200)
    assert np.mean(found < 0.05) == pytest.approx(0.05, abs=0.02)
    assert np.mean(found < 0.01) <= 0.02


def test_it_has_the_power_of_the_test_of_means() -> None:
    """On normal values it finds a shift of .2 as often as the two-sample test of means."""
    expected = stats.norm.sf(stats.norm.isf(0.005) - 0.2 / np.sqrt(1 / 500 + 1 / 5_000))
    assert np.mean(p_values("standard_normal", 0.2, 500) < 0.01) >= expected - 0.04


def test_scores_are_standardised() -> None:
    """Weighted by the reference, mean 0 and variance 1; zeros where there is one bin only."""
    counts = np.array([3, 0, 10, 40, 7])
    scores = normal_scores(counts)
    shares = counts / counts.sum()
    assert shares @ scores == pytest.approx(0.0, abs=1e-12)
    assert shares @ scores**2 == pytest.approx(1.0)
    assert not normal_scores([0, 9, 0]).any()
    assert not normal_scores([0, 0]).any()


def test_scores_of_fine_bins_are_normal_quantiles() -> None:
    """With equal shares they are the quantiles of the middle ranks."""
    scores = normal_scores(np.full(1_000, 50))
    expected = special.ndtri((np.arange(1_000) + 0.5) / 1_000)
    assert scores == pytest.approx(expected / expected.std(), abs=1e-9)
