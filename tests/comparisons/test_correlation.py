"""Changes of correlations, and their chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from modelwatch.comparisons.correlation import correlation_drift
from modelwatch.comparisons.joint_effect import fit_joint_effect
from tests.comparisons.row_streams import (
    Draw,
    correlated,
    exponential,
    independent,
    log_normal,
    moments,
    names,
    p_values,
    reference_of,
    student,
)


def test_the_largest_change_is_that_of_the_raw_rows() -> None:
    """Value, pair and correlations equal numpy's on the rows."""
    rng = np.random.default_rng(0)
    before, now = correlated(rng, 2000, 4), correlated(rng, 800, 4)
    now[:, 2] = rng.normal(size=800) + 0.2 * now[:, 3]
    after: np.ndarray = np.asarray(np.corrcoef(now.T))
    change = after - np.asarray(np.corrcoef(before.T))
    found = correlation_drift(reference_of(before), moments(now))
    at = np.unravel_index(np.argmax(np.abs(np.triu(change, 1))), change.shape)
    assert found.pair == (f"feature_{at[0]}", f"feature_{at[1]}")
    assert found.value == pytest.approx(change[at], abs=1e-12)
    assert found.now == pytest.approx(after[at], abs=1e-12)
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < change[at] < found.upper < 0


def test_two_features_have_the_test_of_fisher() -> None:
    """With one pair of independent rows the p-value is that of the two-sample z test."""
    rng = np.random.default_rng(4)
    before, now = correlated(rng, 300, 2), correlated(rng, 100, 2)
    found = correlation_drift(reference_of(before), moments(now))
    r0, r1 = (stats.pearsonr(rows[:, 0], rows[:, 1]).statistic for rows in (before, now))
    z = (np.arctanh(r1) - np.arctanh(r0)) / np.sqrt(1 / 97 + 1 / 297)
    assert found.z[0, 1] == pytest.approx(z, rel=1e-9)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)


def test_the_interval_covers_the_change() -> None:
    """Of 400 windows 93 to 97% have the true change of the only pair in the interval."""
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(400):
        found = correlation_drift(
            reference_of(independent(rng, 1000, 2)), moments(correlated(rng, 300, 2))
        )
        assert found.lower is not None
        assert found.upper is not None
        covered += found.lower <= 0.5 <= found.upper
    assert 0.93 <= covered / 400 <= 0.97


def test_a_change_of_three_tenths_is_found() -> None:
    """In 99% of windows of 1,000 rows with ten features, at 1%."""
    rng = np.random.default_rng(6)
    rows = independent(rng, 20_000, 10)
    reference, effect = reference_of(rows), fit_joint_effect(rows, names(10))
    caught = 0
    for _ in range(100):
        window = independent(rng, 1000, 10)
        window[:, 4] = 0.3 * window[:, 7] + np.sqrt(1 - 0.09) * window[:, 4]
        found = correlation_drift(reference, moments(window), effect)
        caught += found.pair == ("feature_4", "feature_7") and (found.p_value or 0.0) < 0.01
    assert caught >= 99


@pytest.mark.parametrize("draw", [independent, log_normal, exponential, student])
def test_false_alarms_are_near_the_level_whatever_the_law(draw: Draw) -> None:
    """Independent rows of any law alarm about as often as the level says."""
    chances = p_values(draw, 2, reference_rows=20_000, window_rows=500, windows=20, references=10)[
        "correlation"
    ]
    assert 0.015 <= np.mean(chances < 0.05) <= 0.09
    assert np.mean(chances < 0.01) <= 0.035


def test_without_the_blocks_heavy_tails_would_alarm() -> None:
    """What the blocks are for: 1 / (n - 3) is wrong where correlated features have heavy tails."""
    rng = np.random.default_rng(8)
    rows = np.exp(correlated(rng, 40_000, 4))
    reference = reference_of(rows[:20_000])
    effect = fit_joint_effect(rows[:20_000], names(4))
    windows = np.split(rows[20_000:], 50)
    naive = [correlation_drift(reference, moments(part)).p_value or 0.0 for part in windows]
    ours = [correlation_drift(reference, moments(part), effect).p_value or 0.0 for part in windows]
    assert np.mean(np.array(naive) < 0.01) > 0.3
    assert np.mean(np.array(ours) < 0.01) <= 0.1


def test_quiet_pairs_are_not_judged_by_the_noise_of_others() -> None:
    """Where features vary unlike others, a change among the quiet ones is still found."""
    rng = np.random.default_rng(9)
    rows = np.column_stack(
        [
            independent(rng, 42_000, 4),
            np.repeat(independent(rng, 420, 4), 100, axis=0) + 0.1 * independent(rng, 42_000, 4),
        ]
    )
    effect = fit_joint_effect(rows[:40_000], names(8))
    noise = effect.correlation_noise
    assert max(noise[:4]) < min(noise[4:])
    now = rows[40_000:].copy()
    now[:, 0] = 0.3 * now[:, 1] + np.sqrt(1 - 0.09) * now[:, 0]
    found = correlation_drift(reference_of(rows[:40_000]), moments(now), effect)
    assert found.clearest == ("feature_0", "feature_1")
    assert (found.p_value or 0.0) < 0.01


def test_a_frozen_feature_leaves_the_other_pairs() -> None:
    """Pairs of a feature that no longer varies are passed over; with all frozen there is none."""
    rng = np.random.default_rng(10)
    reference = reference_of(independent(rng, 1000, 3))
    now = independent(rng, 200, 3)
    now[:, 1] = 1e9 + 0.1
    found = correlation_drift(reference, moments(now, reference.moments.shift))
    assert found.pair == ("feature_0", "feature_2")
    assert np.count_nonzero(found.z) == 2
    now[:, 0] = 3.0
    found = correlation_drift(reference, moments(now, reference.moments.shift))
    assert (found.p_value, found.reason) == (
        None,
        "fewer than two features vary in the current rows",
    )
