"""Cumulative points turned into deltas, as OTLP's data model describes it.

A cumulative point tells what was counted since the start of its series. What was counted since the
point before is the difference; from zero, where the series began anew, which a later start or a
count that fell shows. Points that come twice or out of order tell nothing new.

The first point of a series counts from zero where it is known that nothing of it was counted
before: its start is not before the time since which everything is remembered, or its sender was
heard in between without it. Otherwise it only is what the next one is subtracted from.

What is remembered must outlive the process, or the restart of a collector would cost what every
sender counted meanwhile. So a `Change` also has what is to be remembered, as bytes, one value a
sender and model: committed in one transaction with its arrivals, and asked for by ``recall``,
nothing is counted twice and nothing lost, whenever the process ends. Without ``recall`` each series
that began before ``since_ns`` loses what it counted between the last point before the restart and
the first one after it; it is never counted twice.
"""

from __future__ import annotations

import math
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.errors import FormatError
from modelwatch.telemetry.wire.arrivals import Arrival, Series, SeriesSet, hash_of

__all__ = ["Change", "CumulativePoints"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MAX_BYTES: Final = 64 * 2**20
"""What the counts of all senders may take in memory; one of 40 features on 120 bins takes 50 kB."""

_BYTES_OF_SERIES: Final = 256
_HEAD: Final = struct.Struct("<Iqq")
_ROW: Final = np.dtype(
    [("key", "<i8"), ("start", "<i8"), ("end", "<i8"), ("total", "<f8"), ("width", "<u4")]
)


class _Last(NamedTuple):
    """The latest point of a series; a start of 0 was not told."""

    start_ns: int
    end_ns: int
    counts: IntArray
    total: float


@dataclass(frozen=True)
class _Memory:
    """What is remembered of one sender and model.

    Attributes:
        series: the latest point of each, by the key of the series.
        latest_ns: when the sender was heard last.
        before_ns: when it was heard the time before; 0 where it was not.
    """

    series: Mapping[int, _Last] = field(default_factory=dict)
    latest_ns: int = 0
    before_ns: int = 0

    @property
    def nbytes(self) -> int:
        """About what it takes in memory."""
        return sum(last.counts.nbytes + _BYTES_OF_SERIES for last in self.series.values())

    def heard_before(self, end_ns: int) -> int:
        """Return when the sender was heard last before a time, its latest or later; 0 for never."""
        return self.latest_ns if self.latest_ns < end_ns else self.before_ns

    def with_points(self, end_ns: int, points: Mapping[int, _Last]) -> _Memory:
        """Return what is remembered after more points."""
        later = end_ns > self.latest_ns
        return _Memory(
            {**self.series, **points},
            end_ns if later else self.latest_ns,
            self.latest_ns if later else self.before_ns,
        )


@dataclass(frozen=True, kw_only=True)
class Change:
    """What some cumulative arrivals tell that is new.

    Attributes:
        arrivals: of delta temporality.
        memories: what is to be remembered, by a signed 64-bit key; to be stored with the arrivals.
        ignored: points that came twice or too late.
        begun: points that are only what the next one is subtracted from.
    """

    arrivals: list[Arrival] = field(default_factory=list)
    memories: dict[int, bytes] = field(default_factory=dict)
    ignored: int = 0
    begun: int = 0


class CumulativePoints:
    """Remembers the latest point of each series. Not thread-safe.

    Whoever uses it takes turns: `change`, store what came of it, then `keep`; where it cannot be
    stored, `keep` is left out, and the sender's next try is read as the first was. Memory:
    ``max_bytes`` and one sender's counts; the sender unheard for the longest is forgotten first.

    Args:
        since_ns: since when everything is remembered, by the clocks of senders: with ``recall``,
            since the store was made; without it, since the start, and later by as much as clocks
            may differ.
        recall: returns what was to be remembered under a key, None where there is nothing.
        max_bytes: what may be kept in memory.

    Attributes:
        forgotten: senders that were forgotten for want of memory.
    """

    def __init__(
        self,
        *,
        since_ns: int,
        recall: Callable[[int], bytes | None] | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._since_ns = since_ns
        self._recall = recall
        self._max_bytes = max_bytes
        self._memories: OrderedDict[int, _Memory] = OrderedDict()
        self._nbytes = 0
        self.forgotten = 0

    def change(self, arrivals: Iterable[Arrival]) -> Change:
        """Return what cumulative arrivals tell that is new; nothing is remembered yet.

        Raises:
            FormatError: where what was remembered is damaged.
        """
        found: list[Arrival] = []
        known: dict[int, _Memory] = {}
        ignored = begun = 0
        for arrival in sorted(arrivals, key=lambda one: one.window.end_ns):
            key = _key(arrival)
            memory = known[key] if key in known else self._remembered(key)
            reading = _Reading(arrival, memory, self._since_ns)
            if reading.memory is not memory:
                known[key] = reading.memory
            found += reading.deltas
            ignored += reading.ignored
            begun += reading.begun
        memories = {key: _to_bytes(memory) for key, memory in known.items()}
        return Change(arrivals=found, memories=memories, ignored=ignored, begun=begun)

    def keep(self, change: Change) -> None:
        """Remember what a change said, now that it is stored."""
        for key, content in change.memories.items():
            self._put(key, _from_bytes(content))

    def _remembered(self, key: int) -> _Memory:
        memory = self._memories.get(key)
        if memory is not None:
            return memory
        content = self._recall(key) if self._recall is not None else None
        return _Memory() if content is None else _from_bytes(content)

    def _put(self, key: int, memory: _Memory) -> None:
        before = self._memories.pop(key, None)
        self._nbytes += memory.nbytes - (before.nbytes if before else 0)
        self._memories[key] = memory
        while self._nbytes > self._max_bytes and len(self._memories) > 1:
            _, oldest = self._memories.popitem(last=False)
            self._nbytes -= oldest.nbytes
            self.forgotten += 1
            if self._recall is None:  # what ended no later than this may have been counted
                self._since_ns = max(self._since_ns, oldest.latest_ns + 1)


class _Reading:
    """Reads one arrival.

    Attributes:
        deltas: what it tells that is new: an arrival for each time since which it is.
        memory: what is remembered after it.
        ignored: points that told nothing new.
        begun: points that could not be counted.
    """

    def __init__(self, arrival: Arrival, memory: _Memory, since_ns: int) -> None:
        window = arrival.window
        self._arrival = arrival
        self._memory = memory
        self._since_ns = since_ns
        self._start_ns = window.start_ns if window.start_ns < window.end_ns else 0
        self._parts: dict[int, list[_Part]] = {}
        self.ignored = self.begun = 0
        points = self._read()
        self.memory = memory.with_points(window.end_ns, points) if points else memory
        self.deltas = [_delta(arrival, since, parts) for since, parts in self._parts.items()]

    def _read(self) -> dict[int, _Last]:
        arrival, end_ns = self._arrival, self._arrival.window.end_ns
        points: dict[int, _Last] = {}
        offsets = arrival.series_set.offsets.tolist()
        histogram = 0
        for number, series in enumerate(arrival.series_set.series):
            floats = _NO_FLOATS
            if series.is_histogram:
                floats = (
                    float(arrival.sums[histogram]),
                    float(arrival.minima[histogram]),
                    float(arrival.maxima[histogram]),
                )
                histogram += 1
            counts = arrival.counts[offsets[number] : offsets[number + 1]].copy()
            part = _Part(series, counts, floats)
            if self._take(part):
                points[series.key] = _Last(self._start_ns, end_ns, counts, floats[0])
        return points

    def _take(self, part: _Part) -> bool:
        """Note what is new of a point; return whether it is the latest of its series."""
        last = self._memory.series.get(part.series.key)
        end_ns = self._arrival.window.end_ns
        if last is None:
            return self._take_first(part)
        if end_ns <= last.end_ns or self._start_ns < last.start_ns:
            self.ignored += 1
            return False
        if self._start_ns > last.start_ns or np.any(part.counts < last.counts):
            self._add(max(self._start_ns, last.end_ns), part)
        else:
            told = (part.floats[0] - last.total, math.nan, math.nan)
            self._add(last.end_ns, part._replace(counts=part.counts - last.counts, floats=told))
        return True

    def _take_first(self, part: _Part) -> bool:
        """Note what is new of the first point of a series; return whether to remember it."""
        end_ns = self._arrival.window.end_ns
        heard_ns = self._memory.heard_before(end_ns)
        if end_ns < max(self._since_ns, self._memory.latest_ns):
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
        if part.counts.any():
            self._parts.setdefault(since_ns, []).append(part)


class _Part(NamedTuple):
    """What one series tells: its counts, and of a histogram sum, minimum and maximum."""

    series: Series
    counts: IntArray
    floats: tuple[float, float, float]


_NO_FLOATS: Final = (math.nan, math.nan, math.nan)


def _delta(arrival: Arrival, since_ns: int, parts: list[_Part]) -> Arrival:
    floats = np.array([p.floats for p in parts if p.series.is_histogram]).reshape(-1, 3)
    sums, minima, maxima = np.ascontiguousarray(floats.T, dtype=np.float64)
    return replace(
        arrival,
        window=replace(arrival.window, start_ns=since_ns),
        series_set=SeriesSet(tuple(part.series for part in parts)),
        counts=np.concatenate([part.counts for part in parts]),
        sums=sums,
        minima=minima,
        maxima=maxima,
        others=(),
        temporality="delta",
    )


def _key(arrival: Arrival) -> int:
    window = arrival.window
    whose = (window.model, window.version, window.segment, window.baseline_id)
    return hash_of(repr((arrival.sender, *whose)).encode("utf-8", "backslashreplace"))


def _to_bytes(memory: _Memory) -> bytes:
    rows = np.array(
        [
            (key, last.start_ns, last.end_ns, last.total, last.counts.size)
            for key, last in memory.series.items()
        ],
        dtype=_ROW,
    )
    counts = [last.counts.astype("<i8").tobytes() for last in memory.series.values()]
    head = _HEAD.pack(rows.size, memory.latest_ns, memory.before_ns)
    return b"".join([head, rows.tobytes(), *counts])


def _from_bytes(content: bytes) -> _Memory:
    try:
        size, latest_ns, before_ns = _HEAD.unpack_from(content)
        rows = np.frombuffer(content, _ROW, size, _HEAD.size)
        counts = np.frombuffer(content, "<i8", offset=_HEAD.size + rows.nbytes).astype(np.int64)
    except (struct.error, ValueError) as error:
        raise FormatError(f"{len(content)} bytes are no cumulative points: {error}.") from error
    if int(rows["width"].sum()) != counts.size:
        raise FormatError(f"{len(content)} bytes are no cumulative points: counts are missing.")
    each = np.split(counts, np.cumsum(rows["width"])[:-1]) if size else []
    series = {
        int(row["key"]): _Last(int(row["start"]), int(row["end"]), own, float(row["total"]))
        for row, own in zip(rows, each, strict=True)
    }
    return _Memory(series, latest_ns, before_ns)
