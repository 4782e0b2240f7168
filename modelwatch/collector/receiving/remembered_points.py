"""What is remembered of one sender's cumulative points, and how it lies in the store."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.collector.storing.vectors import pack_counts, unpack_counts
from modelwatch.errors import FormatError, StoreError

__all__ = ["Last", "RememberedPoints"]

IntArray = npt.NDArray[np.int64]

KEPT_NS: Final = 86_400 * 10**9
"""A series that its sender told nothing of for so long, while it told of others, is let go of."""

_BYTES_OF_SENDER: Final = 512
_BYTES_OF_SERIES: Final = 256
_HEAD: Final = struct.Struct("<BIqqI")
_FORMAT: Final = 1
_ROW: Final = np.dtype(
    [
        ("key", "<i8"),
        ("start", "<i8"),
        ("end", "<i8"),
        ("total", "<f8"),
        ("width", "<u4"),
        ("size", "<u4"),
    ]
)


class Last(NamedTuple):
    """The latest point of a series.

    Attributes:
        start_ns: since when it counts; 0 where that was not told.
        end_ns: until when.
        counts: its counts; none of an exponential histogram.
        total: of a histogram, the sum of its values.
        payload: of an exponential histogram, the point, serialised; else empty.
    """

    start_ns: int
    end_ns: int
    counts: IntArray
    total: float = math.nan
    payload: bytes = b""

    @property
    def nbytes(self) -> int:
        """About what it takes in memory."""
        return _BYTES_OF_SERIES + self.counts.nbytes + len(self.payload)


@dataclass(frozen=True)
class RememberedPoints:
    """What is remembered of one sender and model version. Not to be changed.

    Attributes:
        series: the latest point of each, by the key of the series.
        latest_ns: when the sender was heard last.
        before_ns: when it was heard the time before; 0 where it was not.
    """

    series: Mapping[int, Last] = field(default_factory=dict)
    latest_ns: int = 0
    before_ns: int = 0

    @property
    def nbytes(self) -> int:
        """About what it takes in memory."""
        return _BYTES_OF_SENDER + sum(last.nbytes for last in self.series.values())

    def heard_before(self, end_ns: int) -> int:
        """Return when the sender was heard last before a time, its latest or later; 0 for never."""
        return self.latest_ns if self.latest_ns < end_ns else self.before_ns

    def with_points(self, end_ns: int, points: Mapping[int, Last]) -> RememberedPoints:
        """Return what is remembered after more points."""
        series = {**self.series, **points}
        if end_ns <= self.latest_ns:
            return RememberedPoints(series, self.latest_ns, self.before_ns)
        kept = {key: last for key, last in series.items() if last.end_ns >= end_ns - KEPT_NS}
        return RememberedPoints(kept, end_ns, self.latest_ns)

    def to_bytes(self) -> bytes:
        """Return all of it as bytes."""
        lasts = self.series.values()
        rows = np.array(
            [
                (key, one.start_ns, one.end_ns, one.total, one.counts.size, len(one.payload))
                for key, one in self.series.items()
            ],
            dtype=_ROW,
        )
        counts = pack_counts(np.concatenate([_NO_COUNTS, *(last.counts for last in lasts)]))
        head = _HEAD.pack(_FORMAT, rows.size, self.latest_ns, self.before_ns, len(counts))
        return b"".join([head, rows.tobytes(), counts, *(last.payload for last in lasts)])

    @classmethod
    def from_bytes(cls, content: bytes) -> RememberedPoints:
        """Return what `to_bytes` wrote.

        Raises:
            FormatError: where the bytes are something else.
        """
        try:
            kind, size, latest_ns, before_ns, nbytes = _HEAD.unpack_from(content)
            rows = np.frombuffer(content, _ROW, size, _HEAD.size)
            at = _HEAD.size + rows.nbytes
            counts = unpack_counts(content[at : at + nbytes])
            payloads = content[at + nbytes :]
        except (struct.error, ValueError, StoreError) as error:
            raise FormatError(f"{len(content)} bytes are no cumulative points: {error}.") from error
        told = (int(rows["width"].sum()), int(rows["size"].sum()))
        if kind != _FORMAT or told != (counts.size, len(payloads)):
            raise FormatError(f"{len(content)} bytes are no cumulative points: counts are missing.")
        series: dict[int, Last] = {}
        counted = read = 0
        for key, start_ns, end_ns, total, width, length in rows.tolist():
            own, payload = counts[counted : counted + width], payloads[read : read + length]
            series[key] = Last(start_ns, end_ns, own, total, payload)
            counted, read = counted + width, read + length
        return cls(series, latest_ns, before_ns)


_NO_COUNTS: Final[IntArray] = np.zeros(0, np.int64)
