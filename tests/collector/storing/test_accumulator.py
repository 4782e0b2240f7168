from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.collector.storing.accumulator import Accumulator, Vectors
from modelwatch.collector.storing.senders import SMALLEST, count_senders, sender_hash
from modelwatch.collector.storing.vectors import (
    pack_counts,
    pack_floats,
    unpack_counts,
    unpack_floats,
)
from modelwatch.errors import StoreError
from modelwatch.telemetry.wire import Series, SeriesSet

SERIES = [
    Series("rows", "sum", ()),
    Series("values", "histogram", (("name", "a"),), np.array([1.0, 2.0]).tobytes()),
    Series("values", "histogram", (("name", "b"),), np.array([5.0]).tobytes()),
    Series("calls", "sum", (("type", "x"),)),
]


def vectors(numbers: list[int], seed: int) -> Vectors:
    """Return a row of some of the series, in an order of its own."""
    random = np.random.default_rng(seed)
    series_set = SeriesSet(tuple(SERIES[number] for number in numbers))
    floats = random.normal(size=(3, series_set.histograms))
    floats[:, random.random(series_set.histograms) < 0.3] = math.nan
    counts = random.integers(0, 2**40, series_set.size)
    for series, start in zip(series_set.series, series_set.offsets.tolist(), strict=False):
        if random.random() < 0.3:
            counts[start : start + series.width] = 0
    return Vectors(series_set, counts, *floats)


def by_series(rows: list[Vectors]) -> dict[int, tuple[list[int], float, float, float]]:
    """Return the sums of each series, added up one by one."""
    found: dict[int, tuple[list[int], float, float, float]] = {}
    for row in rows:
        histogram = 0
        for series, start in zip(row.series_set.series, row.series_set.offsets, strict=False):
            counts = row.counts[start : start + series.width].tolist()
            told = (math.nan, math.nan, math.nan)
            if series.is_histogram:
                told = (row.sums[histogram], row.minima[histogram], row.maxima[histogram])
                histogram += 1
            known = found.get(series.key, ([0] * series.width, 0.0, math.nan, math.nan))
            found[series.key] = (
                [a + b for a, b in zip(known[0], counts, strict=True)],
                known[1] + (0.0 if math.isnan(told[0]) and not any(counts) else told[0]),
                float(np.fmin(known[2], told[1])),
                float(np.fmax(known[3], told[2])),
            )
    return found


rows = st.lists(
    st.tuples(st.permutations(range(4)), st.integers(1, 4), st.integers(0, 2**32)), min_size=1
)


@given(rows)
def test_sums_are_those_of_each_series(drawn: list[tuple[list[int], int, int]]) -> None:
    """Whatever series rows have, and in whatever order, each series is summed by itself."""
    made = [vectors(list(order)[:size], seed) for order, size, seed in drawn]
    sums = Accumulator()
    for row in made:
        sums.add(row)
    (found, expected) = by_series([sums.vectors()]), by_series(made)
    assert found.keys() == expected.keys()
    for key, (counts, *floats) in expected.items():
        assert found[key][0] == counts
        assert list(found[key][1:]) == pytest.approx(floats, nan_ok=True)


def values(counts: tuple[int, int, int], total: float) -> Vectors:
    """Return a row of two histograms, of which the second always tells its sum."""
    series_set = SeriesSet((SERIES[1], SERIES[2]))
    floats = np.array([total, 5.0]), np.array([1.0, 4.0]), np.array([2.0, 6.0])
    return Vectors(series_set, np.array([*counts, 1, 0]), *floats)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_a_sum_that_one_row_lacks_is_unknown_in_the_whole(order: tuple[int, int, int]) -> None:
    """No mean is told that leaves values out; the other series keep theirs, counts stay exact."""
    rows_of_three = [values((1, 2, 3), 9.0), values((1, 0, 0), math.nan), values((1, 1, 1), 7.0)]
    sums = Accumulator()
    for at in order:
        sums.add(rows_of_three[at])
    found = sums.vectors()
    assert math.isnan(found.sums[0])
    assert found.sums[1] == 15.0
    assert found.counts.tolist() == [3, 3, 4, 3, 0]
    assert (found.minima.tolist(), found.maxima.tolist()) == ([1.0, 4.0], [2.0, 6.0])


def test_a_histogram_of_nothing_needs_no_sum() -> None:
    """Who counted no value and told no sum leaves the sum of the others as it is."""
    sums = Accumulator()
    for row in (values((0, 0, 0), math.nan), values((1, 2, 3), 9.0), values((0, 0, 0), math.nan)):
        sums.add(row)
    assert sums.vectors().sums.tolist() == [9.0, 15.0]


def test_sums_never_leave_64_bits() -> None:
    """The largest counts that are taken, added without end, stay where they are."""
    series_set = SeriesSet((SERIES[0],))
    none = np.zeros(0)
    sums = Accumulator()
    for _ in range(5_000):
        sums.add(Vectors(series_set, np.array([2**53]), none, none, none))
    capped = sums.vectors().counts.copy()
    assert capped[0] == 2**61
    for _ in range(5):
        sums.add_sums(Vectors(series_set, capped, none, none, none))
    assert sums.vectors().counts.tolist() == [2**61]


@given(st.lists(st.integers(0, 2**62)))
def test_counts_come_back(counts: list[int]) -> None:
    """What is packed is what is unpacked, and takes no more than the largest count needs."""
    packed = pack_counts(np.array(counts, np.int64))
    assert unpack_counts(packed).tolist() == counts
    if counts and max(counts) < 256:
        assert len(packed) == 1 + len(counts)


def test_floats_come_back() -> None:
    """Sums and extremes come back, those that are absent too."""
    told = (np.array([1.5, math.nan]), np.array([-1.0, math.nan]), np.array([2.0, math.nan]))
    for before, after in zip(told, unpack_floats(pack_floats(*told)), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("content", [b"", b"\x03abc", b"\x02a"])
def test_damaged_counts_are_refused(content: bytes) -> None:
    """Bytes that are no counts are an error of the store."""
    with pytest.raises(StoreError, match="damaged"):
        unpack_counts(content)


@pytest.mark.parametrize("number", [0, 1, SMALLEST - 1, SMALLEST, 5_000, 100_000])
def test_senders_are_counted(number: int) -> None:
    """Exactly while there are few, and within 10% where there are many."""
    hashes = sorted(sender_hash(f"sender {n}") for n in range(number))
    tolerance = 0 if number < SMALLEST else 0.1 * number
    assert count_senders(hashes[:SMALLEST]) == pytest.approx(number, abs=tolerance)
