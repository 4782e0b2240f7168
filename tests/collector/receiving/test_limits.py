from __future__ import annotations

from typing import Any

import pytest

from modelwatch.collector.receiving.limits import IngestLimits, read_limits
from modelwatch.collector.receiving.options import ReceivingOptions
from modelwatch.errors import ConfigurationError
from tests.collector.conftest import Start, Traffic


def test_flags_go_before_the_file() -> None:
    """What was given goes before the file, and the file before the defaults."""
    limits = read_limits({"models": 5, "segments": 6}, {"models": 3})
    assert limits == IngestLimits(models=3, segments=6)


@pytest.mark.parametrize("value", [0, -1, 1.5, "5", True, None])
def test_wrong_limits_are_named(value: Any) -> None:
    """What is no whole number of 1 or more is refused by its name."""
    with pytest.raises(ConfigurationError, match=r"\[limits\]\.models"):
        read_limits({"models": value}, {})


def test_unknown_limits_are_refused() -> None:
    """An unknown limit is refused with the nearest one that is known."""
    with pytest.raises(ConfigurationError, match="did you mean models"):
        read_limits({"model": 5}, {})
    with pytest.raises(ConfigurationError, match="did you mean models"):
        ReceivingOptions(limits={"model": 5})


def test_refusals_are_shown(start: Start, traffic: Traffic) -> None:
    """A collector refuses what goes beyond its limits, counts it and shows it."""
    running = start(receiving=ReceivingOptions(limits={"features": 1}))
    answer = running.post(traffic.body())
    assert answer.status_code == 200
    told = running.received()
    assert told["refused_by_limit"]["features"] == told["rejected"] > 0
    assert told["points"] + told["rejected"] == traffic.points()
    assert told["names_heard"]["features"] == 1
