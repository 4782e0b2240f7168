"""EDDM against river."""

from __future__ import annotations

from typing import Any

import pytest
import river.drift

from modelwatch.detectors import EDDM
from modelwatch.errors import ConfigurationError, DataError
from tests.detectors.streams import errors, told

drift: Any = river.drift

OPTIONS: list[dict[str, Any]] = [{}, {"warm_start": 10, "alpha": 0.8, "beta": 0.75}]


@pytest.mark.parametrize("options", OPTIONS, ids=["defaults", "others"])
def test_rivers_alarms_and_warnings_are_met_index_for_index(options: dict[str, Any]) -> None:
    """On 40 streams of errors, of rates that rise and fall."""
    changes = [(0.2, 0.5), (0.2, 0.3), (0.5, 0.2), (0.02, 0.05)]
    for stream in (errors(seed, *change, rows=1_500) for seed in range(10) for change in changes):
        assert told(EDDM(**options), stream) == told(drift.binary.EDDM(**options), stream)


def test_a_value_that_is_no_indicator_is_refused() -> None:
    """A loss of 0.5 has no distance to the error before it."""
    with pytest.raises(DataError, match=r"value is 0\.5: EDDM takes 1"):
        EDDM().update(0.5)


@pytest.mark.parametrize("options", [{"warm_start": 0}, {"alpha": 1.0}, {"beta": 0.96}])
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    """They are checked when it is made, and named."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        EDDM(**options)
