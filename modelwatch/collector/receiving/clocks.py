"""How far the clocks of senders are from ours, as far as their windows tell.

A window is sent after it has ended: its end lies before now by as long as the sender waited, and
never after now unless the sender's clock is ahead.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from modelwatch.errors import ConfigurationError

__all__ = ["ClockRules", "Clocks"]

_NANOSECONDS: Final = 1_000_000_000
_MOST_INSTANCES: Final = 10_000
_SHOWN: Final = 100


@dataclass(frozen=True, kw_only=True)
class ClockRules:
    """What is done with windows that end when they cannot, by our clock.

    Attributes:
        ahead_seconds: a sender whose window ends later than this from now is shown as ahead; what
            it tells is stored under its own times.
        future_seconds: what ends later than this from now is refused: its windows would be judged
            only once that time has come.
        kept_seconds: what ended longer ago than this is stored, as it may be a replay, but counted
            as too old: the store lets it go when it next tidies up.

    Raises:
        ConfigurationError: a time is negative, or they do not ascend.
    """

    ahead_seconds: int = 30
    future_seconds: int = 600
    kept_seconds: int = 400 * 86_400

    def __post_init__(self) -> None:
        if not 0 <= self.ahead_seconds <= self.future_seconds or self.kept_seconds < 0:
            raise ConfigurationError(
                f"ahead_seconds is {self.ahead_seconds} and future_seconds {self.future_seconds}: "
                "give times of 0 s or more, the first no longer than the second."
            )


@dataclass(slots=True)
class _Clock:
    """What is known of a sender's clock: seconds by which windows ended after they were here."""

    latest_seconds: float
    greatest_seconds: float
    windows: int = 0


class Clocks:
    """Remembers the senders heard last. Not thread-safe. Memory: 10,000 senders."""

    def __init__(self, rules: ClockRules) -> None:
        self._rules = rules
        self._clocks: OrderedDict[tuple[str, str], _Clock] = OrderedDict()
        self.too_old = 0

    def look(self, model: str, instance: str, end_ns: int, now_ns: int, latest_ns: int) -> bool:
        """Note when a window ended; return whether it is taken.

        Args:
            model: of which model it tells.
            instance: who sent it.
            end_ns: when it ended.
            now_ns: what our clock says.
            latest_ns: the same, or later where our clock may be behind.
        """
        offset = (end_ns - now_ns) / _NANOSECONDS
        clock = self._clocks.get((model, instance))
        if clock is None:
            clock = self._clocks[model, instance] = _Clock(offset, offset)
            if len(self._clocks) > _MOST_INSTANCES:
                self._clocks.popitem(last=False)
        else:
            self._clocks.move_to_end((model, instance))
        clock.latest_seconds = offset
        clock.greatest_seconds = max(clock.greatest_seconds, offset)
        clock.windows += 1
        self.too_old += offset < -self._rules.kept_seconds
        return self.takes(end_ns, latest_ns)

    def takes(self, time_ns: int, latest_ns: int) -> bool:
        """Return whether a time is not too far ahead of what our clock says at the latest."""
        return time_ns - latest_ns <= self._rules.future_seconds * _NANOSECONDS

    def refusal(self, what: str = "windows that end") -> str:
        """Return why a window, or what else has a time, is not taken."""
        return (
            f"{what} more than {self._rules.future_seconds} s from now were refused: set the "
            "sender's clock."
        )

    def shown(self) -> dict[str, Any]:
        """Return the hundred senders that are furthest ahead, for the API."""
        return {"windows_too_old": self.too_old, "instances": self._shown()}

    def _shown(self) -> list[dict[str, Any]]:
        ranked = sorted(self._clocks.items(), key=lambda told: -told[1].latest_seconds)
        return [
            {
                "model": model,
                "instance": instance,
                "latest_offset_seconds": round(clock.latest_seconds, 3),
                "greatest_offset_seconds": round(clock.greatest_seconds, 3),
                "windows": clock.windows,
                "is_ahead": clock.latest_seconds > self._rules.ahead_seconds,
            }
            for (model, instance), clock in ranked[:_SHOWN]
        ]
