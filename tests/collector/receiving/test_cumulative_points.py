from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import modelwatch as mw
from modelwatch.collector.receiving.cumulative_points import Change, CumulativePoints
from modelwatch.errors import FormatError
from modelwatch.telemetry.wire import (
    Arrival,
    Series,
    SeriesSet,
    Window,
    decode_metrics,
    encode_metrics,
    to_profile,
)

ROWS = Series("modelwatch.rows.captured", "sum", ())
CALLS = Series("modelwatch.predictions", "sum", ())
SECONDS = Series(
    "modelwatch.prediction.duration", "histogram", (), np.array([1.0, 2.0]).astype("<f8").tobytes()
)


def point(
    start: int,
    end: int,
    rows: int | None = None,
    seconds: Sequence[int] = (),
    total: float = 0.0,
    *,
    calls: int | None = None,
    sender: int = 1,
) -> Arrival:
    """Return a cumulative arrival."""
    told = [(ROWS, rows), (CALLS, calls)]
    series = [one for one, count in told if count is not None]
    counts = [count for _, count in told if count is not None] + list(seconds)
    sums, minima, maxima = np.array([[total, 0.5, 9.0]] if seconds else []).reshape(-1, 3).T
    return Arrival(
        Window("m", "1", "i", "", "", start or end, end),
        sender,
        SeriesSet((*series, *([SECONDS] if seconds else []))),
        np.array(counts, np.int64),
        sums,
        minima,
        maxima,
        temporality="cumulative",
    )


def taken(points: CumulativePoints, *arrivals: Arrival) -> Change:
    """Return what arrivals tell, and remember it."""
    change = points.change(arrivals)
    points.keep(change)
    return change


def told(change: Change) -> list[tuple[int, int, list[int]]]:
    """Return start, end and counts of each delta."""
    assert all(one.temporality == "delta" for one in change.arrivals)
    return [(a.window.start_ns, a.window.end_ns, a.counts.tolist()) for a in change.arrivals]


def test_a_delta_is_the_difference_to_the_point_before() -> None:
    """The first point counts from its start, each later one from the one before, gaps or not."""
    points = CumulativePoints(since_ns=5)
    first = taken(points, point(10, 20, 3, [1, 2, 0], 4.5))
    second = taken(points, point(10, 50, 10, [1, 4, 1], 9.0))
    assert told(first) == [(10, 20, [3, 1, 2, 0])]
    assert told(second) == [(20, 50, [7, 0, 2, 1])]
    assert (first.arrivals[0].sums.tolist(), first.arrivals[0].minima.tolist()) == ([4.5], [0.5])
    assert second.arrivals[0].sums.tolist() == [4.5]
    assert math.isnan(second.arrivals[0].maxima[0])


def test_what_does_not_change_tells_nothing() -> None:
    """An idle sender fills no windows."""
    points = CumulativePoints(since_ns=5)
    taken(points, point(10, 20, 3))
    assert taken(points, point(10, 30, 3)).arrivals == []


def test_points_that_come_twice_or_late_are_ignored() -> None:
    """What they tell is known from a later one."""
    points = CumulativePoints(since_ns=5)
    taken(points, point(10, 20, 3), point(10, 30, 5))
    for late in (point(10, 30, 5), point(10, 25, 4), point(10, 20, 3), point(8, 40, 1)):
        change = taken(points, late)
        assert (change.arrivals, change.ignored) == ([], 1)
        assert change.memories == {}
    assert told(taken(points, point(10, 40, 6))) == [(30, 40, [1])]


def test_points_in_one_request_are_read_in_order_of_time() -> None:
    """A client that held exports back may send them in any order."""
    points = CumulativePoints(since_ns=5)
    change = taken(points, point(10, 40, 6), point(10, 20, 3))
    assert told(change) == [(10, 20, [3]), (20, 40, [3])]


def test_a_later_start_counts_from_zero() -> None:
    """A process that began anew counts anew."""
    points = CumulativePoints(since_ns=5)
    taken(points, point(10, 20, 3))
    assert told(taken(points, point(25, 30, 2))) == [(25, 30, [2])]
    assert told(taken(points, point(25, 40, 4))) == [(30, 40, [2])]


def test_a_count_that_fell_counts_from_zero() -> None:
    """A sender that tells no start can be seen to have begun anew."""
    points = CumulativePoints(since_ns=5)
    taken(points, point(0, 20, 7))
    assert told(taken(points, point(0, 30, 9))) == [(20, 30, [2])]
    assert told(taken(points, point(0, 40, 4))) == [(30, 40, [4])]


@pytest.mark.parametrize("start", [0, 4])
def test_what_may_have_been_counted_before_is_not_counted(start: int) -> None:
    """Of a series that began before all that is remembered, the next point counts."""
    points = CumulativePoints(since_ns=5)
    change = taken(points, point(start, 20, 100))
    assert (change.arrivals, change.begun) == ([], 1)
    assert told(taken(points, point(start, 30, 103))) == [(20, 30, [3])]


def test_a_series_that_comes_up_counts_from_zero() -> None:
    """Where its sender was heard in between, it has no past, whatever its start."""
    points = CumulativePoints(since_ns=15)
    taken(points, point(10, 20, 100))
    taken(points, point(10, 30, 101))
    assert told(taken(points, point(10, 40, 101, calls=6))) == [(30, 40, [6])]


def test_pieces_of_one_export_are_no_gap() -> None:
    """A series in the second piece of the first export was not missing from the first piece."""
    points = CumulativePoints(since_ns=15)
    taken(points, point(10, 20, 100))
    assert taken(points, point(10, 20, calls=50)).begun == 1


def test_what_could_not_be_stored_is_told_again() -> None:
    """Nothing is remembered before it is stored."""
    points = CumulativePoints(since_ns=5)
    first = points.change([point(10, 20, 3)])
    assert told(points.change([point(10, 20, 3)])) == told(first)


def test_memory_is_bounded_and_never_counts_twice() -> None:
    """The sender unheard for the longest is forgotten; where it comes back, it begins anew."""
    points = CumulativePoints(since_ns=1, max_bytes=1_000)
    for sender in range(1, 10):
        change = taken(points, point(100 * sender, 100 * sender + 50, 3, sender=sender))
        assert change.begun == 0
    assert points.forgotten > 4
    change = taken(points, point(100, 960, 4, sender=1))
    assert (change.arrivals, change.begun) == ([], 1)
    assert told(taken(points, point(100, 970, 9, sender=1))) == [(960, 970, [5])]
    assert told(taken(points, point(980, 990, 9, sender=99))) == [(980, 990, [9])]


def test_what_is_recalled_loses_nothing() -> None:
    """With a memory that outlives it, a restart or a full memory goes unnoticed."""
    stored: dict[int, bytes] = {}
    for sender, end, expected in ((1, 20, 100), (2, 20, 100), (1, 30, 7), (2, 40, 9)):
        points = CumulativePoints(since_ns=5, recall=stored.get, max_bytes=1)
        rows = 100 if end == 20 else 100 + expected
        change = taken(points, point(10, end, rows, sender=sender))
        stored |= change.memories
        assert [counts for _, _, counts in told(change)] == [[expected]]


@pytest.mark.parametrize("size", [0, 3, 20, 30, 60])
def test_damaged_memories_are_refused(size: int) -> None:
    """Whatever the file holds, only our own error comes of it."""
    whole = next(iter(CumulativePoints(since_ns=1).change([point(1, 2, 3)]).memories.values()))
    assert size < len(whole)
    points = CumulativePoints(since_ns=1, recall=lambda key: whole[:size])
    with pytest.raises(FormatError, match="cumulative"):
        points.change([point(1, 3, 4)])


class Collector:
    """Counts what is new, and is restarted now and then."""

    def __init__(self, *, is_recalled: bool) -> None:
        self.stored: dict[int, bytes] = {}
        self.counted = [0, 0]
        self.begun = 0
        self.restarts = -1
        self._recall = self.stored.get if is_recalled else None
        self.restart(1)

    def restart(self, now: int) -> None:
        """Forget all that is not stored."""
        self.restarts += 1
        since = 1 if self._recall else now
        self._points = CumulativePoints(since_ns=since, recall=self._recall)

    def take(self, arrivals: Sequence[Arrival], *, is_stored: bool = True) -> None:
        """Count what arrivals tell, unless it cannot be stored."""
        change = self._points.change(arrivals)
        if not is_stored:
            return
        self._points.keep(change)
        self.stored.update(change.memories)
        self.begun += change.begun
        for one in change.arrivals:
            for number, counts in zip(one.series_set.keys, one.counts, strict=False):
                self.counted[[ROWS.key, CALLS.key].index(number)] += int(counts)


@settings(deadline=None)
@given(seed=st.integers(), is_recalled=st.booleans())
def test_every_call_is_counted_once(seed: int, is_recalled: bool) -> None:
    """Whatever is lost, repeated, late or refused on the way, and whoever restarts when."""
    chance = random.Random(seed)
    collector = Collector(is_recalled=is_recalled)
    truth, now, start, rows = 0, 10, 10, 0
    late: list[Arrival] = []
    for _ in range(40):
        now += 10
        new = chance.randrange(5)
        rows, truth = rows + new, truth + new
        sent = [point(start, now, rows, calls=2 * rows)]
        match chance.choice(["lost", "late", "twice", "refused", "restart", "reset", "", ""]):
            case "lost":
                continue
            case "late":
                late += sent
                continue
            case "twice":
                collector.take(sent)
            case "refused":
                collector.take(sent, is_stored=False)
                continue
            case "restart":
                collector.restart(now - 5)
            case "reset":
                collector.take(sent)
                start, rows = now + 2, 0
        collector.take(sent + late if chance.random() < 0.3 else sent)
    collector.take([point(start, now + 10, rows, calls=2 * rows)])
    if is_recalled or not collector.restarts:
        assert collector.begun == 0
        assert collector.counted == [truth, 2 * truth]
    else:
        assert collector.counted[0] <= truth
        assert collector.counted[1] <= 2 * truth


def test_what_our_own_sender_accumulates_gives_its_windows_back() -> None:
    """Cumulative exports of a profile are the same deltas as its windows."""
    points = CumulativePoints(since_ns=1)
    whole = mw.Profile.empty("m", "1", instance="i", start_ns=10)
    whole.record_calls([0.1, 0.2], {"ValueError": 1})
    whole.rows, whole.end_ns = 3, 20
    first = decode_metrics(
        encode_metrics(whole, resource={}, temporality="cumulative"), cumulative=True
    )
    taken(points, *first.arrivals)
    whole.record_calls([0.4, 0.4, 0.5], {"KeyError": 2})
    whole.rows, whole.end_ns = 5, 30
    second = decode_metrics(
        encode_metrics(whole, resource={}, temporality="cumulative"), cumulative=True
    )
    (one,) = taken(points, *second.arrivals).arrivals
    profile = to_profile(one.window, one.series_set, one.counts, one.sums, one.minima, one.maxima)
    assert (profile.rows, profile.start_ns, profile.end_ns) == (2, 20, 30)
    assert profile.predictions == {"": 1, "KeyError": 2}
    assert profile.duration.total == 3
    assert profile.duration_sum_seconds == pytest.approx(1.3)
