"""The one place where faults of modelwatch itself are swallowed.

Whatever goes wrong while a prediction is watched must not change the prediction: the fault is
counted, logged once per kind and forgotten.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final

from modelwatch.errors import OutlierRejected

__all__ = ["FAULTS", "Guard"]

FAULTS: Final = Exception
"""What a guard swallows; for the watched call and its check, where a ``with`` costs too much."""

_MOST_KINDS: Final = 100

_logger = logging.getLogger("modelwatch")


class Guard:
    """Swallows, counts and logs faults of modelwatch's own code; used as ``with guard:``.

    `KeyboardInterrupt`, `SystemExit`, cancellation and every other exception that is no
    `Exception` pass, and so does `OutlierRejected`, which is meant for the caller.
    Thread-safe. Memory: at most 100 kinds of fault are told apart.

    Args:
        log_interval_seconds: a kind of fault is logged again after so many seconds at the earliest.
        clock: monotonic seconds.

    >>> guard = Guard()
    >>> with guard:
    ...     raise RuntimeError("ours")
    >>> guard.count
    1
    """

    def __init__(
        self,
        *,
        log_interval_seconds: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log_interval_seconds = log_interval_seconds
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget all faults, and take a new lock: what a forked child needs."""
        self._lock = threading.Lock()  # guards the two below
        self._counts: dict[str, int] = {}
        self._next_log: dict[str, float] = {}

    @property
    def count(self) -> int:
        """How many faults were swallowed."""
        return sum(self.counts().values())

    def counts(self) -> dict[str, int]:
        """Return how many faults of each kind were swallowed."""
        with self._lock:
            return dict(self._counts)

    def __enter__(self) -> Guard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if fault is None or not isinstance(fault, FAULTS) or isinstance(fault, OutlierRejected):
            return False
        self.swallow(fault)
        return True

    def swallow(self, fault: Exception) -> None:
        """Count a fault and, unless its kind was logged lately, log it with its traceback."""
        with suppress(Exception):
            kind = _kind_of(fault)
            if self._is_due(kind):
                _logger.error(
                    "modelwatch: a fault of its own was swallowed, predictions are not affected "
                    "(%s; logged at most every %g s)",
                    kind,
                    self._log_interval_seconds,
                    exc_info=fault,
                )

    def notice(self, kind: str, message: str) -> None:
        """Log a warning, once per kind and interval; counts no fault."""
        with suppress(Exception):
            with self._lock:
                due = self._take_turn(kind)
            if due:
                _logger.warning("modelwatch: %s", message)

    def _is_due(self, kind: str) -> bool:
        with self._lock:
            if kind not in self._counts and len(self._counts) >= _MOST_KINDS:
                kind = "other"
            self._counts[kind] = self._counts.get(kind, 0) + 1
            return self._take_turn(kind)

    def _take_turn(self, kind: str) -> bool:
        now = self._clock()
        if now < self._next_log.get(kind, now):
            return False
        if len(self._next_log) < 2 * _MOST_KINDS or kind in self._next_log:
            self._next_log[kind] = now + self._log_interval_seconds
        return True


def _kind_of(fault: BaseException) -> str:
    """Name a fault by its type and the line that raised it."""
    traceback = fault.__traceback__
    if traceback is None:
        return type(fault).__name__
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    return f"{type(fault).__name__} in {code.co_qualname}, line {traceback.tb_lineno}"
