"""Errors in label order, watched for a change."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from modelwatch.comparisons.design_effect import DesignEffect, fit_design_effect
from modelwatch.concept.concept_change import ConceptChange
from modelwatch.concept.error_stream import ErrorStream
from modelwatch.detectors import ADWIN
from modelwatch.errors import ConfigurationError, DataError, FormatError
from tests.detectors.streams import alarms
from tests.labelled_tables import binary_table, fitted, regression_table, without

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SECOND = 1_000_000_000


def rates(seed: int, *levels: tuple[float, int]) -> FloatArray:
    """Return error indicators of some rates, so many rows of each."""
    rng = np.random.default_rng(seed)
    parts = [rng.random(rows) < rate for rate, rows in levels]
    return np.concatenate(parts).astype(np.float64)


def seconds(rows: int) -> IntArray:
    """Return one time a second."""
    return np.arange(rows) * SECOND


def told(errors: FloatArray, stream: ErrorStream | None = None) -> list[ConceptChange]:
    """Return the changes of a stream whose labels come one a second, a minute late."""
    times = seconds(errors.size)
    return (stream or ErrorStream()).update(errors, times + 60 * SECOND, times)


def restarted(errors: FloatArray, cuts: list[int]) -> tuple[ErrorStream, list[ConceptChange]]:
    """Return the same of a stream that was stored and read again at some rows."""
    stream, found = ErrorStream(), []
    for rows in np.split(np.arange(errors.size), cuts):
        stream = ErrorStream.from_bytes(stream.to_bytes())
        times = rows * SECOND
        found += stream.update(errors[rows], times + 60 * SECOND, times)
    return stream, found


def delay(changes: list[ConceptChange], at: int) -> int:
    """Return how many labels after a row the first change was told."""
    rows = [change.detected_ns // SECOND - 60 for change in changes]
    return next(row for row in rows if row >= at) - at + 1


@pytest.mark.parametrize(
    ("after", "mean", "median"), [(0.5, 90.9, 88.0), (0.3, 432.0, 424.0)], ids=str
)
def test_the_delay_is_adwins_across_restarts(after: float, mean: float, median: float) -> None:
    """Over 100 streams .2 to .5 is told after 91 labels, .2 to .3 after 432; none before it."""
    delays, early = [], 0
    for seed in range(100):
        errors = rates(seed, (0.2, 5_000), (after, 5_000))
        cuts = np.sort(np.random.default_rng(seed).integers(0, 10_000, 8)).tolist()
        _, changes = restarted(errors, cuts)
        delays.append(delay(changes, 5_000))
        early += sum(change.detected_ns < 5_060 * SECOND for change in changes)
    assert np.mean(delays) == pytest.approx(mean, abs=0.5)
    assert np.median(delays) == median
    assert early == 0


def test_a_constant_rate_raises_no_alarm() -> None:
    """None in 200,000 labels; the memory stays small."""
    stream = ErrorStream()
    assert told(rates(5, (0.2, 200_000)), stream) == []
    assert len(stream.to_bytes()) < 3_000
    assert stream.mean == pytest.approx(0.2, abs=0.005)


@pytest.mark.slow
def test_two_million_labels_of_a_constant_rate_raise_no_alarm() -> None:
    """As the plain detector raises none."""
    stream = ErrorStream()
    assert [told(rates(seed, (0.2, 500_000)), stream) for seed in range(4)] == [[]] * 4


def test_alarms_come_where_the_detectors_do() -> None:
    """The stream adds what the change is, and changes nothing of when it is told."""
    errors = rates(7, (0.1, 3_000), (0.4, 2_000), (0.15, 3_000))
    rows = [change.detected_ns // SECOND - 60 for change in told(errors)]
    assert rows == alarms(ADWIN(), errors.tolist())


@given(
    seed=st.integers(0, 50),
    cuts=st.lists(st.integers(0, 1_500), max_size=6).map(sorted),
)
def test_a_stream_that_was_cut_anywhere_goes_on_exactly(seed: int, cuts: list[int]) -> None:
    """Stored and read again, or given in other parts: the changes are the same to the bit."""
    errors = rates(seed, (0.1, 700), (0.6, 500), (0.2, 300))
    whole = ErrorStream()
    changes = told(errors, whole)
    stream, found = restarted(errors, cuts)
    assert found == changes
    assert stream.to_bytes() == whole.to_bytes()


def test_a_change_says_when_from_what_to_what_and_how_sure() -> None:
    """The means are those of the raw rows on either side, and the interval holds the truth."""
    errors = rates(1, (0.05, 4_000), (0.25, 2_000))
    change = told(errors)[0]
    cut = change.rows_before
    end = change.detected_ns // SECOND - 60 + 1
    assert change.is_worse
    assert change.before == pytest.approx(errors[:cut].mean())
    assert change.after == pytest.approx(errors[cut:end].mean())
    assert change.rows_before + change.rows_after == end
    assert abs(cut - 4_000) < 60
    assert change.began_labelled_ns == (cut + 60) * SECOND
    assert change.began_ns == pytest.approx(cut * SECOND, abs=20 * SECOND)
    assert change.difference_lower < 0.2 < change.difference_upper
    assert change.difference == pytest.approx(change.after - change.before)
    assert 0.998 < change.confidence < 1.0


def test_the_confidence_is_that_of_a_detector_that_just_tells_it() -> None:
    """With a delta above 1 - confidence the change is told at this row, with one below not."""
    errors = rates(3, (0.2, 2_000), (0.4, 2_000))
    change = told(errors)[0]
    end = change.detected_ns // SECOND - 60 + 1
    delta = 1 - change.confidence
    assert delta < 0.002
    looser, stricter = ErrorStream(delta=delta * 1.01), ErrorStream(delta=delta * 0.99)
    assert told(errors[:end], looser) != []
    assert told(errors[:end], stricter) == []


def test_where_it_began_is_told_within_some_labels() -> None:
    """Over 40 streams, half of the estimates are within 40 labels of the change."""
    found = [told(rates(seed, (0.2, 5_000), (0.4, 2_000)))[0] for seed in range(40)]
    misses = [abs(change.began_labelled_ns / SECOND - 5_060) for change in found]
    assert np.median(misses) < 40


def test_predictions_of_many_days_are_told_by_their_middle() -> None:
    """Labels that come after 1 to 30 days tell the time of predictions to some days."""
    errors = rates(2, (0.1, 4_000), (0.5, 1_000))
    labelled = np.arange(5_000) * 600 * SECOND
    delays = np.random.default_rng(0).integers(1, 30 * 86_400, 5_000) * SECOND
    [change] = ErrorStream().update(errors, labelled, labelled - delays)
    began = 4_000 * 600 - 15 * 86_400
    assert change.began_ns / SECOND == pytest.approx(began, abs=5 * 86_400)


def test_an_improvement_is_told_apart() -> None:
    """A rate that falls is no alarm, and is known."""
    [change] = told(rates(4, (0.5, 2_000), (0.2, 2_000)))
    assert (change.direction, change.is_worse) == ("fall", False)
    assert change.difference_upper < 0


def test_errors_that_are_not_known_are_passed_over() -> None:
    """They are counted, and nothing else of the stream is changed."""
    errors = rates(1, (0.1, 1_000), (0.7, 500))
    gaps = np.insert(errors, [10, 500, 1_200], np.nan)
    stream = ErrorStream()
    times = seconds(gaps.size)
    found = stream.update(gaps, times, times)
    assert (stream.rows, stream.unknown) == (1_500, 3)
    assert [change.rows_before for change in found] == [
        change.rows_before for change in told(errors)
    ]


def test_errors_of_a_regression_are_scaled_and_bounded() -> None:
    """A growing residual is told in the errors' own unit, and a single huge one is not."""
    rng = np.random.default_rng(0)
    baseline = fitted(regression_table(0))
    stream = ErrorStream.for_baseline(baseline)
    calm = np.abs(rng.normal(0, 0.3, 3_000))
    calm[1_500] = 1e9
    assert told(calm, stream) == []
    grown = np.abs(rng.normal(0, 0.6, 1_000))
    [change] = told(grown, stream)
    assert change.after == pytest.approx(0.6 * math.sqrt(2 / math.pi), abs=0.1)
    assert change.before == pytest.approx(0.3 * math.sqrt(2 / math.pi), abs=0.02)
    assert change.difference_lower < change.difference < change.difference_upper


def test_a_baselines_stream_has_its_design_effect() -> None:
    """A cycle that the baseline's rows had is no change; the plain stream takes it for one."""
    rng = np.random.default_rng(0)
    rate = 0.2 + 0.1 * np.sin(np.arange(40_000) * 2 * np.pi / 1_000)
    wrong = rng.random(40_000) < rate
    table = binary_table(0, 40_000)
    guess = np.array(table["predicted"])
    other = np.where(guess == "yes", "no", "yes")
    table["label"] = np.where(wrong, other, guess).tolist()
    baseline = fitted(table, score={"yes": "score"})
    errors = (rng.random(40_000) < rate).astype(np.float64)
    assert told(errors, ErrorStream.for_baseline(baseline)) == []
    assert told(errors)
    broken = np.concatenate([errors, rates(0, (0.5, 8_000))])
    assert told(broken, ErrorStream.for_baseline(baseline))[0].is_worse


def test_a_baseline_without_labels_has_no_stream() -> None:
    """The message says what to do."""
    baseline = fitted(without(binary_table(0), "label"), score={"yes": "score"})
    with pytest.raises(ConfigurationError, match="label="):
        ErrorStream.for_baseline(baseline)


@pytest.mark.parametrize("errors", [[0.0, 1.5], [-0.1, 0.0]], ids=str)
def test_errors_out_of_range_are_refused_whole(errors: list[float]) -> None:
    """A rate is of errors from 0 to 1."""
    stream = ErrorStream()
    with pytest.raises(DataError, match="give 0 or more"):
        told(np.array(errors), stream)
    assert stream.rows == 0


def test_lengths_must_agree() -> None:
    """Each error has its times."""
    with pytest.raises(DataError, match="2 errors have 1 and 2"):
        ErrorStream().update(np.zeros(2), seconds(1), seconds(2))


@pytest.mark.parametrize(
    "options",
    [{"delta": 0.0}, {"largest_error": 0.0}, {"largest_error": math.nan}],
    ids=str,
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    """They are named when the stream is made."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        ErrorStream(**options)


def bodies() -> dict[str, Any]:
    """Return a stored stream as plain values."""
    effect = DesignEffect((50, 100), (1.5, 2.0), (3.0, 3.0))
    stream = ErrorStream(effect=effect)
    told(rates(0, (0.2, 300)), stream)
    found: dict[str, Any] = json.loads(zlib.decompress(stream.to_bytes()))
    return found


@pytest.mark.parametrize(
    "place",
    [
        ("unknown", -1),
        ("largest_error", 0),
        ("detector", {}),
        ("detector.parameters.sizes", "ab"),
        ("detector.parameters.sizes", [100, 50]),
        ("detector.parameters.phi", [0.5, 1.0]),
        ("detector.parameters.phi", [1.0]),
        ("detector.memory.width", 5),
        ("times.rows", 0),
        ("times.marks", [[1, 2]]),
        ("times.marks", [["a", 1, 2]]),
        ("times.recent", None),
        ("format_version", 99),
    ],
    ids=str,
)
def test_damaged_bytes_are_refused(place: tuple[str, Any]) -> None:
    """Whatever is absent, of a wrong type, or contradicts the rest is told."""
    body = bodies()
    *path, name = place[0].split(".")
    part = body
    for key in path:
        part = part[key]
    part[name] = place[1]
    with pytest.raises(FormatError, match="error stream"):
        ErrorStream.from_bytes(zlib.compress(json.dumps(body).encode()))
    with pytest.raises(FormatError, match="error stream"):
        ErrorStream.from_bytes(ErrorStream().to_bytes()[:-3])


def test_a_change_is_kept_as_plain_values() -> None:
    """What was written is read again, and damage is told."""
    [change] = told(rates(4, (0.1, 2_000), (0.4, 1_000)))
    body = json.loads(json.dumps(change.to_dict()))
    assert ConceptChange.from_dict(body) == change
    with pytest.raises(FormatError, match="direction"):
        ConceptChange.from_dict(body | {"direction": "up"})


@given(st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=80), st.integers(0, 80))
def test_the_middle_of_predictions_is_the_median_of_the_last_31(times: list[int], cut: int) -> None:
    """Whether they come at once or in two parts."""
    from modelwatch.concept.label_times import LabelTimes

    found = LabelTimes()
    for part in (times[:cut], times[cut:]):
        found.append(np.zeros(len(part), np.int64), np.array(part, dtype=np.int64))
    for row in range(len(times)):
        window = sorted(times[max(row - 30, 0) : row + 1])
        assert found.at(row).predicted_ns == window[(len(window) - 1) // 2]


def autoregressive(rng: np.random.Generator, rows: int) -> FloatArray:
    """Return errors whose rate wanders about .2, its neighbours' correlation being .99."""
    level = lfilter([math.sqrt(1 - 0.99**2)], [1, -0.99], rng.normal(size=rows + 1_000))[1_000:]
    wrong = rng.random(rows) < np.clip(0.2 + 0.1 * level, 0, 1)
    return np.asarray(wrong, dtype=np.float64)


@pytest.mark.slow
def test_autocorrelated_errors_are_no_change_with_their_design_effect() -> None:
    """Ten streams of 40,000 labels: one false alarm at most, where the plain stream has scores."""
    plain = corrected = found = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        codes = autoregressive(rng, 40_000).astype(np.intp)
        stream = ErrorStream(effect=fit_design_effect(codes, 2))
        errors = autoregressive(rng, 40_000)
        plain += len(told(errors))
        corrected += len(told(errors, stream))
        worse = np.maximum(autoregressive(rng, 12_000), rates(seed, (0.4, 12_000)))
        found += any(change.is_worse for change in told(worse, stream))
    assert plain > 100
    assert corrected <= 1
    assert found == 10
