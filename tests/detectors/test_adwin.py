"""ADWIN against river, and the paper's mode by its delay and false alarms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import river.drift

from modelwatch.detectors import ADWIN
from modelwatch.errors import ConfigurationError, ModelwatchError
from tests.detectors.streams import alarms, errors, levels

drift: Any = river.drift


@pytest.mark.parametrize("seeds", [range(50), range(50, 100)], ids=str)
def test_rivers_alarms_are_met_index_for_index(seeds: range) -> None:
    """On 100 streams of errors and 100 of normal values, in the compatible mode."""
    for seed in seeds:
        for stream in (errors(seed), levels(seed)):
            assert alarms(ADWIN(compatibility="river"), stream) == alarms(drift.ADWIN(), stream)


@pytest.mark.parametrize("delta", [0.0001, 0.05])
def test_rivers_alarms_are_met_at_other_confidences(delta: float) -> None:
    """The confidence parameter means the same."""
    mine, theirs = ADWIN(delta=delta, compatibility="river"), drift.ADWIN(delta=delta)
    assert alarms(mine, levels(7)) == alarms(theirs, levels(7))


def test_the_delay_is_short() -> None:
    """A rate of errors that goes from .2 to .5 is told after some 90 values."""
    delays = [
        next(index for index in alarms(ADWIN(), errors(seed)) if index >= 5_000) - 5_000
        for seed in range(40)
    ]
    assert np.mean(delays) < 110


def test_stationary_streams_raise_hardly_an_alarm() -> None:
    """None in 200,000 values of a constant rate."""
    stream = errors(5, 0.3, 0.3, rows=100_000)
    assert alarms(ADWIN(), stream) == []


@pytest.mark.parametrize(("before", "after"), [(0.2, 0.5), (0.5, 0.2), (0.2, 0.3), (0.05, 0.15)])
def test_a_change_is_told_once(before: float, after: float) -> None:
    """The old part of the window goes at once: 20 changes raise 20 alarms, or one more."""
    found = [len(alarms(ADWIN(), errors(seed, before, after))) for seed in range(20)]
    assert 20 <= sum(found) <= 21


def test_what_is_left_has_the_spread_of_its_values() -> None:
    """Dropping the old part leaves no rounding behind: no spread where values are alike."""
    detector = ADWIN()
    assert len(alarms(detector, [0.1] * 3_000 + [0.7] * 3_000)) == 1
    assert detector.width == 3_000
    assert detector.variance == pytest.approx(0.0, abs=1e-25)


def test_the_recent_part_is_kept() -> None:
    """After an alarm the window holds what came since the change, and its mean."""
    detector = ADWIN()
    alarms(detector, errors(1))
    assert 4_900 < detector.width < 5_100
    assert detector.mean == pytest.approx(0.5, abs=0.04)
    assert detector.variance == pytest.approx(0.25, abs=0.01)


def test_aggregated_values_tell_the_change_too() -> None:
    """Means of 50 values at a time, as a collector has them, find it within a few hundred."""
    detector = ADWIN()
    stream = np.array(errors(2)).reshape(-1, 50)
    found = []
    for index, part in enumerate(stream):
        m2 = float(part.var() * part.size)
        detector.update_many(part.size, float(part.mean()), m2)
        if detector.drift_detected:
            found.append(index * 50)
    assert found
    assert 5_000 <= found[0] <= 5_300
    assert detector.width <= 5_300


def test_memory_is_logarithmic() -> None:
    """A window of 100,000 values takes fewer than 120 buckets."""
    detector = ADWIN()
    alarms(detector, errors(3, 0.3, 0.3, rows=50_000))
    assert detector.width == 100_000
    assert sum(map(len, detector.to_state()["memory"]["rows"])) < 120


@pytest.mark.parametrize(
    "options",
    [
        {"delta": 0.0},
        {"delta": 1.0},
        {"compatibility": "other"},
        {"clock": 0},
        {"max_buckets": 1},
        {"min_window_length": 0},
        {"grace_period": -1},
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    """They are checked when it is made, and named."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        ADWIN(**options)


@pytest.mark.parametrize(("n", "m2"), [(0, 0.0), (1, -1.0)])
def test_impossible_sums_are_refused(n: int, m2: float) -> None:
    """Aggregated values have a count and no negative spread."""
    with pytest.raises(ConfigurationError, match=r"of 1 or more|give 0 or more"):
        ADWIN().update_many(n, 0.5, m2)


@pytest.mark.parametrize("name", ["n", "mean", "m2"])
@pytest.mark.parametrize("value", ["a", None, [1]], ids=repr)
def test_sums_that_are_no_numbers_are_refused(name: str, value: Any) -> None:
    """The message names which of them; the window is left as it was."""
    detector = ADWIN()
    with pytest.raises(ModelwatchError, match=rf"^{name} is "):
        detector.update_many(**{"n": 1, "mean": 1.0, "m2": 1.0, name: value})
    assert detector.width == 0
