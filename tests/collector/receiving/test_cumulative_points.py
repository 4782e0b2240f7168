from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelwatch as mw
from modelwatch.collector.receiving.cumulative_points import (
    MAX_BYTES,
    Change,
    CumulativePoints,
)
from modelwatch.collector.receiving.remembered_points import RememberedPoints
from modelwatch.collector.storing.store import Recalled, SenderMemory
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
DAY = 86_400 * 10**9


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


class Remembered:
    """What outlives a collector, and the collector that runs now.

    Args:
        since_ns: since when everything is remembered.
        max_bytes: what the collector may keep in memory.
    """

    def __init__(self, since_ns: int = 5, *, max_bytes: int = MAX_BYTES) -> None:
        self.since_ns = since_ns
        self.stored: dict[int, SenderMemory] = {}
        self.max_bytes = max_bytes
        self.restart()

    def restart(self) -> None:
        """Forget all that is not stored."""
        self.points = CumulativePoints(max_bytes=self.max_bytes)

    def read(self, *arrivals: Arrival) -> Change:
        """Return what arrivals tell."""
        unknown = self.points.unknown(arrivals)
        self.points.learn(unknown, Recalled(since_ns=self.since_ns, memories=self.stored))
        return self.points.change(arrivals)

    def take(self, *arrivals: Arrival) -> Change:
        """Return what arrivals tell, and remember it."""
        change = self.read(*arrivals)
        self.stored |= change.memories()
        self.points.keep(change)
        return change


def told(change: Change) -> list[tuple[int, int, list[int]]]:
    """Return start, end and counts of each delta."""
    assert all(one.temporality == "delta" for one in change.arrivals)
    return [(a.window.start_ns, a.window.end_ns, a.counts.tolist()) for a in change.arrivals]


def test_a_delta_is_the_difference_to_the_point_before() -> None:
    """The first point counts from its start, each later one from the one before, gaps or not."""
    points = Remembered(5)
    first = points.take(point(10, 20, 3, [1, 2, 0], 4.5))
    second = points.take(point(10, 50, 10, [1, 4, 1], 9.0))
    assert told(first) == [(10, 20, [3, 1, 2, 0])]
    assert told(second) == [(20, 50, [7, 0, 2, 1])]
    assert (first.arrivals[0].sums.tolist(), first.arrivals[0].minima.tolist()) == ([4.5], [0.5])
    assert second.arrivals[0].sums.tolist() == [4.5]
    assert math.isnan(second.arrivals[0].maxima[0])


def test_what_does_not_change_tells_nothing() -> None:
    """An idle sender fills no windows."""
    points = Remembered(5)
    points.take(point(10, 20, 3))
    assert points.take(point(10, 30, 3)).arrivals == []


def test_points_that_come_twice_or_late_are_ignored() -> None:
    """What they tell is known from a later one."""
    points = Remembered(5)
    points.take(point(10, 20, 3), point(10, 30, 5))
    for late in (point(10, 30, 5), point(10, 25, 4), point(10, 20, 3), point(8, 40, 1)):
        change = points.take(late)
        assert (change.arrivals, change.ignored) == ([], 1)
        assert change.memories() == {}
    assert told(points.take(point(10, 40, 6))) == [(30, 40, [1])]


def test_points_in_one_request_are_read_in_order_of_time() -> None:
    """A client that held exports back may send them in any order."""
    points = Remembered(5)
    change = points.take(point(10, 40, 6), point(10, 20, 3))
    assert told(change) == [(10, 20, [3]), (20, 40, [3])]


def test_a_later_start_counts_from_zero() -> None:
    """A process that began anew counts anew."""
    points = Remembered(5)
    points.take(point(10, 20, 3))
    assert told(points.take(point(25, 30, 2))) == [(25, 30, [2])]
    assert told(points.take(point(25, 40, 4))) == [(30, 40, [2])]


def test_a_count_that_fell_counts_from_zero() -> None:
    """A sender that tells no start can be seen to have begun anew."""
    points = Remembered(5)
    points.take(point(0, 20, 7))
    assert told(points.take(point(0, 30, 9))) == [(20, 30, [2])]
    assert told(points.take(point(0, 40, 4))) == [(30, 40, [4])]


@pytest.mark.parametrize("start", [0, 4])
def test_what_may_have_been_counted_before_is_not_counted(start: int) -> None:
    """Of a series that began before all that is remembered, the next point counts."""
    points = Remembered(5)
    change = points.take(point(start, 20, 100))
    assert (change.arrivals, change.begun) == ([], 1)
    assert told(points.take(point(start, 30, 103))) == [(20, 30, [3])]


def test_a_series_that_comes_up_counts_from_zero() -> None:
    """Where its sender was heard in between, it has no past, whatever its start."""
    points = Remembered(15)
    points.take(point(10, 20, 100))
    points.take(point(10, 30, 101))
    assert told(points.take(point(10, 40, 101, calls=6))) == [(30, 40, [6])]


def test_pieces_of_one_export_are_no_gap() -> None:
    """A series in the second piece of the first export was not missing from the first piece."""
    points = Remembered(15)
    points.take(point(10, 20, 100))
    assert points.take(point(10, 20, calls=50)).begun == 1


def test_what_could_not_be_stored_is_told_again() -> None:
    """Nothing is remembered before it is stored."""
    points = Remembered(5)
    first = points.read(point(10, 20, 3))
    assert told(points.read(point(10, 20, 3))) == told(first)


def test_what_may_have_been_stored_is_asked_for() -> None:
    """Where nobody knows whether it was committed, the store decides."""
    points = Remembered(5)
    points.take(point(10, 20, 3))
    lost = points.read(point(10, 30, 5))
    points.points.forget(lost)
    assert told(points.read(point(10, 40, 6))) == [(20, 40, [3])]
    points.stored |= lost.memories()
    points.points.forget(lost)
    assert told(points.take(point(10, 30, 5), point(10, 40, 6))) == [(30, 40, [1])]


@pytest.mark.parametrize("max_bytes", [1, MAX_BYTES])
def test_a_restart_or_a_full_memory_goes_unnoticed(max_bytes: int) -> None:
    """What a sender counted meanwhile is the difference to what the store remembers of it."""
    points = Remembered(5, max_bytes=max_bytes)
    for sender, end, rows, expected in (
        (1, 20, 100, 100), (2, 20, 50, 50), (1, 30, 107, 7), (2, 40, 59, 9), (1, 40, 108, 1),
    ):  # fmt: skip
        change = points.take(point(10, end, rows, sender=sender))
        assert [counts for _, _, counts in told(change)] == [[expected]]
        if max_bytes > 1:
            points.restart()


def test_a_full_memory_keeps_who_was_heard_last() -> None:
    """Of senders beyond what memory may take, the store is asked again."""
    points = Remembered(5, max_bytes=4_000)
    sent = [point(10, 20, 3, sender=sender) for sender in range(10)]
    for one in sent:
        points.take(one)
    assert points.points.unknown(sent[:1])
    assert not points.points.unknown(sent[-1:])


def test_series_that_are_told_no_more_are_let_go_of() -> None:
    """A series that is missing for a day takes no room, and begins anew if it comes again."""
    points = Remembered(1)
    points.take(point(10, 20, 3, calls=7))
    points.take(point(10, 30 + DAY, 4))
    (memory,) = points.stored.values()
    (read,) = (RememberedPoints.from_bytes(memory.content),)
    assert list(read.series) == [ROWS.key]
    change = points.take(point(10, 40 + DAY, 4, calls=2))
    assert told(change) == [(30 + DAY, 40 + DAY, [2])]


@pytest.mark.parametrize("size", [0, 3, 20, 30, 60])
def test_damaged_memories_begin_anew(size: int, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the file holds, a sender is heard again, and nothing is counted twice."""
    points = Remembered(1)
    points.take(point(10, 20, 3))
    ((key, memory),) = points.stored.items()
    assert size < len(memory.content)
    points.stored[key] = SenderMemory(memory.latest_ns, memory.content[:size])
    points.restart()
    change = points.take(point(10, 30, 5))
    assert (change.arrivals, change.begun) == ([], 1)
    assert "begin anew" in caplog.text
    assert told(points.take(point(10, 40, 6))) == [(30, 40, [1])]


class Collector:
    """Counts what is new, and is restarted now and then."""

    def __init__(self) -> None:
        self.remembered = Remembered(1)
        self.counted = [0, 0]
        self.begun = 0

    def take(self, arrivals: Sequence[Arrival], *, is_stored: bool = True) -> None:
        """Count what arrivals tell, unless it cannot be stored."""
        if not is_stored:
            self.remembered.points.forget(self.remembered.read(*arrivals))
            return
        change = self.remembered.take(*arrivals)
        self.begun += change.begun
        for one in change.arrivals:
            for number, counts in zip(one.series_set.keys, one.counts, strict=False):
                self.counted[[ROWS.key, CALLS.key].index(number)] += int(counts)


@given(seed=st.integers(), is_swept=st.booleans())
def test_every_call_is_counted_once(seed: int, is_swept: bool) -> None:
    """Whatever is lost, repeated, late or refused on the way, and whoever restarts when.

    Where the memory is swept, what was counted until then may be lost, and nothing counts twice.
    """
    chance = random.Random(seed)
    collector = Collector()
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
                collector.remembered.restart()
                if is_swept and collector.remembered.stored:
                    (swept,) = collector.remembered.stored.values()
                    collector.remembered.stored.clear()
                    collector.remembered.since_ns = swept.latest_ns + 1
            case "reset":
                collector.take(sent)
                start, rows = now + 2, 0
        collector.take(sent + late if chance.random() < 0.3 else sent)
    collector.take([point(start, now + 10, rows, calls=2 * rows)])
    if not is_swept:
        assert collector.begun == 0
        assert collector.counted == [truth, 2 * truth]
    else:
        assert collector.counted[0] <= truth
        assert collector.counted[1] <= 2 * truth


def test_what_our_own_sender_accumulates_gives_its_windows_back() -> None:
    """Cumulative exports of a profile are the same deltas as its windows."""
    points = Remembered(1)
    whole = mw.Profile.empty("m", "1", instance="i", start_ns=10)
    whole.record_calls([0.1, 0.2], {"ValueError": 1})
    whole.rows, whole.end_ns = 3, 20
    first = decode_metrics(
        encode_metrics(whole, resource={}, temporality="cumulative"), cumulative=True
    )
    points.take(*first.arrivals)
    whole.record_calls([0.4, 0.4, 0.5], {"KeyError": 2})
    whole.rows, whole.end_ns = 5, 30
    second = decode_metrics(
        encode_metrics(whole, resource={}, temporality="cumulative"), cumulative=True
    )
    (one,) = points.take(*second.arrivals).arrivals
    profile = to_profile(one.window, one.series_set, one.counts, one.sums, one.minima, one.maxima)
    assert (profile.rows, profile.start_ns, profile.end_ns) == (2, 20, 30)
    assert profile.predictions == {"": 1, "KeyError": 2}
    assert profile.duration.total == 3
    assert profile.duration_sum_seconds == pytest.approx(1.3)
