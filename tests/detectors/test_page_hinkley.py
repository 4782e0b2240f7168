"""Page-Hinkley against river."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import river.drift

from modelwatch.detectors import PageHinkley
from modelwatch.errors import ConfigurationError
from tests.detectors.streams import alarms, errors, levels

drift: Any = river.drift


@pytest.mark.parametrize("threshold", [20.0, 50.0, 75.0])
def test_rivers_alarms_are_met_index_for_index(threshold: float) -> None:
    """On 20 streams of errors and 20 of normal values."""
    for seed in range(20):
        for stream in (errors(seed), levels(seed)):
            mine = alarms(PageHinkley(threshold=threshold), stream)
            assert mine == alarms(drift.PageHinkley(threshold=threshold), stream)


@pytest.mark.parametrize(("mode", "theirs"), [("rise", "up"), ("fall", "down")])
def test_one_direction_may_be_left_out(mode: Literal["rise", "fall"], theirs: str) -> None:
    """Only the change that was asked for is told."""
    detector = PageHinkley(mode=mode)
    assert alarms(detector, levels(5)) == alarms(drift.PageHinkley(mode=theirs), levels(5))
    assert detector.direction == mode


@pytest.mark.parametrize(
    "options",
    [{"min_instances": 0}, {"delta": -1.0}, {"threshold": 0.0}, {"alpha": 0.0}, {"mode": "up"}],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    """They are checked when it is made, and named."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        PageHinkley(**options)
