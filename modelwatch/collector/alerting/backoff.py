"""When to try again: exponential backoff with full jitter.

Source: M. Brooker, Exponential Backoff And Jitter, 2015: with a wait drawn evenly from zero to the
exponential limit, those that failed together do not come back together.
"""

from __future__ import annotations

import random

__all__ = ["wait_seconds"]

FIRST_SECONDS = 5.0
MOST_SECONDS = 300.0
LEAST_SECONDS = 0.5


def wait_seconds(attempts: int, generator: random.Random) -> float:
    """Return how long to wait before the next try.

    Args:
        attempts: tries that failed before this one.
        generator: of random numbers.

    >>> 0.5 <= wait_seconds(0, random.Random(1)) <= 5.0
    True
    """
    limit = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** min(attempts, 16))
    return max(LEAST_SECONDS, generator.uniform(0.0, limit))
