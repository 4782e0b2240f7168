"""Windows of time: what ``window=15m&end=...`` means, and the grid that scheduled windows lie on.

A window is ``(start, end]``: what ended exactly on a boundary belongs to the window that ends
there, so that neighbouring windows never share a profile and never lose one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from modelwatch.errors import ConfigurationError

__all__ = [
    "HORIZON_WINDOWS",
    "LATEST_NS",
    "LONGEST_WINDOW_SECONDS",
    "TimeWindow",
    "format_window",
    "parse_end",
    "parse_window",
]

NANOSECONDS = 1_000_000_000
LONGEST_WINDOW_SECONDS = 366 * 86_400
"""One year; longer windows are refused, since all of their profiles are merged on request."""

HORIZON_WINDOWS = 168
"""How many windows back late or replayed data is still evaluated by itself."""

LATEST_NS = 2**63 - 1
"""The latest time that the store can hold (signed 64 bit), in the year 2262."""

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_WINDOW = re.compile(r"([1-9][0-9]{0,8})([smhd])")


@dataclass(frozen=True)
class TimeWindow:
    """The time span ``(start_ns, end_ns]`` in Unix nanoseconds."""

    start_ns: int
    end_ns: int

    @classmethod
    def ending(cls, end_ns: int, *, seconds: int) -> TimeWindow:
        """Return the window of ``seconds`` that ends at ``end_ns``."""
        return cls(end_ns - seconds * NANOSECONDS, end_ns)

    @classmethod
    def aligned(cls, number: int, *, seconds: int) -> TimeWindow:
        """Return the window ``number`` of the grid of ``seconds`` that starts at the Unix epoch.

        >>> TimeWindow.aligned(2, seconds=60)
        TimeWindow(start_ns=120000000000, end_ns=180000000000)
        """
        width_ns = seconds * NANOSECONDS
        return cls(number * width_ns, (number + 1) * width_ns)

    @property
    def seconds(self) -> int:
        """Length of the window, in whole seconds."""
        return (self.end_ns - self.start_ns) // NANOSECONDS


def parse_window(text: str) -> int:
    """Return the seconds that a text such as ``30s``, ``15m``, ``1h`` or ``7d`` means.

    Raises:
        ConfigurationError: where the text is anything else, or longer than a year.

    >>> parse_window("15m")
    900
    """
    match = _WINDOW.fullmatch(text.strip())
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= LONGEST_WINDOW_SECONDS:
        raise ConfigurationError(
            f"window is {text!r}: give a whole number and s, m, h or d, such as 30s, 15m, 1h "
            "or 7d; at most 366d."
        )
    return seconds


def format_window(seconds: int) -> str:
    """Return the shortest text that `parse_window` reads as ``seconds``.

    >>> format_window(5400), format_window(7200)
    ('90m', '2h')
    """
    for unit in ("d", "h", "m"):
        if seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"


def parse_end(text: str) -> int:
    """Return the Unix nanoseconds of a time given as Unix seconds or in ISO 8601 (UTC by default).

    Raises:
        ConfigurationError: where the text is neither, or outside 1970 to 2262.

    >>> parse_end("1970-01-01T00:01:00Z"), parse_end("60.5")
    (60000000000, 60500000000)
    """
    try:
        end_ns = int(_seconds(text.strip()) * NANOSECONDS)
    except (InvalidOperation, ValueError, OverflowError):
        end_ns = -1
    if not 0 <= end_ns <= LATEST_NS:
        raise ConfigurationError(
            f"end is {text!r}: give Unix seconds such as 1700000000, or a time in ISO 8601 "
            "such as 2026-01-31T12:00:00Z (a + in a URL is written %2B)."
        )
    return end_ns


def _seconds(text: str) -> Decimal:
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", text):
        return Decimal(text)
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Decimal(str(aware.timestamp()))
