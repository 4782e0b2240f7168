"""The divergence of two normal laws."""

from __future__ import annotations

import numpy as np
import pytest

from modelwatch.comparisons.gaussian_kl import expected_divergence, gaussian_kl
from tests.comparisons.row_streams import correlated, independent, moments, reference_of


def direct(before: np.ndarray, now: np.ndarray) -> float:
    """Return KL(now | before) by the textbook formula on raw rows."""
    s0, s1 = np.cov(before.T), np.cov(now.T)
    shift = now.mean(axis=0) - before.mean(axis=0)
    trace = np.trace(np.linalg.solve(s0, s1))
    moved = shift @ np.linalg.solve(s0, shift)
    logarithm = np.linalg.slogdet(s0)[1] - np.linalg.slogdet(s1)[1]
    return float(trace + moved - len(shift) + logarithm) / 2


def test_it_equals_the_direct_formula() -> None:
    """On raw rows, at unlike scales."""
    rng = np.random.default_rng(0)
    before = correlated(rng, 400, 5) * [1, 10, 100, 0.1, 1]
    now = correlated(rng, 90, 5) * [1, 10, 200, 0.1, 1] + [0, 1, 0, 0, 0]
    found = gaussian_kl(reference_of(before), moments(now))
    assert found.value == pytest.approx(direct(before, now), rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(12, 40), (50, 1000), (500, 60)])
def test_its_expectation_is_exact(n: int, m: int) -> None:
    """The closed form equals the mean over samples of normal rows, however few."""
    rng = np.random.default_rng(n)
    values = [
        gaussian_kl(reference_of(independent(rng, m, 3)), moments(independent(rng, n, 3))).value
        for _ in range(1500)
    ]
    found = 2 * np.array(values, dtype=float)
    error = found.std() / np.sqrt(found.size)
    assert abs(found.mean() - expected_divergence(3, n, m)) < 3.5 * error


@pytest.mark.parametrize(("n", "m"), [(20, 5000), (300, 2000), (2000, 500)])
def test_false_alarms_are_near_the_level(n: int, m: int) -> None:
    """Independent normal rows alarm about as often as the level says at any ratio of sizes."""
    rng = np.random.default_rng(m)
    chances = np.array(
        [
            gaussian_kl(
                reference_of(independent(rng, m, 4)), moments(independent(rng, n, 4))
            ).p_value
            for _ in range(400)
        ],
        dtype=float,
    )
    assert 0.025 <= np.mean(chances < 0.05) <= 0.085
    assert np.mean(chances < 0.01) <= 0.025


def test_a_direction_that_is_gone_is_bounded() -> None:
    """A frozen feature gives a large finite divergence, and one that follows from others none."""
    rng = np.random.default_rng(1)
    rows = independent(rng, 1000, 3)
    now = independent(rng, 200, 3)
    now[:, 1] = 0.5
    found = gaussian_kl(reference_of(rows), moments(now))
    assert found.value is not None
    assert 5 < found.value < 100
    twice = np.column_stack([rows, rows[:, 0] + rows[:, 1]])
    same = np.column_stack([rows[:500], rows[:500, 0] + rows[:500, 1]])
    found = gaussian_kl(reference_of(twice), moments(same))
    assert found.degrees == 3
    assert found.value == pytest.approx(direct(rows, rows[:500]), rel=1e-6)
