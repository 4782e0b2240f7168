"""What every detector promises."""

from __future__ import annotations

import copy
import inspect
import itertools
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import modelwatch.detectors
from modelwatch.detectors import ADWIN, CUSUM, DDM, EDDM, HDDM_A, HDDM_W, KSWIN, PageHinkley
from modelwatch.errors import ConfigurationError, DataError, FormatError
from tests.detectors.streams import alarms, errors, levels

Made = ADWIN | CUSUM | DDM | EDDM | HDDM_A | HDDM_W | KSWIN | PageHinkley


@dataclass(frozen=True, slots=True)
class Case:
    """A detector, and what its alarms say of a rise and of a fall."""

    make: Callable[[], Made]
    rise: str | None = "rise"
    fall: str | None = "fall"
    tells_falls: bool = True

    @property
    def is_bounded(self) -> bool:
        """Whether it takes values from 0 to 1 only."""
        return self.make().HIGHEST == 1.0

    def stream(self, seed: int) -> list[float]:
        """Return values with changes, of the range that the detector takes."""
        return errors(seed, 0.1, 0.6, rows=1_500) if self.is_bounded else levels(seed)


CASES = {
    "adwin": Case(ADWIN),
    "adwin as river": Case(lambda: ADWIN(compatibility="river")),
    "cusum": Case(CUSUM),
    "cusum of a given target": Case(lambda: CUSUM(target=0.0, sd=1.0)),
    "ddm": Case(DDM, tells_falls=False),
    "eddm": Case(lambda: EDDM(alpha=0.85, beta=0.8), tells_falls=False),
    "hddm_a": Case(HDDM_A, tells_falls=False),
    "hddm_a two-sided": Case(lambda: HDDM_A(two_sided_test=True)),
    "hddm_w": Case(lambda: HDDM_W(drift_confidence=1e-5), tells_falls=False),
    "hddm_w two-sided": Case(lambda: HDDM_W(two_sided_test=True)),
    "kswin": Case(lambda: KSWIN(alpha=1e-5, seed=7), rise=None, fall=None),
    "page-hinkley": Case(PageHinkley),
}
every_detector = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
every_class = pytest.mark.parametrize("kind", sorted(modelwatch.detectors.__all__))


def resumed(detector: Made) -> Made:
    """Return the detector after a way through JSON as other programs read it, too."""
    return type(detector).from_state(json.loads(json.dumps(detector.to_state(), allow_nan=False)))


def test_no_detector_is_left_out() -> None:
    """Each public one is among the cases."""
    made = {type(case.make()).__name__ for case in CASES.values()}
    assert made == set(modelwatch.detectors.__all__)


@every_detector
def test_the_surface_is_the_same(case: Case) -> None:
    """Made, each has told nothing; an update returns nothing; options are given by name."""
    detector = case.make()
    assert detector.drift_detected is False
    assert detector.direction is None
    assert detector.skipped == 0
    update: Callable[[float], object] = detector.update
    assert update(1.0) is None
    warns = isinstance(detector, DDM | EDDM | HDDM_A | HDDM_W)
    assert hasattr(detector, "warning_detected") == warns
    kinds = {option.kind for option in inspect.signature(type(detector)).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


@every_detector
def test_a_change_is_found_with_its_direction(case: Case) -> None:
    """A large change of the mean is told within 300 values, whether it rises or falls."""
    changes = [(1.0, case.rise), (-1.0, case.fall)][: 1 + case.tells_falls]
    for sign, direction in changes:
        rates = (0.2, 0.8) if sign > 0 else (0.8, 0.2)
        bounded = errors(11, *rates, rows=1_500)
        stream = bounded if case.is_bounded else [sign * value for value in levels(0)[-3_000:]]
        detector = case.make()
        alarms(detector, stream[:1_500])
        for value in stream[1_500:1_800]:
            detector.update(value)
            if detector.drift_detected:
                break
        assert detector.drift_detected
        assert detector.direction == direction


@every_detector
def test_a_mirrored_stream_alarms_alike(case: Case) -> None:
    """The negative of a stream raises the same alarms, the other way round."""
    if case.is_bounded:
        return
    detector, mirrored = case.make(), case.make()
    stream = case.stream(6)
    assert alarms(detector, stream) == alarms(mirrored, [-value for value in stream])
    assert {detector.direction, mirrored.direction} == {case.rise, case.fall}


@every_detector
def test_a_constant_stream_raises_no_alarm(case: Case) -> None:
    """Where nothing changes nothing is told."""
    detector = case.make()
    constants = [0.0, 1.0] if case.is_bounded else [0.0, 0.1, -3e6]
    if isinstance(detector, CUSUM) and detector.target is not None:
        constants = [detector.target]
    for constant in constants:
        assert alarms(case.make(), [constant] * 3_000) == []


@every_detector
@pytest.mark.parametrize("spoiler", [math.nan, math.inf, -math.inf, 1.1e140, 10**400], ids=str)
def test_values_that_are_not_finite_are_skipped_and_counted(case: Case, spoiler: float) -> None:
    """One NaN does not silence a detector: it alarms as it would without."""
    stream = case.stream(1)[1_000:2_000]
    expected = [2 * index for index in alarms(case.make(), stream)]
    spoiled = [one for value in stream for one in (value, spoiler)]
    detector = case.make()
    assert alarms(detector, spoiled) == expected
    assert detector.skipped == len(stream)


@every_detector
def test_the_largest_values_leave_a_state_that_can_be_stored(case: Case) -> None:
    """No sum overflows, not even of values that can't be larger or nearer to each other."""
    largest = case.make().HIGHEST
    detector = case.make()
    for value in [0.0, 1e-140, largest, -largest * (not case.is_bounded)] * 200:
        if value in (0.0, 1.0) or not isinstance(detector, EDDM):
            detector.update(value)
        assert resumed(detector).drift_detected == detector.drift_detected


@every_detector
def test_values_of_numpy_leave_a_plain_state(case: Case) -> None:
    """They are taken as the number they are; so are truth values."""
    detector, other = case.make(), case.make()
    values: list[Any] = [np.float32(1), np.int64(0), True, np.bool_(False)]
    for value in values:
        detector.update(value)
        other.update(float(value))
    assert json.dumps(detector.to_state()) == json.dumps(other.to_state())


@every_detector
def test_values_beyond_the_range_of_the_method_are_refused(case: Case) -> None:
    """A count of errors is no error indicator; what was seen before is kept."""
    detector = case.make()
    if not case.is_bounded:
        assert alarms(detector, [2.0, -1.0]) == []
        return
    alarms(detector, [0.0, 1.0])
    before = detector.to_state()
    for value in (2.0, -0.1):
        with pytest.raises(DataError, match=f"value is {value:g}"):
            detector.update(value)
    assert detector.to_state() == before


@every_detector
def test_a_stored_state_goes_on_exactly(case: Case) -> None:
    """Stopped and resumed at random points, it alarms at the same values and ends up the same."""
    stream = case.stream(2)
    whole = case.make()
    expected = alarms(whole, stream)
    assert expected
    cuts = np.random.default_rng(3).integers(0, len(stream), 30).tolist()
    after_alarms = [index + 1 for index in expected[:20]]
    points = sorted({0, *cuts, *after_alarms, len(stream)})
    detector, found = case.make(), []
    for start, end in itertools.pairwise(points):
        detector = resumed(detector)
        found += [start + index for index in alarms(detector, stream[start:end])]
    assert found == expected
    assert detector.to_state() == whole.to_state()


@every_detector
def test_a_state_is_a_copy(case: Case) -> None:
    """What a detector does later changes no state that was taken before, nor one resumed from."""
    stream = case.stream(4)
    detector = case.make()
    alarms(detector, stream[:1_000])
    state = detector.to_state()
    kept = copy.deepcopy(state)
    alarms(type(detector).from_state(state), stream[1_000:])
    alarms(detector, stream[1_000:])
    assert state == kept


@every_detector
def test_a_foreign_state_is_refused(case: Case) -> None:
    """What is no state of this detector is told as such: another's, another version's."""
    detector = case.make()
    state = detector.to_state()
    states: list[Any] = [
        {"x": 1},
        {},
        [],
        None,
        {**state, "detector": "OTHER"},
        {**state, "state_version": 2},
        {**state, "parameters": {}},
        {**state, "memory": {}},
    ]
    for damaged in states:
        with pytest.raises(FormatError, match="state"):
            type(detector).from_state(damaged)


def damages(state: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield each place of a state, and a value that is put there."""
    items = state.items() if isinstance(state, dict) else list(enumerate(state))[:3]
    wrong_ones: list[Any] = [None, "x", True, -1, 0, 0.5, 1e300, math.nan, 2**70, [], {}, [[]], 3]
    for key, value in items:
        for wrong in wrong_ones:
            yield (*path, key), wrong
        if isinstance(value, dict | list):
            yield from damages(value, (*path, key))


@every_detector
def test_a_damaged_state_is_refused_or_does_no_harm(case: Case) -> None:
    """Whatever a single value is replaced by, there is a typed error or a detector that works."""
    detector = case.make()
    stream = case.stream(5)
    alarms(detector, stream[:1_700])
    state = json.loads(json.dumps(detector.to_state()))
    refused = 0
    for path, wrong in damages(state):
        damaged = copy.deepcopy(state)
        place = damaged
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = wrong
        try:
            taken = type(detector).from_state(damaged)
        except FormatError:
            refused += 1
        else:
            alarms(taken, stream[1_700:1_740])
    assert refused > 50


@every_detector
def test_reset_forgets(case: Case) -> None:
    """After a reset a detector is as a new one."""
    detector = case.make()
    alarms(detector, [*case.stream(3), math.nan])
    detector.reset()
    assert detector.to_state() == case.make().to_state()
    assert alarms(detector, case.stream(4)) == alarms(case.make(), case.stream(4))


@every_detector
def test_memory_is_bounded(case: Case) -> None:
    """The state after 100,000 values without a change is less than 6 kB."""
    rng = np.random.default_rng(0)
    stream = rng.random(100_000) < 0.2 if case.is_bounded else rng.normal(size=100_000)
    detector = case.make()
    alarms(detector, stream.astype(float).tolist())
    assert len(json.dumps(detector.to_state())) < 6_000


@every_class
def test_options_of_a_wrong_type_are_refused(kind: str) -> None:
    """None (but where it has a meaning), texts, NaN and lists: told with the option's name."""
    made = getattr(modelwatch.detectors, kind)
    for name, option in inspect.signature(made).parameters.items():
        wrong_ones: list[Any] = ["x", math.nan, math.inf, []]
        for wrong in wrong_ones + [None] * (option.default is not None):
            with pytest.raises(ConfigurationError, match=name):
                made(**{name: wrong})


@every_detector
@pytest.mark.parametrize("value", [None, "a", "1", [1], np.ones(1), 1j, {}], ids=repr)
def test_what_is_no_number_is_refused(case: Case, value: Any) -> None:
    """A text of digits too: it is named, and nothing is remembered of it."""
    detector = case.make()
    before = detector.to_state()
    with pytest.raises(DataError, match=r"value is .*: give one number"):
        detector.update(value)
    assert detector.to_state() == before
