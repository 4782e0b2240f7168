"""The moments event: few bytes, the same verdicts as from the rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from modelwatch.comparisons.correlation import correlation_drift
from modelwatch.comparisons.gaussian_kl import gaussian_kl
from modelwatch.comparisons.hotelling import hotelling
from modelwatch.comparisons.joint_reference import JointReference, JointStatistic
from modelwatch.comparisons.reconstruction import reconstruction_drift
from modelwatch.errors import UndecodableTelemetry
from modelwatch.sketches import JointMoments, Moments
from modelwatch.telemetry.wire.moments_body import decode_moments, encode_moments

FloatArray = npt.NDArray[np.float64]
Rows = Callable[[np.random.Generator, int], FloatArray]

NAMES = tuple(f"x{at}" for at in range(8))


def mixed(random: np.random.Generator, n: int) -> FloatArray:
    """Return features that share a common part, of different places and scales."""
    common = random.normal(size=(n, 1))
    return (common + random.normal(size=(n, len(NAMES)))) * np.arange(1, 9) + 1_000 * np.arange(8)


def nearly_collinear(random: np.random.Generator, n: int) -> FloatArray:
    """Return features of which neighbours correlate by .9999."""
    rows = mixed(random, n)
    rows[:, 1::2] = rows[:, ::2] + 0.0141 * rows[:, ::2].std(axis=0) * random.normal(size=(n, 4))
    return rows


def with_constants(random: np.random.Generator, n: int) -> FloatArray:
    """Return features of which two never vary and one is the double of another."""
    rows = mixed(random, n)
    rows[:, 2], rows[:, 3], rows[:, 5] = 4.0, 1e9, 2 * rows[:, 4]
    return rows


FAMILIES: dict[str, Rows] = {
    "mixed": mixed,
    "r = .9999": nearly_collinear,
    "constants": with_constants,
    "far from zero": lambda random, n: 1e9 + mixed(random, n),
    "heavy tails": lambda random, n: random.standard_t(3, size=(n, len(NAMES))),
    "log-normal": lambda random, n: random.lognormal(0, 1, size=(n, len(NAMES))),
}

STATISTICS: dict[str, Callable[[JointReference, JointMoments], JointStatistic]] = {
    "correlation": correlation_drift,
    "hotelling": hotelling,
    "reconstruction": reconstruction_drift,
    "gaussian_kl": gaussian_kl,
}


def joint(rows: FloatArray, shift: FloatArray) -> JointMoments:
    """Return the co-moments of rows."""
    found = JointMoments(NAMES, shift)
    found.update(rows)
    return found


def alone(rows: FloatArray, shift: FloatArray) -> dict[str, Moments]:
    """Return the moments of each feature."""
    found = {name: Moments(shift=float(at)) for name, at in zip(NAMES, shift, strict=True)}
    for moments, column in zip(found.values(), rows.T, strict=True):
        moments.update(column[~np.isnan(column)])
    return found


def over_the_wire(rows: FloatArray, shift: FloatArray) -> JointMoments:
    """Return the co-moments as they arrive."""
    body = encode_moments(alone(rows, shift), joint(rows, shift))
    found = decode_moments(body, NAMES, NAMES).joint(NAMES)
    assert found is not None
    return found


@pytest.mark.parametrize("drifts", [False, True], ids=["same law", "drifted"])
@pytest.mark.parametrize("windows", [1, 60])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("statistic", STATISTICS)
def test_verdicts_are_those_of_the_rows(
    statistic: str, family: str, windows: int, drifts: bool
) -> None:
    """Statistics from what arrived, merged too, against those of all rows at once: 1% or .005."""
    random, make = np.random.default_rng(5), FAMILIES[family]
    before = make(random, 5_000)
    shift = before.mean(axis=0)
    reference = JointReference.of(joint(before, shift))
    rows = make(random, 500 * windows)
    if drifts:
        rows[:, 0] += 0.2 * before[:, 0].std()
        rows[:, 6] = 0.5 * rows[:, 6] + 0.5 * rows[:, 7]
    parts = np.array_split(rows, windows)
    received = over_the_wire(parts[0], shift)
    for part in parts[1:]:
        received = received.merge(over_the_wire(part, shift))
    found = STATISTICS[statistic](reference, received)
    expected = STATISTICS[statistic](reference, joint(rows, shift))
    assert found.reason == expected.reason
    assert found.value == pytest.approx(expected.value, rel=0.01, abs=2e-3)
    assert found.p_value == pytest.approx(expected.p_value, rel=0.05, abs=5e-3)


def test_moments_are_exact() -> None:
    """Counts, means and squared deviations arrive to the last bit; extremes go with the metric."""
    rows = mixed(np.random.default_rng(6), 100)
    rows[3, 2] = np.nan
    sent = alone(rows, rows[0])
    received = decode_moments(encode_moments(sent, None), NAMES, ()).each()
    for mine, theirs in zip(sent.values(), received, strict=True):
        assert (mine.n, mine.mean, mine.m2) == (theirs.n, theirs.mean, theirs.m2)
        assert (theirs.minimum, theirs.maximum) == (math.inf, -math.inf)


@pytest.mark.parametrize("gaps", [0, 30])
def test_joint_means_are_those_of_the_complete_rows(gaps: int) -> None:
    """With gaps, means and squares are of fewer rows than the feature's own, and exact."""
    rows = mixed(np.random.default_rng(7), 100)
    rows[:gaps, 4] = np.nan
    exact, received = joint(rows, rows[-1]), over_the_wire(rows, rows[-1])
    assert received.n == 100 - gaps
    mean = exact.shift + exact.mean_offset
    assert received.shift + received.mean_offset == pytest.approx(mean, rel=1e-14)
    assert np.diag(received.m2) == pytest.approx(np.diag(exact.m2), rel=1e-12)


def test_features_without_moments_of_their_own_have_joint_ones() -> None:
    """Co-moments need no moments of the same names."""
    rows = mixed(np.random.default_rng(8), 50)
    exact = joint(rows, rows[0])
    body = encode_moments({"other": Moments(n=1)}, exact)
    received = decode_moments(body, ["other"], NAMES).joint(NAMES)
    assert received is not None
    assert np.array_equal(np.diag(received.m2), np.diag(exact.m2))


@pytest.mark.parametrize("first", [0, 2, 255])
def test_another_format_is_refused(first: int) -> None:
    """A newer sender is told what to do."""
    body = bytes((first,)) + encode_moments({"x": Moments(n=1)}, None)[1:]
    with pytest.raises(UndecodableTelemetry, match=f"format {first} .* same release"):
        decode_moments(body, ["x"], ())


@pytest.mark.parametrize(
    "wrong",
    [
        Moments(n=0),
        Moments(n=-1),
        Moments(n=2**60),
        Moments(n=2, m2=-1.0),
        Moments(n=2, m2=math.inf),
    ],
    ids=["no rows", "fewer", "too many", "negative", "infinite"],
)
def test_numbers_of_no_sample_are_refused(wrong: Moments) -> None:
    """What cannot be moments does not become any."""
    with pytest.raises(UndecodableTelemetry, match="no numbers of a sample"):
        decode_moments(encode_moments({"x": wrong}, None), ["x"], ())
    joint = JointMoments(["x"], np.zeros(1), n=max(wrong.n, 1), m2=np.array([[1.0]]))
    body = bytearray(encode_moments({"x": Moments(n=1)}, joint))
    body[25] = 0x80  # the sign of the number of complete rows
    with pytest.raises(UndecodableTelemetry, match="joint moments are no numbers"):
        decode_moments(bytes(body), ["x"], ["x"])
