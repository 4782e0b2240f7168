"""Points of one request put together by sender and window."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.telemetry.wire.arrivals import (
    Arrival,
    Decoded,
    Other,
    Series,
    SeriesSet,
    Temporality,
    Window,
)
from modelwatch.telemetry.wire.bounded_cache import BoundedCache
from modelwatch.telemetry.wire.folding import MAX_COUNT

__all__ = ["Group", "Groups", "Owner", "Sender"]

FloatArray = npt.NDArray[np.float64]
UnsignedArray = npt.NDArray[np.uint64]

_BYTES_OF_SET: Final = 1_024
_BYTES_OF_MEMBER: Final = 32  # of the tuple, the keys, the offsets

_SETS: Final = BoundedCache[tuple[Series, ...], SeriesSet](entries=4_096, nbytes=16 * 2**20)


class Sender(NamedTuple):
    """Who sent a point.

    Attributes:
        key: signed 64-bit hash of its resource.
        instance: its ``service.instance.id``, which should be a text; empty where it gave none.
    """

    key: int
    instance: Any


class Owner(NamedTuple):
    """Of which traffic a point tells: those parts of its `Window` that are attributes."""

    model: str
    version: str
    segment: str
    baseline_id: str


class Group:
    """The points of one sender and window so far. Not thread-safe.

    Attributes:
        series: which series, one a point.
        counts: those of each point, unsigned 64-bit integers, little-endian.
        floats: sum, minimum and maximum of one histogram after the other; NaN where absent.
        others: points that do not add up.
    """

    __slots__ = ("_sender", "_temporality", "_window", "counts", "floats", "others", "series")

    def __init__(self, window: Window, sender: Sender, temporality: Temporality) -> None:
        self._window = window
        self._sender = sender
        self._temporality = temporality
        self.series: list[Series] = []
        self.counts: list[bytes] = []
        self.floats: list[float] = []
        self.others: list[Other] = []

    def arrival(self, decoded: Decoded) -> Arrival | None:
        """Return the points, each once; None where there are none.

        Args:
            decoded: is told of duplicates and of points whose counts are none.
        """
        counts = self._numbers()
        if counts.max(initial=0) > MAX_COUNT:
            self._reject(decoded)
            counts = self._numbers()
        series_set = _SETS.get(tuple(self.series))
        if series_set is None:
            series_set, duplicates = self._distinct_series()
            decoded.duplicates += duplicates
            counts = self._numbers()
        others = tuple({other.key: other for other in reversed(self.others)}.values())[::-1]
        decoded.duplicates += len(self.others) - len(others)
        if not (series_set.series or others):
            return None
        sums, minima, maxima = _known(self.floats)
        return Arrival(
            self._window,
            self._sender.key,
            series_set,
            counts.view("<i8").astype(np.int64, copy=False),
            sums,
            minima,
            maxima,
            others,
            self._temporality,
        )

    def _numbers(self) -> UnsignedArray:
        return np.frombuffer(b"".join(self.counts), "<u8")

    def _reject(self, decoded: Decoded) -> None:
        """Leave out the points that have something else than counts."""
        usable: list[bool] = []
        for series, packed in zip(self.series, self.counts, strict=True):
            numbers = np.frombuffer(packed, "<u8" if series.is_histogram else "<i8")
            odd = numbers[(numbers < 0) | (numbers > MAX_COUNT)]
            usable.append(not odd.size)
            if odd.size:
                decoded.reject(f"{series.metric}: {odd[0]} is no count.")
        self._keep(usable)

    def _distinct_series(self) -> tuple[SeriesSet, int]:
        known: set[int] = set()
        is_first: list[bool] = []
        for series in self.series:
            is_first.append(series.key not in known)
            known.add(series.key)
        self._keep(is_first)
        name = tuple(self.series)
        series_set = _SETS.get(name)
        if series_set is None:
            series_set = SeriesSet(name)
            nbytes = _BYTES_OF_SET + _BYTES_OF_MEMBER * len(name)
            _SETS.put(name, series_set, nbytes=nbytes)
        return series_set, is_first.count(False)

    def _keep(self, kept: Sequence[bool]) -> None:
        histograms = iter(zip(*[iter(self.floats)] * 3, strict=True))
        floats: list[float] = []
        for series, is_kept in zip(self.series, kept, strict=True):
            told = next(histograms) if series.is_histogram else ()
            floats += told if is_kept else ()
        self.floats = floats
        self.counts = [packed for packed, is_kept in zip(self.counts, kept, strict=True) if is_kept]
        self.series = [series for series, is_kept in zip(self.series, kept, strict=True) if is_kept]


class Groups:
    """The groups of one request. Not thread-safe."""

    def __init__(self) -> None:
        self._groups: dict[tuple[Sender, Owner, int, int, Temporality], Group] = {}

    def of(
        self,
        sender: Sender,
        owner: Owner,
        times: tuple[int, int],
        temporality: Temporality = "delta",
    ) -> Group:
        """Return the group that a point belongs to.

        Args:
            sender: who sent it.
            owner: of which traffic it tells.
            times: its start, 0 where it gave none, and its end, Unix nanoseconds.
            temporality: of its metric.

        Raises:
            ValueError: where its times are no window, or the sender's instance no text.
        """
        name = (sender, owner, *times, temporality)
        group = self._groups.get(name)
        if group is None:
            window = _window(sender, owner, *times)
            group = self._groups[name] = Group(window, sender, temporality)
        return group

    def arrivals(self, decoded: Decoded) -> Iterator[Arrival]:
        """Yield what each group holds; see `Group.arrival`."""
        for group in self._groups.values():
            arrival = group.arrival(decoded)
            if arrival is not None:
                yield arrival


def _window(sender: Sender, owner: Owner, start_ns: int, end_ns: int) -> Window:
    if not 0 < end_ns < 2**63 or not 0 <= start_ns <= end_ns:
        raise ValueError(f"its times {start_ns} to {end_ns} are no window of Unix nanoseconds")
    if not isinstance(sender.instance, str):
        raise ValueError(f"attribute value {sender.instance!r} is no text")
    return Window(
        model=owner.model,
        version=owner.version,
        instance=sender.instance,
        segment=owner.segment,
        baseline_id=owner.baseline_id,
        start_ns=start_ns or end_ns,
        end_ns=end_ns,
    )


def _known(floats: Sequence[float]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return sums, minima and maxima; NaN where they are no finite numbers."""
    table = np.fromiter(floats, np.float64, len(floats)).reshape(-1, 3)
    if not math.isfinite(sum(floats)):
        finite = np.isfinite(table)
        finite[:, 1:] &= (finite[:, 1] & finite[:, 2])[:, np.newaxis]
        table[~finite] = np.nan
    sums, minima, maxima = np.ascontiguousarray(table.T)
    return sums, minima, maxima
