from __future__ import annotations

import logging

import pytest

from modelwatch.collector.time_bounds import DOUBT_SECONDS, TOLERANCE_SECONDS, TimeBounds
from tests.collector.conftest import NOW_NS, SECOND
from tests.collector.jumping import DAY, HOUR, JumpingClock


def told(bounds: TimeBounds) -> tuple[int, int]:
    """Return the bounds, in seconds from now."""
    return (
        (bounds.earliest_ns() - NOW_NS) // SECOND,
        (bounds.latest_ns() - NOW_NS) // SECOND,
    )


def test_an_even_clock_is_believed() -> None:
    """As long as the clock runs evenly, both bounds are what it says; small steps are no jumps."""
    clock = JumpingClock()
    bounds = clock.bounds()
    for step in (1, HOUR, 400 * DAY):
        clock.pass_time(step)
        assert bounds.earliest_ns() == bounds.latest_ns() == clock()
    for _ in range(10):
        clock.jump(-TOLERANCE_SECONDS)
        assert bounds.earliest_ns() == bounds.latest_ns() == clock()


@pytest.mark.parametrize(("jump", "during"), [(DAY, (0, DAY)), (-HOUR, (-HOUR, 0))])
def test_a_jump_is_believed_a_day_later(
    jump: int, during: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    """Before and after a jump are the bounds, until the clock ran evenly for a day; it is said."""
    clock = JumpingClock()
    bounds = clock.bounds()
    clock.jump(jump)
    with caplog.at_level(logging.WARNING):
        assert told(bounds) == during
    assert f"jumped by {jump:+} s" in caplog.text
    clock.pass_time(DOUBT_SECONDS - 1)
    assert told(bounds) == tuple(bound + DOUBT_SECONDS - 1 for bound in during)
    clock.pass_time(1)
    assert bounds.earliest_ns() == bounds.latest_ns() == clock()
    assert len(caplog.records) == 1


def test_a_clock_that_jumps_to_and_fro_is_never_believed() -> None:
    """What it said within the last day counts, however often it came back."""
    clock = JumpingClock()
    bounds = clock.bounds()
    for _ in range(5):
        clock.jump(DAY)
        assert told(bounds)[1] - told(bounds)[0] == DAY
        clock.pass_time(HOUR)
        clock.jump(-DAY)
        assert bounds.earliest_ns() == clock()
        clock.pass_time(HOUR)
    for number in range(1_000):
        clock.jump((-1) ** number * (number + 1) * DAY)
        assert bounds.earliest_ns() <= clock() <= bounds.latest_ns()


def test_a_process_that_starts_knows_what_the_one_before_it_knew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A clock that is years ahead at the start, or behind, is doubted; a week off is no jump."""
    clock = JumpingClock()
    clock.jump(7 * DAY)
    assert told(clock.bounds(known_ns=NOW_NS)) == (7 * DAY, 7 * DAY)
    assert not caplog.records
    clock.jump(1_000 * DAY)
    assert told(clock.bounds(known_ns=NOW_NS)) == (0, 1_007 * DAY)
    clock.jump(-2_007 * DAY)
    assert told(clock.bounds(known_ns=NOW_NS)) == (-1_000 * DAY, 0)
    assert len(caplog.records) == 2


def test_it_is_told_since_when_the_clock_runs_evenly() -> None:
    """That is the start, and then each jump, by the clock after it."""
    clock = JumpingClock()
    bounds = clock.bounds()
    clock.pass_time(HOUR)
    assert bounds.even_since_ns() == NOW_NS
    clock.jump(DAY)
    clock.pass_time(1)
    assert bounds.even_since_ns() == clock()
    clock.pass_time(HOUR)
    assert bounds.even_since_ns() == clock() - HOUR * SECOND


def test_without_a_clock_that_never_jumps_the_clock_is_believed() -> None:
    """Bounds of a clock alone are what it says."""
    clock = JumpingClock()
    bounds = TimeBounds(clock)
    clock.jump(DAY)
    assert told(bounds) == (DAY, DAY)
