"""Isotonic regression."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from modelwatch.performance.isotonic import MAX_BLOCKS, fit_isotonic


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40))
def test_levels_are_those_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    """At the middle of each level the value is that of an independent implementation."""
    scores = np.array([score / 20 for score, _ in rows])
    truth = np.array([float(true) for _, true in rows])
    at, values = fit_isotonic(scores, truth)
    steps = IsotonicRegression(out_of_bounds="clip").fit(scores, truth)
    assert values == pytest.approx(steps.predict(at), abs=1e-9)


def test_the_function_increases() -> None:
    """Breakpoints increase strictly, values do not fall, and both stay in [0, 1]."""
    rng = np.random.default_rng(0)
    scores = rng.random(5_000)
    at, values = fit_isotonic(scores, (rng.random(5_000) < scores).astype(float))
    assert np.all(np.diff(at) > 0)
    assert np.all(np.diff(values) >= 0)
    assert 0 <= at[0] <= at[-1] <= 1
    assert 0 <= values[0] <= values[-1] <= 1
    assert np.abs(np.interp([0.2, 0.5, 0.8], at, values) - [0.2, 0.5, 0.8]).max() < 0.06


def test_levels_are_bounded() -> None:
    """A truth that is the score itself has as many levels as rows; they are joined."""
    scores = np.linspace(0, 1, 5_000)
    at, values = fit_isotonic(scores, scores)
    assert at.size <= MAX_BLOCKS
    assert np.interp(scores, at, values) == pytest.approx(scores, abs=0.006)


def test_one_score_is_one_level() -> None:
    """Where all scores are equal the function is the mean."""
    at, values = fit_isotonic(np.full(4, 0.25), np.array([0.0, 1.0, 0.0, 0.0]))
    assert (at.tolist(), values.tolist()) == ([0.25], [0.25])
