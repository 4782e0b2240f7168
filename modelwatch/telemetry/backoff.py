"""How long to wait before another attempt, and when the next interval ends; both with chance.

The waits are those of exponential backoff with jitter (M. Brooker, Exponential Backoff And Jitter,
2015), drawn from the upper half of each range.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Backoff", "Schedule", "backoff_seconds", "bounded_wait", "retry_after_seconds"]

FIRST_BACKOFF_SECONDS: Final = 1.0
LONGEST_BACKOFF_SECONDS: Final = 60.0

_MOST_DOUBLINGS: Final = 30
_LONGEST_ASKED_SECONDS: Final = 3_600.0
_SPREAD_SECONDS: Final = 1.0


def backoff_seconds(
    failures: int,
    random: Callable[[], float],
    *,
    first_seconds: float = FIRST_BACKOFF_SECONDS,
    longest_seconds: float = LONGEST_BACKOFF_SECONDS,
    asked_seconds: float | None = None,
) -> float:
    """Return how long to wait after one more failure.

    Those that failed together do not come again together.

    Args:
        failures: attempts that failed before the last one, each of which doubles the wait.
        random: gives numbers in [0, 1).
        first_seconds: the longest wait after the first failure; the shortest is a half of it.
        longest_seconds: what no wait of its own is longer than.
        asked_seconds: how long the receiver asks to wait, or None. The wait is never shorter, and
            up to a second longer.

    >>> [backoff_seconds(failures, lambda: 0.0, first_seconds=4.0) for failures in (0, 1, 2, 99)]
    [2.0, 4.0, 8.0, 30.0]
    """
    longest = min(first_seconds * 2.0 ** min(failures, _MOST_DOUBLINGS), longest_seconds)
    wait = longest * (1.0 + random()) / 2.0
    return wait if asked_seconds is None else max(wait, asked_seconds + random() * _SPREAD_SECONDS)


def retry_after_seconds(text: str, *, clock: Callable[[], float] = time.time) -> float | None:
    """Return what a header Retry-After asks for, an hour at most; None where it asks for nothing.

    Args:
        text: its value, a number of seconds or a date; empty where it is absent.
        clock: Unix seconds.

    >>> retry_after_seconds("120"), retry_after_seconds("soon")
    (120.0, None)
    >>> retry_after_seconds("Thu, 01 Jan 1970 00:01:00 GMT", clock=lambda: 50.0)
    10.0
    """
    text = text.strip()
    if not text:
        return None
    from email.utils import parsedate_to_datetime  # httpx has loaded it by now

    try:
        if text.isdigit():
            return bounded_wait(float(text))
        return bounded_wait(parsedate_to_datetime(text).timestamp() - clock())
    except ValueError:
        return None


def bounded_wait(seconds: float) -> float:
    """Return how long to wait as a receiver asks, an hour at most."""
    return min(max(seconds, 0.0), _LONGEST_ASKED_SECONDS)


class Backoff:
    """The waits of one series of failures. Not thread-safe.

    Args:
        random: gives numbers in [0, 1).
        first_seconds: as of `backoff_seconds`.
        longest_seconds: likewise.

    >>> backoff = Backoff(lambda: 0.0)
    >>> [backoff.next_seconds() for _ in range(3)], backoff.next_seconds(90.0)
    ([0.5, 1.0, 2.0], 90.0)
    """

    def __init__(
        self,
        random: Callable[[], float],
        *,
        first_seconds: float = FIRST_BACKOFF_SECONDS,
        longest_seconds: float = LONGEST_BACKOFF_SECONDS,
    ) -> None:
        self._random = random
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._failures = 0

    def reset(self) -> None:
        """Begin with short waits again: an attempt succeeded."""
        self._failures = 0

    def next_seconds(self, asked_seconds: float | None = None) -> float:
        """Return how long to wait after one more failure; see `backoff_seconds`."""
        wait = backoff_seconds(
            self._failures,
            self._random,
            first_seconds=self._first_seconds,
            longest_seconds=self._longest_seconds,
            asked_seconds=asked_seconds,
        )
        self._failures += 1
        return wait


class Schedule:
    """The ends of intervals, at a phase of their own that is kept.

    The phase is drawn once, so that thousands of processes that were started together do not all
    send in the same second. Ends that were missed are passed over.

    Args:
        interval_seconds: between two ends.
        random: gives numbers in [0, 1).
        now: the time, in monotonic seconds.

    >>> schedule = Schedule(60.0, lambda: 0.25, now=100.0)
    >>> schedule.due
    115.0
    >>> schedule.advance(now=240.0)
    >>> schedule.due
    295.0
    """

    def __init__(self, interval_seconds: float, random: Callable[[], float], now: float) -> None:
        self._interval_seconds = interval_seconds
        self.due = now + random() * interval_seconds

    def advance(self, now: float) -> None:
        """Set `due` to the first end after now."""
        if now >= self.due:
            missed = math.floor((now - self.due) / self._interval_seconds)
            self.due += (missed + 1) * self._interval_seconds
