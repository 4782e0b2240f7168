"""Cumulative points turned into deltas, as OTLP's data model describes it.

A cumulative point tells what was counted since the start of its series. What was counted since the
point before is the difference; from zero, where the series began anew, which a later start or a
count that fell shows. Points that come twice or out of order tell nothing new.

The first point of a series counts from zero where it is known that nothing of it was counted
before: its start is not before the time since which everything is remembered, or its sender was
heard in between without it. Otherwise it only is what the next one is subtracted from.

What is remembered outlives the process: a `Change` has what is to be remembered as bytes, one
value a sender and model version, to be committed in one transaction with its arrivals. So nothing
is counted twice and nothing lost, whenever the process ends.
"""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.collector.receiving.exponential_deltas import (
    counted_between,
    counts_alone,
    has_counts,
)
from modelwatch.collector.receiving.remembered_points import Last, RememberedPoints
from modelwatch.collector.storing.store import Recalled, SenderMemory
from modelwatch.errors import FormatError
from modelwatch.telemetry.wire.arrivals import Arrival, Other, Series, SeriesSet, hash_of

__all__ = ["Change", "CumulativePoints"]

IntArray = npt.NDArray[np.int64]

MAX_BYTES: Final = 64 * 2**20
"""What the counts of all senders may take in memory; one of 40 features on 120 bins takes 50 kB."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What some cumulative arrivals tell that is new.

    Attributes:
        arrivals: of delta temporality.
        remembered: what is to be remembered, by the key of its sender and model version.
        ignored: points that came twice or too late.
        begun: points that are only what the next one is subtracted from.
    """

    arrivals: list[Arrival] = field(default_factory=list)
    remembered: Mapping[int, RememberedPoints] = field(default_factory=dict)
    ignored: int = 0
    begun: int = 0

    def memories(self) -> dict[int, SenderMemory]:
        """Return what is to be committed with the arrivals."""
        return {
            key: SenderMemory(points.latest_ns, points.to_bytes())
            for key, points in self.remembered.items()
        }


class CumulativePoints:
    """Remembers the latest point of each series. Not thread-safe.

    Whoever uses it takes turns for each sender: `learn` what is `unknown`, `change`, commit what
    came of it, then `keep`. Where it may not have been committed, `forget` takes the place of
    `keep`: what the store holds is learnt anew.

    Memory: ``max_bytes`` and one sender's counts; of the sender unheard for the longest the store
    is asked again.

    Args:
        max_bytes: what may be kept in memory.
    """

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._since_ns = 0
        self._max_bytes = max_bytes
        self._known: OrderedDict[int, RememberedPoints] = OrderedDict()
        self._nbytes = 0

    def unknown(self, arrivals: Iterable[Arrival]) -> set[int]:
        """Return the keys that the store is to be asked for before `change`."""
        return {key for key in map(_key, arrivals) if key not in self._known}

    def learn(self, keys: Collection[int], recalled: Recalled) -> None:
        """Know what the store answered about keys."""
        self._since_ns = max(self._since_ns, recalled.since_ns)
        for key in keys:
            memory = recalled.memories.get(key)
            self._put(key, RememberedPoints() if memory is None else self._read(memory))

    def change(self, arrivals: Iterable[Arrival]) -> Change:
        """Return what cumulative arrivals tell that is new; nothing is remembered yet.

        Args:
            arrivals: of senders that nothing is `unknown` of.
        """
        found: list[Arrival] = []
        after: dict[int, RememberedPoints] = {}
        ignored = begun = 0
        for arrival in sorted(arrivals, key=lambda one: one.window.end_ns):
            key = _key(arrival)
            before = after[key] if key in after else self._known[key]
            reading = _Reading(arrival, before, self._since_ns)
            if reading.after is not before:
                after[key] = reading.after
            found += reading.deltas
            ignored += reading.ignored
            begun += reading.begun
        return Change(arrivals=found, remembered=after, ignored=ignored, begun=begun)

    def keep(self, change: Change) -> None:
        """Remember what a change said, now that it is committed."""
        for key, points in change.remembered.items():
            self._put(key, points)
        while self._nbytes > self._max_bytes and len(self._known) > 1:
            _, oldest = self._known.popitem(last=False)
            self._nbytes -= oldest.nbytes

    def forget(self, change: Change) -> None:
        """Know nothing of the senders of a change, which may or may not be committed."""
        for key in change.remembered:
            before = self._known.pop(key, None)
            self._nbytes -= before.nbytes if before else 0

    def _put(self, key: int, points: RememberedPoints) -> None:
        before = self._known.pop(key, None)
        self._nbytes += points.nbytes - (before.nbytes if before else 0)
        self._known[key] = points

    def _read(self, memory: SenderMemory) -> RememberedPoints:
        try:
            return RememberedPoints.from_bytes(memory.content)
        except FormatError as error:
            logger.warning("cumulative points of a sender begin anew: %s", error)
            self._since_ns = max(self._since_ns, memory.latest_ns + 1)
            return RememberedPoints()


class _Reading:
    """Reads one arrival.

    Attributes:
        deltas: what it tells that is new: an arrival for each time since which it is.
        after: what is remembered after it.
        ignored: points that told nothing new.
        begun: points that could not be counted.
    """

    def __init__(self, arrival: Arrival, before: RememberedPoints, since_ns: int) -> None:
        window = arrival.window
        self._arrival = arrival
        self._before = before
        self._since_ns = since_ns
        self._start_ns = window.start_ns if window.start_ns < window.end_ns else 0
        self._parts: dict[int, list[_Part]] = {}
        self.ignored = self.begun = 0
        points = self._read()
        self.after = before.with_points(window.end_ns, points) if points else before
        self.deltas = [_delta(arrival, since, parts) for since, parts in self._parts.items()]

    def _read(self) -> dict[int, Last]:
        end_ns = self._arrival.window.end_ns
        return {
            part.key: part.last(self._start_ns, end_ns)
            for part in _parts_of(self._arrival, self._start_ns)
            if self._take(part)
        }

    def _take(self, part: _Part) -> bool:
        """Note what is new of a point; return whether it is the latest of its series."""
        last = self._before.series.get(part.key)
        end_ns = self._arrival.window.end_ns
        if last is None:
            return self._take_first(part)
        if end_ns <= last.end_ns or self._start_ns < last.start_ns:
            self.ignored += 1
            return False
        new = None if self._start_ns > last.start_ns else part.since(last)
        if new is None:
            self._add(max(self._start_ns, last.end_ns), part)
        else:
            self._add(last.end_ns, new)
        return True

    def _take_first(self, part: _Part) -> bool:
        """Note what is new of the first point of a series; return whether to remember it."""
        end_ns = self._arrival.window.end_ns
        heard_ns = self._before.heard_before(end_ns)
        if end_ns < max(self._since_ns, self._before.latest_ns):
            self.ignored += 1  # a later one may have been counted already
            return False
        if heard_ns:
            self._add(max(self._start_ns, heard_ns), part)
        elif self._start_ns >= self._since_ns and self._start_ns:
            self._add(self._start_ns, part)
        else:
            self.begun += 1
        return True

    def _add(self, since_ns: int, part: _Part) -> None:
        if part.tells:
            self._parts.setdefault(since_ns, []).append(part)


class _Numbers(NamedTuple):
    """What one series tells: its counts, and of a histogram sum, minimum and maximum."""

    series: Series
    counts: IntArray
    floats: tuple[float, float, float]

    @property
    def key(self) -> int:
        """Of the series."""
        return self.series.key

    @property
    def tells(self) -> bool:
        """Whether anything was counted."""
        return bool(self.counts.any())

    def last(self, start_ns: int, end_ns: int) -> Last:
        """Return what is to be remembered."""
        return Last(start_ns, end_ns, self.counts, self.floats[0])

    def since(self, last: Last) -> _Numbers | None:
        """Return what was counted since a point; None where the series began anew."""
        if np.any(self.counts < last.counts):
            return None
        told = (self.floats[0] - last.total, math.nan, math.nan)
        return _Numbers(self.series, self.counts - last.counts, told)


class _Exponential(NamedTuple):
    """What an exponential histogram tells, and since when where that was told."""

    other: Other
    start_ns: int

    @property
    def key(self) -> int:
        """Of the series."""
        return self.other.key

    @property
    def tells(self) -> bool:
        """Whether anything was counted."""
        return has_counts(self.other.payload)

    def last(self, start_ns: int, end_ns: int) -> Last:
        """Return what is to be remembered."""
        return Last(start_ns, end_ns, _NO_COUNTS, payload=counts_alone(self.other.payload))

    def since(self, last: Last) -> _Exponential | None:
        """Return what was counted since a point; None where the series began anew."""
        payload = counted_between(last.payload, self.other.payload, is_same_start=self.start_ns > 0)
        if payload is None:
            return None
        return self._replace(other=replace(self.other, payload=payload))


_Part = _Numbers | _Exponential

_NO_FLOATS: Final = (math.nan, math.nan, math.nan)
_NO_COUNTS: Final[IntArray] = np.zeros(0, np.int64)


def _parts_of(arrival: Arrival, start_ns: int) -> Iterator[_Part]:
    """Yield each point of a cumulative arrival."""
    offsets = arrival.series_set.offsets.tolist()
    floats = zip(
        arrival.sums.tolist(), arrival.minima.tolist(), arrival.maxima.tolist(), strict=True
    )
    for series, start, end in zip(arrival.series_set.series, offsets, offsets[1:], strict=False):
        own = next(floats) if series.is_histogram else _NO_FLOATS
        yield _Numbers(series, arrival.counts[start:end].copy(), own)
    for other in arrival.others:
        yield _Exponential(other, start_ns)


def _delta(arrival: Arrival, since_ns: int, parts: list[_Part]) -> Arrival:
    numbers = [part for part in parts if isinstance(part, _Numbers)]
    floats = np.array([p.floats for p in numbers if p.series.is_histogram]).reshape(-1, 3)
    sums, minima, maxima = np.ascontiguousarray(floats.T, dtype=np.float64)
    return replace(
        arrival,
        window=replace(arrival.window, start_ns=since_ns),
        series_set=SeriesSet(tuple(part.series for part in numbers)),
        counts=np.concatenate([_NO_COUNTS, *(part.counts for part in numbers)]),
        sums=sums,
        minima=minima,
        maxima=maxima,
        others=tuple(part.other for part in parts if isinstance(part, _Exponential)),
        temporality="delta",
    )


def _key(arrival: Arrival) -> int:
    window = arrival.window
    whose = (window.model, window.version, window.segment, window.baseline_id)
    return hash_of(repr((arrival.sender, *whose)).encode("utf-8", "backslashreplace"))
