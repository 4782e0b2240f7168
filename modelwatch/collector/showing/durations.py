"""How long something takes, as a histogram."""

from __future__ import annotations

import bisect
import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator

from prometheus_client.core import HistogramMetricFamily

__all__ = ["Durations", "cumulative"]

BOUNDS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Durations:
    """Counts durations in seconds. Thread-safety: safe. Memory: fixed.

    Args:
        timer: monotonic seconds.
    """

    def __init__(self, *, timer: Callable[[], float] = time.perf_counter) -> None:
        self._timer = timer
        self._lock = threading.Lock()  # guards the two below
        self._counts = [0] * (len(BOUNDS_SECONDS) + 1)
        self._seconds = 0.0

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """Count how long the block takes, where it fails too."""
        began = self._timer()
        try:
            yield
        finally:
            self.add(self._timer() - began)

    def add(self, seconds: float) -> None:
        """Count one."""
        place = bisect.bisect_left(BOUNDS_SECONDS, seconds)
        with self._lock:
            self._counts[place] += 1
            self._seconds += seconds

    def family(self, name: str, documentation: str) -> HistogramMetricFamily:
        """Return what was counted."""
        with self._lock:
            counts, seconds = list(self._counts), self._seconds
        family = HistogramMetricFamily(name, documentation)
        family.add_metric([], cumulative(BOUNDS_SECONDS, counts), seconds)
        return family


def cumulative(bounds: tuple[float, ...], counts: list[int]) -> list[tuple[str, float]]:
    """Return the buckets of a histogram, each with all that is below it.

    Args:
        bounds: upper bounds, k of them.
        counts: k + 1 counts, each of its own bucket alone.

    >>> cumulative((0.1, 1.0), [2, 3, 4])
    [('0.1', 2.0), ('1.0', 5.0), ('+Inf', 9.0)]
    """
    texts = [*map(str, bounds), "+Inf"]
    return [(bound, float(n)) for bound, n in zip(texts, itertools.accumulate(counts), strict=True)]
