"""How long the spans are that are merged, so that no window's bounds are blurred.

A span never straddles the bounds of the windows that are evaluated by themselves: its length
divides theirs. Windows that nobody evaluates by themselves any more may lie inside of longer spans.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from modelwatch.collector.storing.merged_rows import Level
from modelwatch.collector.storing.retention import Retention
from modelwatch.collector.storing.rolling_up import Step
from modelwatch.collector.windows import HORIZON_WINDOWS

__all__ = ["Grains"]

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400

SENDER_SECONDS: Final = 600
"""What one sender told is put together after so long, and again when its window has ended."""


@dataclass(frozen=True, kw_only=True)
class Grains:
    """Lengths of spans, in seconds.

    Attributes:
        window_seconds: of a window.
        minute_seconds: of the shortest spans of the fleet.
        sender_spans_seconds: of what one sender told, short ones and whole windows.
    """

    window_seconds: int
    minute_seconds: int
    sender_spans_seconds: tuple[int, ...]

    @classmethod
    def for_windows(cls, window_seconds: int) -> Grains:
        """Return the lengths for windows of one length.

        >>> Grains.for_windows(3_600).sender_spans_seconds
        (600, 3600)
        >>> Grains.for_windows(90).minute_seconds
        45
        """
        short = _divisor(window_seconds, SENDER_SECONDS)
        return cls(
            window_seconds=window_seconds,
            minute_seconds=_divisor(window_seconds, MINUTE),
            sender_spans_seconds=tuple(sorted({short, window_seconds})),
        )

    def steps(self, retention: Retention) -> tuple[Step, ...]:
        """Return what is merged into what, and when."""
        return (
            self._step(Level.MINUTE, Level.HOUR, HOUR, retention.minutes_seconds),
            self._step(Level.HOUR, Level.DAY, DAY, retention.hours_seconds),
        )

    def _step(self, source: Level, target: Level, grain_seconds: int, age_seconds: int) -> Step:
        blurs = self.window_seconds % grain_seconds != 0
        evaluated = HORIZON_WINDOWS * self.window_seconds + grain_seconds
        return Step(
            source=source,
            target=target,
            grain_seconds=grain_seconds,
            after_seconds=max(age_seconds, evaluated) if blurs else age_seconds,
        )


def _divisor(number: int, most: int) -> int:
    """Return the greatest divisor of a number that is not greater than another one."""
    return next(n for n in range(min(number, most), 0, -1) if number % n == 0)
