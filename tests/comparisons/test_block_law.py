"""Laws of statistics learned from blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from modelwatch.comparisons.block_law import (
    BlockLaw,
    BlockSample,
    fit_block_law,
    normal_scores,
)


def sample(rows: int, scores: np.ndarray) -> BlockSample:
    """Return blocks of one size with these normal scores at phi 1."""
    return BlockSample(
        rows=rows,
        blocks=float(scores.size),
        ratios=scores**2,
        degrees=1.0,
        scores=lambda phi: scores / np.sqrt(phi),
    )


def test_without_blocks_it_is_the_normal_law() -> None:
    """The empty law gives the normal law's chances, on one side and on both."""
    law = BlockLaw()
    assert law.p_value(1.3, 100, 1000) == pytest.approx(stats.norm.sf(1.3))
    assert law.p_value(-1.3, 100, 1000, two_sided=True) == pytest.approx(2 * stats.norm.sf(1.3))


def test_blocks_like_independent_rows_change_nothing() -> None:
    """Normal scores of 0 and 1 give the empty law."""
    scores = normal_scores(np.arange(0.5, 100) / 100)
    assert fit_block_law([sample(50, scores), sample(100, scores[::2])]) == BlockLaw()


def test_the_factor_is_the_mean_square_and_goes_on_with_its_slope() -> None:
    """phi is interpolated in the logarithms, and beyond the last size rises no faster than n."""
    scores = normal_scores(np.arange(0.5, 100) / 100)
    law = fit_block_law([sample(100, 2 * scores), sample(400, 4 * scores)])
    assert law.phi_at(50) == law.phi[0] == pytest.approx(4, rel=0.1)
    assert law.phi_at(200) == pytest.approx(2 * law.phi[0])
    assert law.phi_at(1600) == pytest.approx(16 * law.phi[0])
    steep = fit_block_law([sample(100, 2 * scores), sample(200, 8 * scores)])
    assert steep.phi_at(400) == pytest.approx(2 * steep.phi[1])


def test_heavier_tails_have_larger_chances() -> None:
    """Scores with a heavy upper tail are spread further than the normal law."""
    scores = np.concatenate([normal_scores(np.arange(0.5, 190) / 190), np.full(10, 5.0)])
    law = fit_block_law([sample(100, scores)])
    assert law.p_value(4.0, 100, 1e6) > 10 * stats.norm.sf(4.0)


@given(st.floats(1, 1e9), st.floats(-40, 40), st.integers(1, 5))
def test_chances_are_in_zero_to_one(rows: float, score: float, sizes: int) -> None:
    """Whatever the score, the window and the law."""
    scores = 3 * normal_scores(np.arange(0.5, 30) / 30)
    law = fit_block_law([sample(50 * 2**at, scores) for at in range(sizes)])
    assert 0.0 <= law.p_value(score, rows, 5000) <= 1.0
    assert law.phi_at(rows) >= 1.0


def test_scores_are_finite_for_the_extreme_chances() -> None:
    """A chance of 0 is taken for 1e-300, one of 1 for nearly 1."""
    assert np.isfinite(normal_scores([0.0, 1.0, 1e-308])).all()
