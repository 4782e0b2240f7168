"""Which predictions' rows are captured, where not all are.

Calls, errors and latency are counted for all calls, whatever is decided here.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Final

from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.sampled_ids import DRAW_BITS, is_sampled

__all__ = [
    "DRAW_BITS",
    "RowBudget",
    "draw",
    "is_sampled",
    "reseed",
    "threshold_of",
    "validate_sampling",
]

_HASH_VALUES: Final = 1 << DRAW_BITS

_random = random.Random()  # our own, so that nobody's seeded numbers are used up

draw: Final = _random.getrandbits
"""Draws so many random bits."""


def reseed() -> None:
    """Draw other bits from now on than the parent of a forked process."""
    _random.seed()


def threshold_of(sample_rate: float) -> float:
    """Return below which draw of 32 bits a prediction belongs to the sample."""
    return sample_rate * _HASH_VALUES


def validate_sampling(sample_rate: float, max_rows_per_second: float | None) -> None:
    """Refuse sampling options that cannot work.

    Raises:
        ConfigurationError: where the rate is outside [0, 1] or the budget is no positive number.
    """
    if not _is_number(sample_rate) or not 0.0 <= sample_rate <= 1.0:
        raise ConfigurationError(
            f"sample_rate is {sample_rate!r}: give the share of predictions to capture, "
            "from 0 to 1."
        )
    if max_rows_per_second is None:
        return
    if not _is_number(max_rows_per_second) or not 0.0 < max_rows_per_second < float("inf"):
        raise ConfigurationError(
            f"max_rows_per_second is {max_rows_per_second!r}: give a positive number, "
            "or None for no limit."
        )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class RowBudget:
    """At most so many rows a second, on average: a token bucket that holds one second's worth.

    A batch is taken whole while any token is left, and what it takes beyond is owed: later rows
    wait until it is paid back. Thread-safe.

    Args:
        rows_per_second: the rate at which the budget fills up; one second's worth, at least one
            row, may be taken at once.
        clock: monotonic seconds.
    """

    def __init__(
        self, rows_per_second: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rows_per_second
        self._most = max(rows_per_second, 1.0)
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Fill the budget, and take a new lock: what a forked child needs."""
        self._lock = threading.Lock()  # guards the two below
        self._tokens = self._most
        self._filled_at = self._clock()

    def take(self, rows: int = 1) -> bool:
        """Take so many rows from the budget; False where it is used up."""
        with self._lock:
            now = self._clock()
            gained = (now - self._filled_at) * self._rate
            self._tokens = min(self._most, self._tokens + gained)
            self._filled_at = now
            if self._tokens < 1.0:
                return False
            self._tokens -= rows
            return True
