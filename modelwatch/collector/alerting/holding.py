"""Which findings hold: in k of the last m windows that judged them, until they are calm again.

Each feature (metric, statistic) is looked at by itself: were it enough that some feature drifts in
each window, chance alone would raise alerts of models with many features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from modelwatch.collector.alerting.alert import AlertFeature
from modelwatch.collector.alerting.observing import Observation
from modelwatch.persistence import Persistence

__all__ = ["Condition", "Terms", "condition_of", "windows_looked_at"]

_NOTHING: Mapping[str, AlertFeature] = MappingProxyType({})

LOOK_BACK = 4
"""Windows that are looked through for each one that counts: some may hold too little to judge."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """In how many windows a finding must hold, and be calm to be resolved."""

    opens: Persistence
    clears: Persistence


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How things stand by one rule at the end of one window.

    Attributes:
        holding: what holds, the worst first; it fires where that is not empty.
        pending: what was found, but in too few windows yet.
        since_ns: start of the first window of the run; 0 where nothing was found.
        last_seen_ns: end of the last window in which something was found.
        reason: why nothing holds, for who reads that an alert was resolved.
    """

    holding: tuple[AlertFeature, ...] = ()
    pending: tuple[AlertFeature, ...] = ()
    since_ns: int = 0
    last_seen_ns: int = 0
    reason: str = "it no longer holds"


def windows_looked_at(terms: Terms) -> int:
    """Return how many of the latest windows tell what holds."""
    return LOOK_BACK * max(terms.opens.m, terms.clears.m)


def condition_of(
    observations: Sequence[Observation],
    terms: Terms,
    *,
    held: Mapping[str, AlertFeature] = _NOTHING,
) -> Condition:
    """Return how things stand after the last of these windows. Pure.

    Args:
        observations: windows that follow one another, oldest first.
        terms: in how many windows a finding must hold, and be calm.
        held: what held before, by name; it goes on holding until it was judged and found calm.
    """
    names = dict.fromkeys([*(name for seen in observations for name in seen.found), *held])
    runs = [_Run.of(name, observations, terms, held.get(name)) for name in names]
    holding = [run for run in runs if run.holds or (run.name in held and not run.is_calm)]
    pending = [run for run in runs if run.last and run not in holding]
    told = [run for run in holding or pending if run.last]
    return Condition(
        holding=_ranked([run.feature() for run in holding]),
        pending=_ranked([run.feature() for run in pending]),
        since_ns=min((run.last[0].window.start_ns for run in told), default=0),
        last_seen_ns=max((run.last[-1].window.end_ns for run in told), default=0),
    )


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One name in the last windows that judged it; ``last`` are those that found it, of m."""

    name: str
    last: tuple[Observation, ...]
    judged: int
    holds: bool
    is_calm: bool
    latest: AlertFeature
    k: int

    @classmethod
    def of(
        cls,
        name: str,
        observations: Sequence[Observation],
        terms: Terms,
        before: AlertFeature | None,
    ) -> _Run:
        judging = [seen for seen in observations if seen.judged and name not in seen.unjudged]
        opening, clearing = judging[-terms.opens.m :], judging[-terms.clears.m :]
        last = tuple(seen for seen in opening if name in seen.found)
        calm = sum(name not in seen.found for seen in clearing)
        ever = [seen.found[name] for seen in observations if name in seen.found]
        holds = len(last) >= terms.opens.k
        return cls(
            name=name,
            last=last,
            judged=len(opening),
            holds=holds,
            is_calm=calm >= terms.clears.k and not holds,
            latest=ever[-1] if ever or before is None else before,
            k=terms.opens.k,
        )

    def feature(self) -> AlertFeature:
        """Return what to say of it: as last found, and critical where that was so in k windows."""
        if not self.last:
            return self.latest
        critical = sum(seen.found[self.name].severity == "critical" for seen in self.last)
        enough = self.k if self.holds else 1
        return replace(
            self.latest,
            severity="critical" if critical >= enough else "warning",
            found=len(self.last),
            judged=self.judged,
        )


def _ranked(features: Sequence[AlertFeature]) -> tuple[AlertFeature, ...]:
    return tuple(sorted(features, key=lambda f: (f.severity != "critical", -f.weight, f.name)))
