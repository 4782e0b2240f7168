"""Counts and floats as bytes, each array in the smallest form that holds it.

The first byte of packed counts is the width of an integer in bytes, 1, 2, 4 or 8; the rest are
unsigned integers, little-endian. Floats are sums, minima and maxima, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelwatch.errors import StoreError

__all__ = ["pack_counts", "pack_floats", "unpack_counts", "unpack_floats"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_TYPES: Final[Mapping[int, np.dtype[Any]]] = {
    1: np.dtype("u1"),
    2: np.dtype("<u2"),
    4: np.dtype("<u4"),
    8: np.dtype("<u8"),
}


def pack_counts(counts: IntArray) -> bytes:
    """Return counts as bytes; takes some 8 us for 4,840 of them.

    Args:
        counts: none of them negative.

    >>> pack_counts(np.array([1, 300])).hex()
    '0201002c01'
    """
    largest = int(counts.max(initial=0))
    width = 1 if largest < 2**8 else 2 if largest < 2**16 else 4 if largest < 2**32 else 8
    return bytes((width,)) + counts.astype(_TYPES[width]).tobytes()


def unpack_counts(content: bytes) -> IntArray:
    """Return packed counts.

    Raises:
        StoreError: where the bytes are no packed counts.

    >>> unpack_counts(bytes.fromhex("0201002c01"))
    array([  1, 300])
    """
    kind = _TYPES.get(content[0]) if content else None
    if kind is None or (len(content) - 1) % kind.itemsize:
        raise StoreError("a row of the store is damaged: its counts are none.")
    return np.frombuffer(content, kind, offset=1).astype(np.int64)


def pack_floats(sums: FloatArray, minima: FloatArray, maxima: FloatArray) -> bytes:
    """Return three arrays of one length as bytes."""
    return sums.tobytes() + minima.tobytes() + maxima.tobytes()


def unpack_floats(content: bytes) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return packed sums, minima and maxima.

    Raises:
        StoreError: where the bytes are no three arrays of one length.
    """
    if len(content) % 24:
        raise StoreError("a row of the store is damaged: its sums are none.")
    sums, minima, maxima = np.frombuffer(content, "<f8").reshape(3, -1)
    return sums, minima, maxima
