from __future__ import annotations

import threading

from modelwatch.capture.buffer import BatchEntry, Buffer, CallTally
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.rows import Batch
from modelwatch.profile import DURATION_BOUNDS_SECONDS, Profile

PLAN = CapturePlan(None, ["a"])


def test_rows_are_taken_in_order() -> None:
    """The oldest rows come first, at most as many as asked for."""
    buffer = Buffer(10)
    for number in range(5):
        buffer.rows.append((PLAN.number, (number,), None, 0.5, 0.1))
    assert [entry[1] for entry in buffer.take_rows(3)] == [(0,), (1,), (2,)]
    assert len(buffer) == 2
    assert len(buffer.take_rows(10)) == 2
    assert buffer.take_rows(10) == []


def test_plans_are_let_go_one_window_after_they_were_superseded() -> None:
    """Rows of calls that were just ending find their plan; no plan is kept without end."""
    buffer, plans = Buffer(10), [CapturePlan(None, ["a"]) for _ in range(3)]
    kept = []
    for plan in plans:
        buffer.know(plan)
        buffer.let_go(plan)
        kept.append(list(buffer.plans.values()))
    assert kept == [plans[:1], plans[:2], plans[1:]]
    buffer.know(plans[0])
    buffer.let_go(plans[2])
    assert list(buffer.plans.values()) == [plans[2], plans[0]]


def test_batches_are_bounded_by_their_rows() -> None:
    """A batch that does not fit is refused, and fits once room was made."""
    buffer = Buffer(10)
    entry = BatchEntry(PLAN, Batch({"a": [1.0] * 6}, 6), 0.5)
    assert buffer.append_batch(entry)
    assert not buffer.append_batch(entry)
    assert buffer.take_batch() is entry
    assert buffer.append_batch(entry)
    buffer.reset()
    assert len(buffer) == 0
    assert buffer.take_batch() is None


def test_a_tally_counts_as_a_profile_does() -> None:
    """Durations tallied one by one fall into the same bins as in a profile."""
    durations = [0.0, *DURATION_BOUNDS_SECONDS, 0.003, 99.0]
    tally = CallTally()
    for duration in durations:
        tally.record_call(duration)
    profile = Profile("m", "1")
    profile.record_calls(durations)
    tallied = tally.take()
    assert tallied.durations == profile.duration.counts.tolist()
    assert tallied.duration_sum_seconds == profile.duration_sum_seconds
    assert tally.take().predictions == {}


def test_a_tally_is_exact_under_threads() -> None:
    """No count is lost where many threads count at once."""
    tally = CallTally()

    def work() -> None:
        for _ in range(2_000):
            tally.record_call(0.01, "ValueError")
            tally.record_dropped("buffer_full")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tallied = tally.take()
    assert tallied.predictions == {"ValueError": 16_000}
    assert tallied.dropped == {"buffer_full": 16_000}


def test_error_types_are_bounded() -> None:
    """Exception types made at run time do not grow the counts without end."""
    tally = CallTally()
    for number in range(500):
        tally.record_call(None, f"Error{number}")
    predictions = tally.take().predictions
    assert len(predictions) <= 101
    assert predictions.total() == 500
