"""What every detector promises."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest

from modelwatch.detectors import ADWIN, PageHinkley
from modelwatch.errors import FormatError
from tests.detectors.streams import alarms, levels

Made = ADWIN | PageHinkley
DETECTORS: dict[str, Callable[[], Made]] = {
    "adwin": ADWIN,
    "adwin as river": lambda: ADWIN(compatibility="river"),
    "page-hinkley": PageHinkley,
}
every_detector = pytest.mark.parametrize("make", DETECTORS.values(), ids=DETECTORS.keys())


@every_detector
def test_a_change_is_found_with_its_direction(make: Callable[[], Made]) -> None:
    """A mean that rises by three deviations is told within 200 values, and one that falls too."""
    for sign, direction in ((1.0, "rise"), (-1.0, "fall")):
        detector = make()
        stream = [sign * value for value in levels(0)[-3_000:]]
        alarms(detector, stream[:1_500])
        for value in stream[1_500:1_700]:
            detector.update(value)
            if detector.drift_detected:
                break
        assert detector.drift_detected
        assert detector.direction == direction


@every_detector
def test_a_constant_stream_raises_no_alarm(make: Callable[[], Made]) -> None:
    """Where nothing changes nothing is told."""
    assert alarms(make(), [0.7] * 5_000) == []


@every_detector
def test_values_that_are_not_finite_are_skipped_and_counted(make: Callable[[], Made]) -> None:
    """One NaN does not silence a detector: it alarms as it would without."""
    stream = levels(1)
    plain = make()
    expected = [stream[index] for index in alarms(plain, stream)]
    spoiled = [one for value in stream for one in (value, math.nan)]
    detector = make()
    assert [spoiled[index] for index in alarms(detector, spoiled)] == expected
    assert detector.skipped == len(stream)


@every_detector
def test_a_stored_state_goes_on_exactly(make: Callable[[], Made]) -> None:
    """Stopped and resumed from JSON every 500 values, it alarms at the same ones."""
    stream = levels(2)
    expected = alarms(make(), stream)
    detector, found = make(), []
    for start in range(0, len(stream), 500):
        found += [start + index for index in alarms(detector, stream[start : start + 500])]
        detector = type(detector).from_state(json.loads(json.dumps(detector.to_state())))
    assert found == expected


@every_detector
def test_a_foreign_state_is_refused(make: Callable[[], Made]) -> None:
    """What is no state of this detector is told as such."""
    with pytest.raises(FormatError, match="state"):
        type(make()).from_state({"x": 1})


@every_detector
def test_reset_forgets(make: Callable[[], Made]) -> None:
    """After a reset a detector alarms as a new one does."""
    detector = make()
    alarms(detector, levels(3))
    detector.reset()
    assert alarms(detector, levels(4)) == alarms(make(), levels(4))
