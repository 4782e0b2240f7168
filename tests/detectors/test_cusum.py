"""CUSUM against the sums written out over the whole stream."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from modelwatch.detectors import CUSUM
from modelwatch.errors import ConfigurationError
from tests.detectors.streams import alarms, levels


def first_beyond(z: np.ndarray, k: float, h: float) -> int | None:
    """Return the first index where a sum since its lowest point so far is more than h."""
    for_each = []
    for signed in (z, -z):
        walk = np.concatenate([[0.0], np.cumsum(signed - k)])
        for_each.append((walk - np.minimum.accumulate(walk))[1:] > h)
    beyond = np.flatnonzero(for_each[0] | for_each[1])
    return int(beyond[0]) if beyond.size else None


def expected(stream: list[float], warm_up: int, k: float, h: float) -> list[int]:
    """Return the alarms of a detector that learns from the first values, and after each alarm."""
    found, start = [], 0
    while len(rest := np.array(stream[start:])) > warm_up:
        learnt = rest[:warm_up]
        beyond = first_beyond((rest[warm_up:] - learnt.mean()) / learnt.std(ddof=1), k, h)
        if beyond is None:
            break
        start += warm_up + beyond + 1
        found.append(start - 1)
    return found


@pytest.mark.parametrize(("k", "h"), [(0.5, 5.0), (0.25, 12.0), (0.0, 40.0)])
def test_the_formula_is_met_with_a_learnt_target(k: float, h: float) -> None:
    """On 40 streams, index for index, over all restarts."""
    for seed in range(40):
        stream = levels(seed)
        assert alarms(CUSUM(k=k, h=h, warm_up=60), stream) == expected(stream, 60, k, h)


def test_the_formula_is_met_with_a_given_target() -> None:
    """On 40 streams; the target stays after an alarm, and so do the alarms."""
    for seed in range(40):
        stream = levels(seed)[-3_000:]
        found = alarms(CUSUM(target=0.2, sd=1.5, k=0.5, h=4.0), stream)
        z = (np.array(stream) - 0.2) / 1.5
        for start, end in itertools.pairwise([-1, *found]):
            assert first_beyond(z[start + 1 :], 0.5, 4.0) == end - start - 1
        assert found[-1] > 2_900


def test_one_of_target_and_sd_may_be_given() -> None:
    """The other is learnt."""
    stream = [1.0, -1.0] * 50 + [1.0] * 100
    assert alarms(CUSUM(target=-1.0, warm_up=100, k=0.5, h=6.0), stream)[0] == 104
    assert alarms(CUSUM(sd=2.0, warm_up=100, k=0.25, h=6.0), stream)[0] == 124


def test_a_warm_up_without_spread_goes_on_until_there_is_some() -> None:
    """The first value that differs teaches the spread; a change after it is told."""
    detector = CUSUM(warm_up=50)
    assert alarms(detector, [3.0] * 400 + [4.0] + [3.0] * 200) == []
    assert alarms(detector, [4.0] * 5)


def test_false_alarms_are_as_rare_as_the_formula_says() -> None:
    """Every 469 values at k = 0.5 and h = 5 with a known target, within a tenth or so."""
    stream = np.random.default_rng(0).normal(size=150_000).tolist()
    found = alarms(CUSUM(target=0.0, sd=1.0, k=0.5, h=5.0), stream)
    assert len(stream) / len(found) == pytest.approx(469, rel=0.15)


@pytest.mark.parametrize(
    "options",
    [{"target": "x"}, {"sd": 0.0}, {"k": -0.1}, {"h": 0.0}, {"warm_up": 1}],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    """They are checked when it is made, and named."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        CUSUM(**options)
