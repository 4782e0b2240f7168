"""Tests that may be looked at any time."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from modelwatch.errors import ConfigurationError
from modelwatch.rollout.sequential import (
    FEWEST_ROWS,
    MeanOfRows,
    SequentialDifference,
    confidence_sequence,
    difference_of_means,
    difference_of_pairs,
)

STREAMS = 2_000
LOOKS = 100
ALPHA = 0.05
Z95 = 1.959963984540054

Counts = npt.NDArray[np.int64]


def looks_at_shares(
    rng: np.random.Generator, shares: tuple[float, float], batches: tuple[int, int], effect: float
) -> Iterator[tuple[int, int, SequentialDifference, float]]:
    """Draw streams of two versions and look after each batch.

    Yields:
        Stream, look, what is told, and the z of the test for one look.
    """
    counts = [
        rng.binomial(batch, share, (STREAMS, LOOKS)).cumsum(axis=1)
        for share, batch in zip(shares, batches, strict=True)
    ]
    for stream in range(STREAMS):
        for look in range(LOOKS):
            rows = [batch * (look + 1) for batch in batches]
            hits = [int(one[stream, look]) for one in counts]
            sides = [MeanOfRows.of_share(*pair) for pair in zip(hits, rows, strict=True)]
            told = difference_of_means(*sides, effect=effect, alpha=ALPHA)
            means = [hit / row for hit, row in zip(hits, rows, strict=True)]
            error = math.sqrt(sum(m * (1 - m) / n for m, n in zip(means, rows, strict=True)))
            yield stream, look, told, (means[1] - means[0]) / error if error else 0.0


def rates(
    shares: tuple[float, float], batches: tuple[int, int], effect: float, seed: int
) -> dict[str, float]:
    """Return shares of streams, and the median rows of the candidate at the first alarm.

    `missed`: the truth was outside of the limits at some look; `found`: zero was; `peeking`: the
    test for one look was significant at some look; `once`: it was at the last.
    """
    first = np.full(STREAMS, LOOKS)
    missed, peeking, once = (np.zeros(STREAMS, bool) for _ in range(3))
    truth = shares[1] - shares[0]
    looked = looks_at_shares(np.random.default_rng(seed), shares, batches, effect)
    for stream, look, told, z in looked:
        if not told.lower <= 0 <= told.upper:
            first[stream] = min(first[stream], look)
        missed[stream] |= not told.lower <= truth <= told.upper
        peeking[stream] |= abs(z) > Z95 and (look + 1) * min(batches) >= FEWEST_ROWS
        once[stream] = abs(z) > Z95
    return {
        "missed": float(missed.mean()),
        "found": float((first < LOOKS).mean()),
        "peeking": float(peeking.mean()),
        "once": float(once.mean()),
        "rows": float((np.median(first) + 1) * batches[1]),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "batches", "effect"),
    [
        (0.1, (100, 100), 0.02),
        (0.1, (950, 50), 0.02),
        (0.01, (950, 50), 0.01),
        (0.5, (50, 50), 0.05),
    ],
)
def test_a_version_compared_with_itself_is_found_to_differ_in_at_most_alpha(
    share: float, batches: tuple[int, int], effect: float
) -> None:
    """Looked at after every batch, A against A raises no more false alarms than promised.

    The test for one look raises them in a third or more of the streams: it must not be peeked at.
    """
    found = rates((share, share), batches, effect, seed=1)
    assert found["found"] <= ALPHA
    assert found["peeking"] > 0.3
    assert found["once"] == pytest.approx(ALPHA, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shares", "batches", "effect", "rows"),
    [
        ((0.10, 0.12), (200, 200), 0.02, 5_000),
        ((0.10, 0.15), (100, 100), 0.02, 1_300),
        ((0.10, 0.15), (950, 50), 0.02, 800),
        ((0.01, 0.03), (950, 50), 0.02, 1_000),
    ],
)
def test_real_differences_are_found_and_limits_hold_the_truth(
    shares: tuple[float, float], batches: tuple[int, int], effect: float, rows: int
) -> None:
    """Nearly all differences are found, half of them within so many rows of the candidate.

    The true difference is outside of the limits at any look in at most alpha of the streams.
    """
    found = rates(shares, batches, effect, seed=2)
    assert found["missed"] <= ALPHA
    assert found["found"] > 0.95
    assert found["rows"] <= rows


def test_it_costs_little_more_than_twice_the_rows_of_a_test_of_fixed_size() -> None:
    """Where one look at n rows finds .02 in 80%, the median stream needs at most twice n rows."""
    shares, batch, effect = (0.10, 0.12), 100, 0.02
    variance = sum(share * (1 - share) for share in shares)
    fixed = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2 * variance / 0.02**2
    rng = np.random.default_rng(3)
    needed = []
    for _ in range(200):
        hits, rows = np.zeros(2), 0
        told = confidence_sequence(0.0, math.inf, effect=effect)
        while told.lower <= 0 <= told.upper and rows < 50_000:
            hits += rng.binomial(batch, shares)
            rows += batch
            sides = [MeanOfRows.of_share(hit, rows) for hit in hits]
            told = difference_of_means(*sides, effect=effect)
        needed.append(rows)
    assert fixed < float(np.median(needed)) < 2 * fixed


@pytest.mark.slow
def test_skewed_losses_of_a_small_side_raise_no_more_alarms() -> None:
    """A canary of 5% of the rows, of heavy-tailed losses, is not found to differ from itself."""
    rng = np.random.default_rng(4)
    streams, looks = 500, 60
    false = 0
    for _ in range(streams):
        sides = [rng.lognormal(0, 1.5, (looks, batch)) for batch in (500, 25)]
        sums = [one.sum(axis=1).cumsum() for one in sides]
        squares = [(one**2).sum(axis=1).cumsum() for one in sides]
        for look in range(looks):
            means = []
            for batch, total, square in zip((500, 25), sums, squares, strict=True):
                rows = batch * (look + 1)
                mean = total[look] / rows
                means.append(MeanOfRows(rows, mean, square[look] / rows - mean**2))
            if difference_of_means(*means, effect=0.3).lower > 0:
                false += 1
                break
    assert false <= ALPHA * streams


@pytest.mark.slow
@pytest.mark.parametrize("discordant", [0.05, 0.005, 0.001])
def test_pairs_of_a_version_with_itself_raise_no_more_alarms(discordant: float) -> None:
    """Rare disagreements too: as many of either side are no difference, at any look."""
    rng = np.random.default_rng(5)
    law = [discordant, discordant, 1 - 2 * discordant]
    counts = rng.multinomial(100, law, (STREAMS, LOOKS)).cumsum(axis=1)
    false = 0
    for stream in counts.tolist():
        told = (
            difference_of_pairs(MeanOfRows.of_pairs(100 * (look + 1), b, c), effect=0.01)
            for look, (b, c, _) in enumerate(stream)
        )
        false += any(not one.lower <= 0 <= one.upper for one in told)
    assert false <= ALPHA * STREAMS


@pytest.mark.slow
def test_clustered_rows_need_their_design_effect() -> None:
    """Batches of alike rows raise false alarms without the design effect, and none too many with.

    Each batch has a share of its own, so that its mean has ten times the variance.
    """
    rng = np.random.default_rng(6)
    batch, effect = 100, 9.9
    spread = 0.1 * 0.9 * (effect - 1) / (batch - 1)
    size = 0.1 * 0.9 / spread - 1
    false = {1.0: 0, effect: 0}
    for _ in range(STREAMS):
        levels = rng.beta(0.1 * size, 0.9 * size, (2, LOOKS))
        hits = rng.binomial(batch, levels).cumsum(axis=1).tolist()
        for factor in false:
            for look in range(LOOKS):
                rows = batch * (look + 1)
                sides = [MeanOfRows.of_share(side[look], rows, factor) for side in hits]
                told = difference_of_means(*sides, effect=0.05)
                if not told.lower <= 0 <= told.upper:
                    false[factor] += 1
                    break
    assert false[effect] <= ALPHA * STREAMS
    assert false[1.0] > 0.3 * STREAMS


@given(
    st.floats(-1e3, 1e3),
    st.floats(1e-9, 1e6),
    st.floats(1e-4, 1e2),
    st.floats(0.001, 0.5),
)
def test_limits_and_p_value_say_the_same(
    difference: float, variance: float, effect: float, alpha: float
) -> None:
    """Zero is outside of the limits just where the p-value is below alpha."""
    told = confidence_sequence(difference, variance, effect=effect, alpha=alpha)
    assert told.lower <= told.difference <= told.upper
    assert 0 <= told.p_value <= 1
    if not math.isclose(told.p_value, alpha, rel_tol=1e-6):
        assert (told.p_value < alpha) == (told.lower > 0 or told.upper < 0)


def test_the_limits_are_wider_than_those_of_one_look() -> None:
    """At the effect that is worth finding they are 1.7 times as wide, and never narrower."""
    for variance in (1e-6, 1e-5, 1e-4, 1e-3):
        told = confidence_sequence(0.0, variance, effect=0.02)
        assert told.upper > 1.4 * Z95 * math.sqrt(variance)
    best = confidence_sequence(0.0, 0.02**2 / 8.5, effect=0.02)
    assert best.upper < 1.7 * Z95 * 0.02 / math.sqrt(8.5)


def test_a_gross_difference_is_found_at_once() -> None:
    """Where a thousandth is worth finding, a third that fails is found in the first 200 rows."""
    sides = MeanOfRows.of_share(2, 20_000), MeanOfRows.of_share(66, 200)
    assert difference_of_means(*sides, effect=0.001).lower > 0.0


@pytest.mark.parametrize("rows", [0, 1, FEWEST_ROWS - 1])
def test_few_rows_tell_nothing(rows: int) -> None:
    """Below a number of rows of either side there are no limits, and no p-value below 1."""
    many = MeanOfRows.of_share(500, 1_000)
    told = difference_of_means(many, MeanOfRows.of_share(0, rows), effect=0.01)
    assert not told.is_told
    assert told.p_value == 1.0
    pairs = difference_of_pairs(MeanOfRows.of_pairs(rows, 0, rows), effect=0.01)
    assert not pairs.is_told


def test_what_never_happened_is_not_certain_never_to_happen() -> None:
    """No failure in some rows leaves room for rare ones; no discordant pair likewise."""
    sides = [MeanOfRows.of_share(0, rows) for rows in (10_000, 300)]
    told = difference_of_means(*sides, effect=0.01)
    assert told.lower < -0.01 < 0.01 < told.upper
    pairs = difference_of_pairs(MeanOfRows.of_pairs(300, 0, 0), effect=0.01)
    assert pairs.lower < 0 < pairs.upper


@pytest.mark.parametrize(
    ("effect", "alpha"), [(0.0, 0.05), (-1.0, 0.05), (math.nan, 0.05), (0.1, 0.0), (0.1, 1.0)]
)
def test_arguments_out_of_range_are_refused(effect: float, alpha: float) -> None:
    """The error names the argument."""
    with pytest.raises(ConfigurationError, match=r"effect|alpha"):
        confidence_sequence(0.1, 0.1, effect=effect, alpha=alpha)


def test_an_impossible_design_effect_is_refused() -> None:
    """The error names it."""
    sides = [MeanOfRows.of_share(100, 1_000, 0.0)] * 2
    with pytest.raises(ConfigurationError, match="design_effect"):
        difference_of_means(*sides, effect=0.1)
