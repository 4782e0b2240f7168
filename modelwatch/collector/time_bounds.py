"""Between which bounds the time lies, where the clock cannot be believed since it jumped.

A clock that jumps may have been wrong before or may be wrong now. What is deleted, merged or
forgotten for its age cannot be had back, so a jump is believed only after the clock has run evenly
for a day: until then that much time has surely come, and no more.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["AWAY_SECONDS", "DOUBT_SECONDS", "TOLERANCE_SECONDS", "TimeBounds"]

AWAY_SECONDS: Final = 7 * 86_400
"""A process that starts may have been away for so long; a clock that says longer is doubted."""

TOLERANCE_SECONDS: Final = 60
"""A clock that is set by less than this did not jump."""

DOUBT_SECONDS: Final = 86_400
"""How long a clock must have run evenly after a jump until what it said before is forgotten."""

_MOST_REMEMBERED: Final = 64
_NANOSECONDS: Final = 1_000_000_000

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Offset:
    """By how much a clock was ahead of one that never jumps, and when that was last so by it."""

    offset_ns: int
    held_ns: int

    def is_near(self, offset_ns: int) -> bool:
        """Return whether another offset is the same but for what no jump is."""
        return abs(self.offset_ns - offset_ns) <= TOLERANCE_SECONDS * _NANOSECONDS


class TimeBounds:
    """Watches a clock. Thread-safe.

    Args:
        clock: Unix nanoseconds.
        monotonic: nanoseconds that never jump. Where None, the clock is believed whatever it says.
        known_ns: a time that had come when the process started; None where none is known.

    >>> now = [1_000 * 10**9]
    >>> bounds = TimeBounds(lambda: now[0], monotonic=lambda: 0)
    >>> bounds.earliest_ns() // 10**9, bounds.latest_ns() // 10**9
    (1000, 1000)
    >>> now[0] += 3_600 * 10**9
    >>> bounds.earliest_ns() // 10**9, bounds.latest_ns() // 10**9
    (1000, 4600)
    """

    def __init__(
        self,
        clock: Callable[[], int] = time.time_ns,
        *,
        monotonic: Callable[[], int] | None = None,
        known_ns: int | None = None,
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()  # guards the offsets
        self._offsets: list[_Offset] = []  # the one that holds now comes last
        self._even_since_ns = clock()
        if monotonic is not None:
            self._begin(monotonic(), known_ns)

    def earliest_ns(self) -> int:
        """Return the time that has surely come, Unix nanoseconds."""
        return self._bounds()[0]

    def latest_ns(self) -> int:
        """Return the time that has surely not gone by, Unix nanoseconds."""
        return self._bounds()[1]

    def even_since_ns(self) -> int:
        """Return what the clock said when it last began to run evenly, Unix nanoseconds."""
        self._bounds()
        return self._even_since_ns

    def _begin(self, passed_ns: int, known_ns: int | None) -> None:
        now = _Offset(self._even_since_ns - passed_ns, passed_ns)
        self._offsets = [now]
        if known_ns is None:
            return
        known = _Offset(known_ns - passed_ns, passed_ns)
        ahead_ns = now.offset_ns - known.offset_ns
        if not now.is_near(known.offset_ns) and not 0 < ahead_ns <= AWAY_SECONDS * _NANOSECONDS:
            self._offsets.insert(0, known)
            _warn(ahead_ns, " since the collector last ran")

    def _bounds(self) -> tuple[int, int]:
        if self._monotonic is None:
            now_ns = self._clock()
            return now_ns, now_ns
        with self._lock:
            now_ns, passed_ns = self._clock(), self._monotonic()
            self._note(now_ns, passed_ns)
            offsets = [one.offset_ns for one in self._offsets]
        return passed_ns + min(offsets), passed_ns + max(offsets)

    def _note(self, now_ns: int, passed_ns: int) -> None:
        """Take in what the clock says."""
        now, before = _Offset(now_ns - passed_ns, passed_ns), self._offsets[-1]
        if not now.is_near(before.offset_ns):
            self._even_since_ns = now_ns
            _warn(now.offset_ns - before.offset_ns)
        doubted_ns = passed_ns - DOUBT_SECONDS * _NANOSECONDS
        others = [
            one
            for one in self._offsets
            if not now.is_near(one.offset_ns) and one.held_ns > doubted_ns
        ]
        self._offsets = [*others[-_MOST_REMEMBERED:], now]


def _warn(jump_ns: int, when: str = "") -> None:
    logger.warning(
        "the system's clock jumped by %+.0f s%s: nothing is deleted or merged for an age that it "
        "may not have until the clock has run evenly for a day. Set the clock where it is wrong.",
        jump_ns / _NANOSECONDS,
        when,
    )
