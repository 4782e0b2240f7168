"""A clock that jumps, beside one that never does."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch.collector.time_bounds import TimeBounds
from tests.collector.conftest import NOW_NS, SECOND

__all__ = ["DAY", "HOUR", "JumpingClock"]

HOUR = 3_600
DAY = 86_400


@dataclass
class JumpingClock:
    """Tells the time that the test sets."""

    now_ns: int = NOW_NS
    passed_ns: int = 0

    def __call__(self) -> int:
        """Return Unix nanoseconds."""
        return self.now_ns

    def monotonic(self) -> int:
        """Return nanoseconds that never jump."""
        return self.passed_ns

    def pass_time(self, seconds: float) -> None:
        """Let time go by."""
        self.now_ns += int(seconds * SECOND)
        self.passed_ns += int(seconds * SECOND)

    def jump(self, seconds: float) -> None:
        """Set the clock by so much, while no time goes by."""
        self.now_ns += int(seconds * SECOND)

    def bounds(self, known_ns: int | None = None) -> TimeBounds:
        """Return bounds as a process that starts has them."""
        return TimeBounds(self, monotonic=self.monotonic, known_ns=known_ns)
