"""Rows of a stream, as many as there is room for, evenly spread over it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["EvenRows"]

FloatArray = npt.NDArray[np.float64]


class EvenRows:
    """All rows as long as they are few, else every 2nd, 4th, 8th, ... in their order.

    At least half as many as there is room for are kept of a longer stream. Not thread-safe.

    Args:
        width: numbers of a row.
        limit: rows kept at most, 1 or more. Memory: twice 8 * width * limit bytes at most.

    >>> rows = EvenRows(1, 4)
    >>> rows.update(np.arange(3.0)[:, None])
    >>> rows.update(np.arange(3.0, 10.0)[:, None])
    >>> rows.values[:, 0].tolist(), rows.stride
    ([0.0, 4.0, 8.0], 4)
    """

    def __init__(self, width: int, limit: int) -> None:
        self._limit = limit
        self._chunks: list[FloatArray] = [np.empty((0, width))]
        self._size = 0
        self._skip = 0
        self.stride = 1

    def update(self, rows: FloatArray) -> None:
        """Take in the next rows, shape (n, width)."""
        chosen = rows[self._skip :: self.stride]
        self._skip = (self._skip - rows.shape[0]) % self.stride
        self._chunks.append(chosen.copy() if self.stride > 1 else chosen)
        self._size += chosen.shape[0]
        while self._size > self._limit:
            kept = self.values
            self._skip += self.stride * (kept.shape[0] % 2)
            self.stride *= 2
            self._chunks = [kept[::2].copy()]
            self._size = self._chunks[0].shape[0]

    @property
    def values(self) -> FloatArray:
        """The rows that are kept, shape (k, width)."""
        if len(self._chunks) > 1:
            self._chunks = [np.concatenate(self._chunks)]
        return self._chunks[0]
