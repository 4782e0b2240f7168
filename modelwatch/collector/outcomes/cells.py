"""In which spans of time joined rows are summed up: short ones, which become long as they age."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.collector.storing.rolling_up import Step
from modelwatch.collector.windows import NANOSECONDS, TimeWindow

__all__ = ["Spans", "shortest_span"]

HOUR: Final = 3_600


def shortest_span(window_seconds: int) -> int:
    """Return the length of the shortest spans, seconds: windows of an hour or less are told apart.

    >>> shortest_span(900), shortest_span(3_600), shortest_span(86_400), shortest_span(5_400)
    (900, 3600, 3600, 2700)
    """
    return next(n for n in range(min(window_seconds, HOUR), 0, -1) if window_seconds % n == 0)


@dataclass(frozen=True, kw_only=True)
class Spans:
    """Tells in which span what was predicted at a time is summed up.

    Attributes:
        grain_seconds: length of the shortest spans.
        steps: when they become longer ones.
        clock: Unix nanoseconds, a time that has surely come.
    """

    grain_seconds: int
    steps: Sequence[Step]
    clock: Callable[[], int]

    @property
    def grain_ns(self) -> int:
        """Length of the shortest spans, nanoseconds."""
        return self.grain_seconds * NANOSECONDS

    @property
    def longer(self) -> list[Step]:
        """The steps to spans that are longer than the shortest, short ones first."""
        return [step for step in self.steps if step.grain_seconds > self.grain_seconds]

    def due_ns(self, step: Step) -> int:
        """Return until when spans are long now, Unix nanoseconds."""
        grain_ns = step.grain_seconds * NANOSECONDS
        return max(0, (self.clock() - step.after_seconds * NANOSECONDS) // grain_ns * grain_ns)

    def ends(self, predicted_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return when the shortest spans end that times lie in, Unix nanoseconds."""
        return ((predicted_ns - 1) // self.grain_ns + 1) * self.grain_ns

    def span_of(self, end_ns: int) -> TimeWindow:
        """Return in which span a short one is summed up now that ends at a time."""
        for step in reversed(self.longer):
            long_ns = step.grain_seconds * NANOSECONDS
            last_ns = ((end_ns - 1) // long_ns + 1) * long_ns
            if last_ns <= self.due_ns(step):
                return TimeWindow(last_ns - long_ns, last_ns)
        return TimeWindow(end_ns - self.grain_ns, end_ns)
