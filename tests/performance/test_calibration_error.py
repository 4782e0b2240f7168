"""Expected calibration error."""

from __future__ import annotations

import numpy as np
import pytest

from modelwatch.performance.calibration_error import expected_calibration_error, tenths


def direct(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the error by a loop over tenths."""
    total = 0.0
    for low in np.arange(10) / 10:
        inside = (scores > low) & (scores <= low + 0.1)
        if inside.any():
            total += inside.mean() * abs(scores[inside].mean() - truth[inside].mean())
    return total


def test_error_is_that_of_the_rows() -> None:
    """Sums over tenths give what the rows give, empty tenths included."""
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.05, 0.75, 2_000)
    truth = rng.random(2_000) < scores**2
    codes = np.ceil(scores * 10).astype(int) - 1
    rows, score_sums, truth_sums = (
        np.bincount(codes, weights, 10).astype(np.float64)
        for weights in (np.ones(2_000), scores, truth.astype(float))
    )
    found = expected_calibration_error(rows, score_sums, truth_sums)
    assert found.value == pytest.approx(direct(scores, truth), abs=1e-12)
    assert found.lower > 0.1


def test_calibrated_scores_reach_down_to_zero() -> None:
    """Where only chance makes gaps, 0 is inside the interval, as it should be in 95%."""
    rng = np.random.default_rng(1)
    rows = np.full(10, 100.0)
    scores = rows * (np.arange(10) + 0.5) / 10
    truth = rng.binomial(100, (np.arange(10) + 0.5) / 10, size=(400, 10)).astype(float)
    inside = [expected_calibration_error(rows, scores, one).lower == 0.0 for one in truth]
    assert 0.93 <= np.mean(inside) <= 1.0


def test_bins_are_summed_by_tenth() -> None:
    """Any bins between the tenths go to theirs; one cut by a tenth goes to its upper end."""
    edges = np.array([0.05, 0.1, 0.35, 0.9])
    assert tenths(edges, np.array([1.0, 2.0, 4.0, 8.0, 16.0])).tolist() == [
        *(3.0, 0.0, 0.0, 4.0, 0.0),
        *(0.0, 0.0, 0.0, 8.0, 16.0),
    ]
