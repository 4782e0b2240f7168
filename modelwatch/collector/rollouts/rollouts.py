"""Chooses which versions are compared, asks the store for both, and compares them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from modelwatch.baseline import Baseline
from modelwatch.collector.latest import Latest
from modelwatch.collector.outcomes.protocols import OutcomeSource
from modelwatch.collector.rollouts.calls import calls_of
from modelwatch.collector.rollouts.comparison import Rollout, Side, judge
from modelwatch.collector.rollouts.options import RolloutTable
from modelwatch.collector.storing.store import VersionSeen, VersionSource, WindowSource
from modelwatch.collector.windows import LONGEST_WINDOW_SECONDS, NANOSECONDS, TimeWindow
from modelwatch.errors import ConfigurationError
from modelwatch.rollout.measures import Calls
from modelwatch.sketches import Moments

__all__ = ["RolloutStore", "Rollouts", "VersionPair", "chosen_pair"]

MOST_WINDOWS: Final = 48
"""Windows in which calls are counted: so many show how much they vary."""

CACHED_CALLS: Final = 1_024

LIVE_WINDOWS: Final = 3
"""A version is live while it sent something in the last so many windows."""

SHORTEST_LIVE_SECONDS: Final = 3_600


class RolloutStore(VersionSource, WindowSource, OutcomeSource, Protocol):
    """What is asked of the store."""


class VersionPair(NamedTuple):
    """The version that serves, and the one that is to replace it."""

    stable: VersionSeen
    candidate: VersionSeen


class Rollouts:
    """Compares versions. Blocking: CPU and disk. Thread-safe.

    Args:
        store: has the windows and what was joined.
        baseline: returns the current baseline of a model version, or None.
        rules: returns what is configured, as of now.
        window_seconds: length of the windows that are evaluated.
        clock: Unix nanoseconds.
    """

    def __init__(
        self,
        store: RolloutStore,
        baseline: Callable[[str, str], Baseline | None],
        rules: Callable[[], RolloutTable],
        *,
        window_seconds: int,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store = store
        self._baseline = baseline
        self._rules = rules
        self._grain = window_seconds
        self._clock = clock
        self._calls = Latest[Calls](capacity=CACHED_CALLS)

    @property
    def window_seconds(self) -> int:
        """Length of the windows that are evaluated."""
        return self._grain

    @property
    def rules(self) -> RolloutTable:
        """What is configured, as of now."""
        return self._rules()

    def choose(
        self,
        model: str,
        seen: Sequence[VersionSeen],
        *,
        stable: str | None = None,
        candidate: str | None = None,
    ) -> VersionPair | None:
        """Return which versions of a model are to be compared where nobody says.

        The candidate is the one of those that are live that was first heard of last; the stable
        version is the one with the most rows of the others.

        Args:
            model: the model.
            seen: all versions; those of other models are passed over.
            stable: the one of the two that is known, live or not.
            candidate: likewise.

        Returns:
            None where there are not two.
        """
        known = [one for one in seen if one.model == model]
        live = self.live(known)
        given = [one for one in known if one.version in (stable, candidate)]
        return chosen_pair([*given, *(one for one in live if one not in given)], stable, candidate)

    def live(self, seen: Sequence[VersionSeen]) -> list[VersionSeen]:
        """Return the versions that sent something of late."""
        width = max(LIVE_WINDOWS * self._grain, SHORTEST_LIVE_SECONDS)
        since_ns = self._clock() - width * NANOSECONDS
        return [one for one in seen if one.last_seen_ns is not None and one.last_seen_ns > since_ns]

    def window_since(self, since_ns: int, until_ns: int | None = None) -> TimeWindow:
        """Return the time from the start of a window to the end of one.

        Args:
            since_ns: Unix nanoseconds.
            until_ns: now where None.

        Raises:
            ConfigurationError: where it is empty, or longer than a year.
        """
        until_ns = self._clock() if until_ns is None else until_ns
        width_ns = self._grain * NANOSECONDS
        window = TimeWindow(since_ns // width_ns * width_ns, -(-until_ns // width_ns) * width_ns)
        if not 0 < window.seconds <= LONGEST_WINDOW_SECONDS + 2 * self._grain:
            raise ConfigurationError(
                f"the time from {since_ns / NANOSECONDS:.0f} to {until_ns / NANOSECONDS:.0f} (Unix "
                "seconds) cannot be compared: give a since that is past, within the last 366 days."
            )
        return window

    def compare(self, model: str, stable: str, candidate: str, window: TimeWindow) -> Rollout:
        """Return what two versions come to, as of the data that is committed now.

        Raises:
            StoreError: the store cannot be read.
        """
        parts = self._parts(window)
        sides = [self._side(model, version, window, parts) for version in (stable, candidate)]
        pairs = self._store.pairs(model, stable, candidate, window)
        return judge(model, sides[0], sides[1], window, pairs, self._rules())

    def _side(
        self, model: str, version: str, window: TimeWindow, parts: Sequence[TimeWindow]
    ) -> Side:
        seen = self._store.outcomes(model, version, window)
        return Side(
            version=version,
            calls=[self._calls_in(model, version, part) for part in parts],
            predictions=seen.predictions,
            labelled=seen.labelled,
            outcomes=seen.summaries.get(""),
            baseline=self._baseline(model, version),
        )

    def _calls_in(self, model: str, version: str, window: TimeWindow) -> Calls:
        through_id = self._store.through_id(model, version, window)
        if not through_id:
            return Calls(0, 0, Moments())
        return self._calls.get(
            (model, version, window, through_id),
            lambda: calls_of(self._store.window(model, version, window)),
        )

    def _parts(self, window: TimeWindow) -> list[TimeWindow]:
        """Return the window cut into a few, on the grid of those that are evaluated."""
        grains = window.seconds // self._grain
        step_ns = -(-grains // MOST_WINDOWS) * self._grain * NANOSECONDS
        starts = range(window.start_ns, window.end_ns, step_ns)
        return [TimeWindow(at, min(at + step_ns, window.end_ns)) for at in starts]


def chosen_pair(
    versions: Sequence[VersionSeen], stable: str | None = None, candidate: str | None = None
) -> VersionPair | None:
    """Return which of some versions of a model are to be compared; see `Rollouts.choose`."""
    by_name = {one.version: one for one in versions}
    after = by_name.get(candidate) if candidate else None
    before = by_name.get(stable) if stable else None
    if after is None:
        others = [one for one in versions if one is not before]
        after = max(others, key=lambda one: (one.first_seen_ns or 0, one.version), default=None)
    if before is None:
        others = [one for one in versions if one is not after]
        before = max(others, key=lambda one: (one.rows, one.version), default=None)
    return None if before is None or after is None else VersionPair(before, after)
