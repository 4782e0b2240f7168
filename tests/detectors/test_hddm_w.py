"""HDDM_W against river."""

from __future__ import annotations

from typing import Any

import pytest
import river.drift

from modelwatch.detectors import HDDM_W
from modelwatch.errors import ConfigurationError
from tests.detectors.streams import errors, losses, told

drift: Any = river.drift

OPTIONS: list[dict[str, Any]] = [
    {},
    {"two_sided_test": True},
    {"lambda_val": 0.2, "drift_confidence": 0.01, "warning_confidence": 0.05},
]


@pytest.mark.parametrize("options", OPTIONS, ids=["defaults", "two-sided", "others"])
def test_rivers_alarms_and_warnings_are_met_index_for_index(options: dict[str, Any]) -> None:
    """On 40 streams of errors, of rates that rise and fall, and 5 of losses; less with options."""
    changes = [(0.2, 0.5), (0.2, 0.3), (0.5, 0.2), (0.02, 0.1)]
    seeds = range(3 if options else 10)
    streams = [errors(seed, *change, rows=500) for seed in seeds for change in changes]
    for stream in [*streams, *map(losses, range(len(seeds) // 2))]:
        mine, theirs = told(HDDM_W(**options), stream), told(drift.binary.HDDMW(**options), stream)
        assert mine == theirs


def test_a_fall_is_told_where_asked_for() -> None:
    """The one-sided test is silent on errors that become rare."""
    stream = errors(0, 0.6, 0.2, rows=1_000)
    detector = HDDM_W(two_sided_test=True, drift_confidence=1e-6)
    (alarm,), _ = told(detector, stream)
    assert 1_000 <= alarm < 1_100
    assert detector.direction == "fall"
    assert told(HDDM_W(drift_confidence=1e-6), stream)[0] == []


@pytest.mark.parametrize(
    "options",
    [
        {"drift_confidence": 0.0},
        {"warning_confidence": 0.0005},
        {"warning_confidence": 1.0},
        {"two_sided_test": 1},
        {"lambda_val": 0.0},
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    """They are checked when it is made, and named."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        HDDM_W(**options)
