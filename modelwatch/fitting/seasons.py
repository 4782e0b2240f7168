"""Whether a feature has a cycle over the day or the week, and what each season holds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.block_effects import SeasonTable, fit_value_effects
from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.comparisons.value_effects import ValueEffects
from modelwatch.fitting.batch import Batch
from modelwatch.fitting.block_counts import BlockCounts, block_stretches
from modelwatch.fitting.order import seconds_of
from modelwatch.seasons import SEASONS, SeasonKind, Seasons, hours_of_week, season_of_hours
from modelwatch.sketches import Moments

__all__ = ["SeasonClock", "SeasonCounts"]

FEWEST_CYCLES = 5
"""Days, or weeks, that the data must span for a cycle of that length to be looked for."""

LEAST_EFFECT = 2.0
"""A cycle is looked for where blocks vary by more than this times as much as independent rows."""

LARGEST_REMAINDER = 0.6
"""A cycle is there where blocks vary by at most this share as much once it is expected."""

DAYS: Mapping[SeasonKind, float] = {"hour": 1.0, "weekday": 7.0}
SECONDS_A_DAY = 86_400.0


class SeasonClock:
    """When each row came, for all features alike. A `Summary`, to be updated before theirs.

    Args:
        timestamp: the column that tells it.
        rows: rows of all the data.
        most_blocks: of how many blocks of 50 rows the composition is kept.

    Attributes:
        hours: hour of the week of each row of the last batch.
    """

    def __init__(self, timestamp: str, rows: int, most_blocks: int) -> None:
        self._timestamp = timestamp
        self._first, self._last = np.inf, -np.inf
        stretches = block_stretches(rows, most_blocks)
        self._blocks = {kind: BlockCounts(stretches, size) for kind, size in SEASONS.items()}
        self.hours = np.empty(0, dtype=np.int64)

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        seconds = seconds_of(batch.raw[self._timestamp], self._timestamp, batch.start)
        self._first = min(self._first, float(seconds.min()))
        self._last = max(self._last, float(seconds.max()))
        self.hours = hours_of_week(seconds)
        for kind, blocks in self._blocks.items():
            blocks.update(batch.start, season_of_hours(self.hours, kind))

    @property
    def kinds(self) -> tuple[SeasonKind, ...]:
        """The cycles of which the data holds enough to know them."""
        days = (self._last - self._first) / SECONDS_A_DAY
        return tuple(kind for kind in SEASONS if days >= FEWEST_CYCLES * DAYS[kind])

    def composition(self, kind: SeasonKind) -> npt.NDArray[np.int64]:
        """Return rows of each block by season, shape (blocks, seasons)."""
        return self._blocks[kind].counts.astype(np.int64)


class SeasonCounts:
    """One feature's values by season, for both cycles.

    Args:
        clock: tells when the rows came.
        bins: the feature's bins, or cells.
        mean: of numbers, about which sums are kept; None for categories.
    """

    def __init__(self, clock: SeasonClock, bins: int, mean: float | None) -> None:
        self._clock = clock
        self._mean = mean
        self._counts = {kind: np.zeros((size, bins), np.int64) for kind, size in SEASONS.items()}
        self._parts = {
            kind: [Moments(shift=mean or 0.0) for _ in range(size)]
            for kind, size in SEASONS.items()
        }

    def update(self, codes: npt.NDArray[np.intp], values: npt.NDArray[np.float64] | None) -> None:
        """Take in the rows that the clock has just taken in.

        Args:
            codes: the bin of each, negative where it has none.
            values: of numbers, NaN where there is none.
        """
        for kind, counts in self._counts.items():
            seasons = season_of_hours(self._clock.hours, kind)
            used = codes >= 0
            flat = seasons[used] * counts.shape[1] + codes[used]
            counts += np.bincount(flat, minlength=counts.size).reshape(counts.shape)
            if values is not None:
                self._add_values(kind, seasons[used], values[used])

    def _add_values(
        self,
        kind: SeasonKind,
        seasons: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
    ) -> None:
        order = np.argsort(seasons, kind="stable")
        present, starts = np.unique(seasons[order], return_index=True)
        for season, part in zip(present.tolist(), np.split(values[order], starts[1:]), strict=True):
            self._parts[kind][season].update(part)

    def cycle(
        self,
        blocks: npt.NDArray[np.int64],
        starts: npt.NDArray[np.intp],
        whole: ValueEffects,
    ) -> Seasons | None:
        """Return the feature's seasons where it has a cycle, by the one that explains more.

        Args:
            blocks: counts of blocks of 50 rows, shape (blocks, bins).
            starts: at which bin each cell begins.
            whole: the design effects without any cycle.
        """
        found: list[tuple[float, Seasons]] = []
        for kind in self._clock.kinds:
            table = SeasonTable(self._clock.composition(kind), self._counts[kind])
            effects = fit_value_effects(blocks, starts, table, ordered=self._mean is not None)
            remainder = _remainder(whole.cells, effects.cells)
            moments = () if self._mean is None else tuple(self._parts[kind])
            found.append((remainder, Seasons(kind, self._counts[kind], moments, effects)))
        found.sort(key=lambda item: item[0])
        return found[0][1] if found and found[0][0] <= LARGEST_REMAINDER else None


def _remainder(whole: DesignEffect, seasonal: DesignEffect) -> float:
    """Return how much of the blocks' variation is left, at the size where they vary most."""
    if not whole.sizes or max(whole.phi) < LEAST_EFFECT:
        return 1.0
    most = int(np.argmax(whole.phi))
    return seasonal.phi_at(whole.sizes[most]) / whole.phi[most]
