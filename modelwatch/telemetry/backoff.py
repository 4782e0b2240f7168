"""How long to wait before another attempt, and when the next interval ends; both with chance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

__all__ = ["Backoff", "Schedule"]

FIRST_BACKOFF_SECONDS: Final = 1.0
LONGEST_BACKOFF_SECONDS: Final = 60.0

_MOST_DOUBLINGS: Final = 10


class Backoff:
    """Waits that double with each failure, up to a minute.

    Each is drawn from the upper half of its range, so that senders that failed together do not
    come again together.

    Args:
        random: gives numbers in [0, 1).

    >>> backoff = Backoff(lambda: 0.0)
    >>> [backoff.next_seconds() for _ in range(3)], backoff.next_seconds(90.0)
    ([0.5, 1.0, 2.0], 90.0)
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._attempts = 0

    def reset(self) -> None:
        """Begin with short waits again: an attempt succeeded."""
        self._attempts = 0

    def next_seconds(self, retry_after_seconds: float | None = None) -> float:
        """Return how long to wait after one more failure.

        Args:
            retry_after_seconds: how long the receiver asks to wait, or None. The wait is never
                shorter, and up to a second longer.
        """
        longest = min(FIRST_BACKOFF_SECONDS * 2.0**self._attempts, LONGEST_BACKOFF_SECONDS)
        self._attempts = min(self._attempts + 1, _MOST_DOUBLINGS)
        wait = longest * (1.0 + self._random()) / 2.0
        if retry_after_seconds is None:
            return wait
        return max(wait, retry_after_seconds + self._random() * FIRST_BACKOFF_SECONDS)


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
