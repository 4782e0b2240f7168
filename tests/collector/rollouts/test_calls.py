"""Calls, counted for a comparison."""

from __future__ import annotations

import math

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.collector.rollouts.calls import calls_of, seconds_of
from modelwatch.collector.storing.store import WindowProfiles
from modelwatch.profile import DURATION_BOUNDS_SECONDS


def counted(seconds: np.ndarray) -> np.ndarray:
    """Return calls by bin."""
    edges = [-np.inf, *DURATION_BOUNDS_SECONDS, np.inf]
    return np.histogram(seconds, bins=edges)[0].astype(float)


@pytest.mark.parametrize(("middle", "spread"), [(0.02, 0.4), (0.3, 1.0), (2.0, 0.7)])
def test_mean_and_spread_are_those_of_the_calls(middle: float, spread: float) -> None:
    """The mean is exact where the sum is known, else near it; the spread is a little too wide."""
    seconds = np.random.default_rng(0).lognormal(math.log(middle), spread, 20_000)
    found = seconds_of(counted(seconds), float(seconds.sum()))
    assert found.mean == pytest.approx(seconds.mean(), rel=1e-12)
    assert 0.9 < found.standard_deviation / seconds.std() < 1.5
    assert seconds_of(counted(seconds), math.nan).mean == pytest.approx(seconds.mean(), rel=0.1)


def test_calls_of_all_baselines_count() -> None:
    """Profiles that were counted on other bins, or on none, are calls too."""
    first, second = (mw.Profile("m", "1", baseline_id=one) for one in (None, "b"))
    first.predictions.update({"": 90, "ValueError": 10})
    second.predictions.update({"": 5})
    second.duration.update(np.full(5, 0.04))
    second.duration_sum_seconds = 0.2
    found = calls_of(
        WindowProfiles(
            profiles={None: first, "b": second}, unmergeable=0, instances=2, through_id=1
        )
    )
    assert (found.calls, found.failed, found.seconds.n) == (105, 10, 5)
    assert found.seconds.mean == pytest.approx(0.04)
    nothing = calls_of(WindowProfiles(profiles={}, unmergeable=0, instances=0, through_id=0))
    assert (nothing.calls, nothing.seconds.n) == (0, 0)
