from __future__ import annotations

from random import Random

import pytest

from modelwatch.telemetry.backoff import Backoff, Schedule, backoff_seconds, retry_after_seconds


def test_waits_double_up_to_a_minute() -> None:
    """A collector that is down is not hammered, and one that came back is found soon."""
    backoff = Backoff(lambda: 0.999_999)
    assert [round(backoff.next_seconds()) for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    backoff.reset()
    assert round(backoff.next_seconds()) == 1


def test_waits_are_spread() -> None:
    """Senders that failed in the same moment come back over half the wait."""
    waits = [Backoff(Random(seed).random).next_seconds() for seed in range(200)]
    assert min(waits) >= 0.5
    assert max(waits) <= 1.0
    assert max(waits) - min(waits) > 0.4


@pytest.mark.parametrize("asked", [0.0, 0.2, 7.0, 3_600.0])
def test_no_wait_is_shorter_than_asked(asked: float) -> None:
    """Retry-After is a minimum to the millisecond; senders come over the second after it."""
    waits = [Backoff(Random(seed).random).next_seconds(asked) for seed in range(200)]
    assert min(waits) >= asked
    assert max(waits) <= max(asked, 0.0) + 1.0
    assert len(set(waits)) > 100


def test_waits_are_of_the_failures_alone() -> None:
    """Who counts failures elsewhere, such as in a file, has the same waits; they stay bounded."""
    kept = Backoff(lambda: 0.5, first_seconds=5.0, longest_seconds=300.0)
    for failures in range(12):
        wait = backoff_seconds(failures, lambda: 0.5, first_seconds=5.0, longest_seconds=300.0)
        assert wait == kept.next_seconds() == min(5.0 * 2**failures, 300.0) * 0.75
    assert backoff_seconds(10**9, lambda: 0.5) == 45.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("999999999999", 3_600.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 3_600.0),
        ("-5", None),
        ("soon", None),
        ("\u00b2", None),
        ("1e3", None),
    ],
    ids=ascii,
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    """An hour at most, never less than nothing; what is neither asks for nothing."""
    assert retry_after_seconds(text, clock=lambda: 100.0) == seconds


def test_ten_thousand_senders_do_not_come_together() -> None:
    """Processes that start in the same moment spread over the interval, and stay spread."""
    random = Random(1)
    schedules = [Schedule(60.0, random.random, now=0.0) for _ in range(10_000)]
    for schedule in schedules:
        schedule.advance(now=600.0)
    per_second = [0] * 60
    for schedule in schedules:
        per_second[int(schedule.due % 60.0)] += 1
    assert max(per_second) < 250  # 167 on average


def test_a_phase_is_kept() -> None:
    """Slow work moves no later end."""
    schedule = Schedule(60.0, lambda: 0.5, now=0.0)
    dues = []
    for delay in (0.0, 5.0, 59.0, 1.0):
        dues.append(schedule.due)
        schedule.advance(schedule.due + delay)
    assert dues == [30.0, 90.0, 150.0, 210.0]


def test_ends_that_were_missed_are_passed_over() -> None:
    """After a long pause there is one end, not a hundred at once."""
    schedule = Schedule(60.0, lambda: 0.5, now=0.0)
    schedule.advance(now=6_000.0)
    assert schedule.due == 6_030.0
    schedule.advance(now=10.0)
    assert schedule.due == 6_030.0
