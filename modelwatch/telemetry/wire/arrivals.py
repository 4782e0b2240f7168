"""What one request tells: series that add up, as arrays, and the rest as it came.

A series is one metric with one set of attributes and, of a histogram, one set of bounds. What one
sender tells of one window is an arrival: the numbers of all its series, one after the other. Two
arrivals of the same series add up number by number, whatever the series are.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from modelwatch.errors import FormatError
from modelwatch.lazy import cached_property
from modelwatch.telemetry.wire.examples import Example
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows

__all__ = [
    "Arrival",
    "Attributes",
    "Decoded",
    "Other",
    "Series",
    "SeriesKind",
    "SeriesSet",
    "Temporality",
    "Window",
    "hash_of",
    "others_from_bytes",
    "others_to_bytes",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Attributes = tuple[tuple[str, str], ...]

SeriesKind = Literal["sum", "histogram"]
Temporality = Literal["delta", "cumulative"]

_OTHER_HEAD: Final = struct.Struct("<qHI")


@dataclass(frozen=True, order=True)
class Window:
    """Of whom and of when an arrival tells.

    Attributes:
        model: the model's name.
        version: its version.
        instance: ``service.instance.id`` of the sender; empty where it gave none.
        segment: the part of the traffic, empty for all of it.
        baseline_id: the baseline whose bins were used, empty where none was known.
        start_ns: start of the window, Unix nanoseconds.
        end_ns: its end.
    """

    model: str
    version: str
    instance: str
    segment: str
    baseline_id: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, eq=False)
class Series:
    """One metric with one set of attributes, whoever sends it. Compare by `key`.

    Attributes:
        metric: its name.
        kind: a sum is one count; a histogram is a count a bin, a sum, a minimum and a maximum.
        attributes: those of its points but for what is in the `Window`, as texts, in order of
            name.
        bounds: of a histogram, the bounds of its bins as little-endian float64.
    """

    metric: str
    kind: SeriesKind
    attributes: Attributes
    bounds: bytes = b""

    @cached_property
    def key(self) -> int:
        """Signed 64-bit hash of all that a series is."""
        return hash_of(self.to_json().encode())

    @cached_property
    def width(self) -> int:
        """How many counts it has."""
        return len(self.bounds) // 8 + 1 if self.kind == "histogram" else 1

    @property
    def is_histogram(self) -> bool:
        """Whether it is a histogram, and no sum."""
        return self.kind == "histogram"

    @property
    def bin_edges(self) -> FloatArray:
        """The bounds as numbers, shape (width - 1,), not to be written to."""
        return np.frombuffer(self.bounds, "<f8").astype(np.float64, copy=False)

    def to_json(self) -> str:
        """Return the series as a text, always the same of the same series."""
        told = [self.metric, self.kind, self.attributes, self.bin_edges.tolist()]
        return json.dumps(told, separators=(",", ":"))

    @classmethod
    def from_json(cls, content: str) -> Series:
        """Return the series that `to_json` wrote.

        Raises:
            FormatError: where the text is of no series.
        """
        try:
            metric, kind, attributes, bounds = json.loads(content)
            pairs = tuple((_text(name), _text(value)) for name, value in attributes)
            packed = np.array(bounds, dtype="<f8").tobytes()
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise FormatError(f"{content[:60]!r} is no series: {error}.") from error
        if kind not in ("sum", "histogram") or (packed and kind == "sum"):
            raise FormatError(f"{content[:60]!r} is no series: it has no such kind {kind!r}.")
        return cls(_text(metric), kind, pairs, packed)


@dataclass(frozen=True, eq=False)
class SeriesSet:
    """Series in their order, which is that of the arrays of an arrival. Compare by `key`.

    Sets are shared among arrivals that are alike.

    Attributes:
        series: none of them twice.
    """

    series: tuple[Series, ...]

    @cached_property
    def key(self) -> int:
        """Signed 64-bit hash of the keys in their order."""
        return hash_of(self.keys.astype("<i8").tobytes())

    @cached_property
    def keys(self) -> IntArray:
        """The key of each series."""
        return np.array([series.key for series in self.series], dtype=np.int64)

    @cached_property
    def offsets(self) -> IntArray:
        """Where the counts of each series begin, and where the last ones end; shape (n + 1,)."""
        return np.cumsum([0, *(series.width for series in self.series)], dtype=np.int64)

    @cached_property
    def size(self) -> int:
        """How many counts all series have."""
        return sum(series.width for series in self.series)

    @cached_property
    def histograms(self) -> int:
        """How many of the series are histograms."""
        return sum(series.is_histogram for series in self.series)


@dataclass(frozen=True, slots=True)
class Other:
    """A point or record that does not add up number by number.

    Attributes:
        key: signed 64-bit hash of name and attributes; two of one window are the same point.
        name: of the metric or event.
        payload: a serialised ``ExponentialHistogramDataPoint`` where the name is a metric's,
            ``LogRecord`` where it is an event's, without what is in the `Window`.
    """

    key: int
    name: str
    payload: bytes


@dataclass(frozen=True, eq=False, slots=True)
class Arrival:
    """What one request tells of one window of one sender.

    Attributes:
        window: of whom and of when it tells.
        sender: signed 64-bit hash of the sender's resource.
        series_set: which series, in order.
        counts: of all series, one after the other, shape (series_set.size,), each in [0, 2**53].
        sums: one a histogram, shape (series_set.histograms,); NaN where absent or no finite number.
        minima: likewise.
        maxima: likewise; absent where the minimum is, and the other way round.
        others: the points that do not add up.
        temporality: whether the counts are those of the window or those since its start, which
            then is when the sender began to count.
    """

    window: Window
    sender: int
    series_set: SeriesSet
    counts: IntArray
    sums: FloatArray
    minima: FloatArray
    maxima: FloatArray
    others: tuple[Other, ...] = ()
    temporality: Temporality = "delta"

    @property
    def points(self) -> int:
        """How many points it holds, of either sort."""
        return len(self.series_set.series) + len(self.others)

    def part(self, series: BoolArray, others: Iterable[Other]) -> Arrival:
        """Return some of its points.

        Args:
            series: whether each of the series is kept, shape (n,).
            others: the other points that are kept.
        """
        all_series = self.series_set.series
        floats = series[np.array([one.is_histogram for one in all_series], np.bool_)]
        return replace(
            self,
            series_set=SeriesSet(
                tuple(s for s, kept in zip(all_series, series, strict=True) if kept)
            ),
            counts=self.counts[np.repeat(series, [one.width for one in all_series])],
            sums=self.sums[floats],
            minima=self.minima[floats],
            maxima=self.maxima[floats],
            others=tuple(others),
        )


@dataclass
class Decoded:
    """What a request held.

    Attributes:
        arrivals: what is ours, each point once.
        duplicates: points of ours that were there twice; the first of them counts.
        foreign: how many points were not ours, and were passed over.
        rejected: how many of ours could not be used.
        message: why, of the first of them.
        examples: traces that show something.
        predictions: single predictions, to be joined with their labels.
        labels: labels of predictions.
    """

    arrivals: list[Arrival] = field(default_factory=list)
    duplicates: int = 0
    foreign: int = 0
    rejected: int = 0
    message: str = ""
    examples: list[Example] = field(default_factory=list)
    predictions: list[PredictionRows] = field(default_factory=list)
    labels: list[LabelRows] = field(default_factory=list)

    def reject(self, message: str, count: int = 1) -> None:
        """Count points that cannot be used."""
        self.rejected += count
        self.message = self.message or message


def hash_of(content: bytes) -> int:
    """Return a signed 64-bit hash.

    >>> hash_of(b"")
    -5426141060434712860
    """
    digest = hashlib.blake2b(content, digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def others_to_bytes(others: Iterable[Other]) -> bytes:
    """Return points as bytes, as they are stored."""
    parts: list[bytes] = []
    for other in others:
        name = other.name.encode()
        parts += [_OTHER_HEAD.pack(other.key, len(name), len(other.payload)), name, other.payload]
    return b"".join(parts)


def others_from_bytes(content: bytes) -> Sequence[Other]:
    """Return the points that `others_to_bytes` wrote.

    Raises:
        FormatError: where the bytes are none.
    """
    found: list[Other] = []
    at = 0
    while at < len(content):
        try:
            key, name_size, size = _OTHER_HEAD.unpack_from(content, at)
            payload_at = at + _OTHER_HEAD.size + name_size
            name = content[at + _OTHER_HEAD.size : payload_at].decode()
        except (struct.error, UnicodeDecodeError) as error:
            raise FormatError(f"{len(content)} bytes are no points: {error}.") from error
        at = payload_at + size
        if at > len(content):
            raise FormatError(f"{len(content)} bytes are no points: the last one is cut off.")
        found.append(Other(key, name, content[payload_at:at]))
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise FormatError(f"{value!r} is no text of a series.")
    return value
