"""DDM against river."""

from __future__ import annotations

from typing import Any

import pytest
import river.drift

from modelwatch.detectors import DDM
from modelwatch.errors import ConfigurationError
from tests.detectors.streams import errors, losses, told

drift: Any = river.drift

OPTIONS: list[dict[str, Any]] = [
    {},
    {"warm_start": 100, "warning_threshold": 1.5, "drift_threshold": 2.5},
]


@pytest.mark.parametrize("options", OPTIONS, ids=["defaults", "others"])
def test_rivers_alarms_and_warnings_are_met_index_for_index(options: dict[str, Any]) -> None:
    """On 40 streams of errors, of rates that rise and fall, and 10 of losses."""
    changes = [(0.2, 0.5), (0.2, 0.3), (0.5, 0.2), (0.02, 0.05)]
    streams = [errors(seed, *change, rows=1_000) for seed in range(10) for change in changes]
    for stream in [*streams, *map(losses, range(10))]:
        assert told(DDM(**options), stream) == told(drift.binary.DDM(**options), stream)


def test_a_stream_without_errors_is_quiet_and_the_first_error_alarms() -> None:
    """The lowest level is then 0, and so is the bound: the method's weakness, pinned here."""
    assert told(DDM(), [0.0] * 1_000 + [1.0]) == ([1_000], [])


@pytest.mark.parametrize(
    "options",
    [{"warm_start": 0}, {"warning_threshold": 0.0}, {"drift_threshold": 1.0}],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    """They are checked when it is made, and named."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        DDM(**options)
