"""Profiles added up since the start, for backends that take cumulative metrics alone.

Prometheus, the best known of them, drops delta metrics. Of ours it makes a histogram of some 130
series for each numeric feature with a baseline; exponential histograms, which features have without
one, it takes as native histograms where these are switched on, and not at all where it is old. It
takes no logs: ``OTEL_LOGS_EXPORTER=none`` spares it them.
"""

from __future__ import annotations

from typing import Final

from modelwatch.errors import ProfileMismatch
from modelwatch.profile import Profile

__all__ = ["CumulativeProfiles", "SeriesKey"]

SeriesKey = tuple[str | None, str | None]
"""Baseline and segment."""

MOST_SERIES: Final = 128


class CumulativeProfiles:
    """One sum of profiles for each baseline and segment. Not thread-safe.

    A sum begins at the start of its first window, and that start never moves. It ends, once it was
    taken a last time, when another baseline comes into use; a later return to the baseline begins
    a new one. Where a window cannot be added, as a feature is of another kind now, a new one begins
    too. Memory: 128 profiles.
    """

    def __init__(self) -> None:
        self._totals: dict[SeriesKey, Profile] = {}
        self._changed: dict[SeriesKey, None] = {}  # in order
        self._baseline_id: str | None = None

    @property
    def is_changed(self) -> bool:
        """Whether there is something to take."""
        return bool(self._changed)

    def add(self, profile: Profile) -> int:
        """Add one window.

        Returns:
            How many rows were lost because too many sums wait to be taken.
        """
        key = (profile.baseline_id, profile.segment)
        self._baseline_id = profile.baseline_id
        known = self._totals.pop(key, None)
        self._totals[key] = profile if known is None else _sum(known, profile)
        self._changed[key] = None
        for stale in [one for one in self._totals if self._is_over(one)]:
            del self._totals[stale]
        return self._shorten()

    def take(self) -> tuple[SeriesKey, Profile]:
        """Return the sum that waits longest to be taken.

        Raises:
            KeyError: where none does.
        """
        if not self._changed:
            raise KeyError("no sum has changed")
        key = next(iter(self._changed))
        del self._changed[key]
        return key, self._totals[key]

    def untake(self, key: SeriesKey) -> None:
        """Let a sum be taken again: it did not arrive."""
        if key in self._totals:
            self._changed[key] = None

    def _is_over(self, key: SeriesKey) -> bool:
        return key not in self._changed and key[0] != self._baseline_id

    def _shorten(self) -> int:
        lost = 0
        while len(self._totals) > MOST_SERIES:
            oldest = next(iter(self._totals))
            rows = self._totals.pop(oldest).rows
            lost += rows if oldest in self._changed else 0
            self._changed.pop(oldest, None)
        return lost


def _sum(known: Profile, profile: Profile) -> Profile:
    try:
        total = known.merge(profile)
    except ProfileMismatch:
        return profile
    total.start_ns = known.start_ns
    total.end_ns = max(profile.end_ns, known.end_ns + 1)
    return total
