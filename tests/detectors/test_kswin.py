"""KSWIN against river, which takes its statistic and p-value from scipy, with the same draws."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import river.drift
from scipy import stats

from modelwatch.detectors import KSWIN
from modelwatch.errors import ConfigurationError
from tests.detectors.streams import alarms

drift: Any = river.drift


class Draws:
    """The draws that are documented, one test at a time, in place of river's own."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def sample(self, places: range, size: int) -> list[int]:
        """Return the places of the smallest of as many random numbers."""
        order = self._rng.random(len(places)).argsort()
        return [int(place) for place in order[:size]]


def rivers(stream: list[float], seed: int, **options: Any) -> tuple[list[int], list[float]]:
    """Return the alarms and p-values of river's, kept going with its newest values after each."""
    draws, found, p_values = Draws(seed), [], []
    theirs = drift.KSWIN(**options)
    for index, value in enumerate(stream):
        theirs._rng = draws
        theirs.update(value)
        p_values.append(float(theirs.p_value) if len(theirs.window) == theirs.window_size else -1)
        if theirs.drift_detected:
            p_values[-1] = float(theirs.p_value)
            found.append(index)
            theirs = drift.KSWIN(**options, window=list(theirs.window))
    return found, p_values


def short_stream(seed: int) -> list[float]:
    """Return normal values whose mean or spread changes, every other stream with many ties."""
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(0, 1, 140), rng.normal(seed % 3, 1 + seed % 5, 60)])
    return [float(value) for value in (np.round(values) if seed % 2 else values)]


@pytest.mark.parametrize("seeds", [range(20), range(20, 40)], ids=str)
def test_rivers_alarms_and_p_values_are_met(seeds: range) -> None:
    """On 40 streams, index for index, and each p-value to 1e-12, over all restarts."""
    for seed in seeds:
        stream = short_stream(seed)
        expected, p_values = rivers(stream, seed, alpha=0.005)
        detector = KSWIN(seed=seed)
        found = []
        for index, value in enumerate(stream):
            detector.update(value)
            found += [index] * detector.drift_detected
            if p_values[index] >= 0:
                assert detector.p_value == pytest.approx(p_values[index], rel=1e-12)
        assert found == expected


@pytest.mark.parametrize(("window_size", "stat_size"), [(60, 30), (23, 7), (400, 150)])
def test_the_statistic_is_scipys(window_size: int, stat_size: int) -> None:
    """At other sizes of the window, with ties."""
    draws, detector = Draws(3), KSWIN(window_size=window_size, stat_size=stat_size, seed=3)
    window: list[float] = []
    for value in np.random.default_rng(1).poisson(3, window_size + 40).tolist():
        window = [*window, value][-window_size:]
        detector.update(value)
        if len(window) < window_size or detector.drift_detected:
            assert not detector.drift_detected
            continue
        places = draws.sample(range(window_size - stat_size), stat_size)
        drawn = [window[place] for place in places]
        expected = stats.ks_2samp(drawn, window[-stat_size:], method="asymp")
        assert detector.statistic == pytest.approx(expected.statistic, abs=1e-12)


def test_the_p_value_is_that_of_all_arrangements() -> None:
    """Of 10 values, 5 in each sample, each order is as likely: 252, counted one by one."""
    distances = []
    for places in itertools.combinations(range(10), 5):
        signs = np.where(np.isin(np.arange(10), places), 1, -1)
        distances.append(np.abs(signs.cumsum()).max())
    detector = KSWIN(alpha=0.009, window_size=10, stat_size=5)
    for value in np.random.default_rng(0).normal(size=200).tolist():
        detector.update(value)
        share = np.mean(np.array(distances) >= detector.statistic * 5 - 0.5)
        assert math.isnan(detector.p_value) or detector.p_value == pytest.approx(share)
        assert detector.drift_detected == (detector.statistic == 1.0)


def test_before_the_window_is_full_there_is_no_statistic() -> None:
    """It is NaN, and so is the p-value."""
    detector = KSWIN()
    alarms(detector, range(99))
    assert math.isnan(detector.statistic)
    assert math.isnan(detector.p_value)


def test_each_place_is_drawn_as_often() -> None:
    """Those drawn spread evenly over the values before the newest."""
    detector = KSWIN(window_size=50, stat_size=10)
    drawn = np.concatenate([detector._draw(test) for test in range(4_000)])
    assert stats.chisquare(np.bincount(drawn, minlength=40)).pvalue > 0.01


def test_another_seed_draws_otherwise() -> None:
    """The statistic depends on the draw, and the draw on the seed."""
    found = []
    for seed in range(20):
        detector = KSWIN(seed=seed)
        alarms(detector, short_stream(0)[:100])
        found.append(detector.statistic)
    assert len(set(found)) > 1


@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 0.0},
        {"window_size": 20_001},
        {"stat_size": 51},
        {"stat_size": 1},
        {"alpha": 1e-20},
        {"seed": -1},
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    """They are checked when it is made, and named."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        KSWIN(**options)
