"""Which pairs of rows are near each other: in the files, and in the time of an entity."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.lazy import cached_property
from modelwatch.skew.values import Mask, Rows

__all__ = ["History"]

MOST_STEPS: Final = 64
"""Rows of an entity that are looked back for spans of time."""

MOST_LAGS: Final = 80

Times = npt.NDArray[np.int64]


class History:
    """The order of the pairs, and of each entity's pairs in time.

    Args:
        recomputed_rows: the place of each pair in the recomputed table.
        entities: a number for each pair's entity, -1 without one; None where none are known.
        times: microseconds since 1970.
        untimed: pairs without a time.
    """

    def __init__(
        self,
        recomputed_rows: Rows,
        entities: npt.NDArray[np.int64] | None = None,
        times: Times | None = None,
        untimed: Mask | None = None,
    ) -> None:
        self._recomputed_rows = recomputed_rows
        self.is_known = times is not None
        if times is None:
            return
        self._times = times
        self._entities = np.zeros(times.size, np.int64) if entities is None else entities.copy()
        if untimed is not None:
            self._entities[untimed] = -1
        self._order = np.lexsort((times, self._entities))
        self._place = np.empty_like(self._order)
        self._place[self._order] = np.arange(self._order.size)
        self._moments = np.unique(times)
        ranks = np.searchsorted(self._moments, times)
        self._codes = (self._entities * self._moments.size + ranks)[self._order]

    @cached_property
    def recomputed_order(self) -> Rows:
        """All pairs in the order of the recomputed table."""
        return np.argsort(self._recomputed_rows, kind="stable")

    def previous(self, rows: Rows, steps: int) -> Rows:
        """Return each row's predecessor of the same entity, -1 where there is none."""
        place = self._place[rows] - steps
        found = self._order[np.maximum(place, 0)]
        is_own = (place >= 0) & (self._entities[found] == self._entities[rows])
        return np.where(is_own & (self._entities[rows] >= 0), found, -1)

    def earlier(self, rows: Rows, lag: int) -> Rows:
        """Return the row of the same entity exactly `lag` microseconds before; -1 without one."""
        moment = self._times[rows] - lag
        rank = np.minimum(np.searchsorted(self._moments, moment), self._moments.size - 1)
        code = self._entities[rows] * self._moments.size + rank
        place = np.minimum(np.searchsorted(self._codes, code), self._codes.size - 1)
        is_there = (self._moments[rank] == moment) & (self._codes[place] == code)
        return np.where(is_there & (self._entities[rows] >= 0), self._order[place], -1)

    def lags(self, rows: Rows) -> list[int]:
        """Return the spans of time between rows of one entity, the most frequent first."""
        counts: Counter[int] = Counter()
        for steps in range(1, MOST_STEPS + 1):
            before = self.previous(rows, steps)
            gaps = (self._times[rows] - self._times[before])[before >= 0]
            found, many = np.unique(gaps[gaps > 0], return_counts=True)
            counts.update(dict(zip(found.tolist(), many.tolist(), strict=True)))
        return [lag for lag, _ in counts.most_common(MOST_LAGS)]
