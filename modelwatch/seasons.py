"""Cycles of a feature over the day or the week: what to expect of it, given when rows came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.value_effects import ValueEffects
from modelwatch.sketches import Moments

__all__ = [
    "HOURS_OF_WEEK",
    "SEASONS",
    "SEASON_USES",
    "Expectation",
    "SeasonKind",
    "SeasonUse",
    "Seasons",
    "hour_of_week",
    "hours_of_week",
    "season_of_hours",
]

SeasonKind = Literal["hour", "weekday"]
SEASONS: Mapping[SeasonKind, int] = {"hour": 24, "weekday": 7}
"""How many seasons a cycle has: the hours of the day, the days of the week, both in UTC."""

SeasonUse = Literal["rows", "clock", "none"]
SEASON_USES: tuple[SeasonUse, ...] = ("rows", "clock", "none")
"""Whether the compared rows, or also the clock of their window, say in which season they are."""

HOURS_OF_WEEK = 168
FIRST_HOUR = 72
"""The Unix epoch was a Thursday: so many hours after Monday's first."""

LARGEST_UNKNOWN = 0.1
"""With a larger share of rows in seasons that the baseline never saw, nothing is expected."""

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def hours_of_week(seconds: FloatArray) -> IntArray:
    """Return the hour of the week in UTC, 0 for Monday's first, -1 where there is no time.

    Args:
        seconds: Unix times, NaN where there is none, shape (rows,).

    >>> hours_of_week(np.array([0.0, 3_600.0 * 96, np.nan])).tolist()
    [72, 0, -1]
    """
    known = np.isfinite(seconds)
    hours = np.floor_divide(np.where(known, seconds, 0.0), 3_600).astype(np.int64)
    return np.where(known, (hours + FIRST_HOUR) % HOURS_OF_WEEK, -1)


def hour_of_week(start_ns: int, end_ns: int) -> int:
    """Return the hour of the week that holds the middle of a window, in Unix nanoseconds.

    >>> hour_of_week(0, 60_000_000_000)
    72
    """
    hours = (start_ns + end_ns) // 2 // 3_600_000_000_000
    return (hours + FIRST_HOUR) % HOURS_OF_WEEK


def season_of_hours(hours: npt.NDArray[np.integer], kind: SeasonKind) -> IntArray:
    """Return the season of each hour of the week; negative hours have none and stay negative.

    >>> season_of_hours(np.array([25, -1]), "hour").tolist()
    [1, -1]
    """
    hours = np.asarray(hours, dtype=np.int64)
    found = hours % 24 if kind == "hour" else hours // 24
    return np.where(hours < 0, -1, found)


@dataclass(frozen=True)
class Expectation:
    """What the seasons of a window make one expect of a feature.

    Attributes:
        counts: of as many rows as tell as much as the seasons' own, shape (bins,).
        moments: of those rows; None for categories.
    """

    counts: IntArray
    moments: Moments | None


@dataclass(frozen=True)
class Seasons:
    """One feature of a baseline, by season. Memory: 16 * bins * seasons bytes.

    Attributes:
        kind: the cycle.
        counts: values of each season on the feature's bins, or on its cells of categories, shape
            (seasons, bins).
        moments: of each season; empty for categories.
        effects: how much blocks stray from what their season makes one expect.
    """

    kind: SeasonKind
    counts: IntArray
    moments: tuple[Moments, ...]
    effects: ValueEffects

    def expect(self, hours: Mapping[int, int]) -> Expectation | None:
        """Return what to expect of rows, given when they came.

        Args:
            hours: how many rows came in each hour of the week.

        Returns:
            The mixture of the seasons in those shares. None where too many rows came in a season
            that the baseline lacks, or where it is not known when they came.
        """
        weights = self._weights(hours)
        known = self.counts.sum(axis=1)
        if not weights.sum() or weights[known == 0].sum() > LARGEST_UNKNOWN * weights.sum():
            return None
        weights = np.where(known > 0, weights, 0.0)
        weights /= weights.sum()
        of_season = np.maximum(known, 1)
        rows = 1.0 / (weights**2 / of_season).sum()
        counts = np.rint((weights * rows / of_season) @ self.counts).astype(np.int64)
        return Expectation(counts, self._mixed(weights, int(rows)) if self.moments else None)

    def _weights(self, hours: Mapping[int, int]) -> FloatArray:
        of_hour = np.fromiter(hours, dtype=np.int64, count=len(hours))
        rows = np.fromiter(hours.values(), dtype=np.float64, count=len(hours))
        seasons = season_of_hours(of_hour, self.kind)
        weights = np.bincount(seasons, weights=rows, minlength=SEASONS[self.kind])
        return np.asarray(weights, dtype=np.float64)

    def _mixed(self, weights: FloatArray, rows: int) -> Moments:
        """Return mean, variance and extremes of the mixture of the seasons."""
        used = [(w, part) for w, part in zip(weights, self.moments, strict=True) if w > 0]
        mean = sum(w * part.mean for w, part in used)
        variance = sum(w * (part.m2 / part.n + (part.mean - mean) ** 2) for w, part in used)
        return Moments(
            shift=float(mean),
            n=rows,
            m2=float(variance) * max(rows - 1, 0),
            minimum=min(part.minimum for _, part in used),
            maximum=max(part.maximum for _, part in used),
        )
