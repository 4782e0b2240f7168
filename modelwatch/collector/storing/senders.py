"""How many distinct senders there were, of sets that merge: a k-minimum-values sketch.

Bar-Yossef, Jayram, Kumar, Sivakumar, Trevisan: Counting distinct elements in a data stream (2002).
Of the hashes of all senders the k smallest are kept. Up to k of them the count is exact; beyond, it
is estimated from the k-th smallest, with a standard error of 1 / sqrt(k - 2), some 3%.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import numpy as np

from modelwatch.errors import StoreError

__all__ = ["SMALLEST", "count_senders", "pack_senders", "sender_hash", "unpack_senders"]

SMALLEST: Final = 1_024
"""Hashes that are kept, the k of the paper: 8 KiB at most."""

_HASHES: Final = 2.0**64


@lru_cache(maxsize=65_536)
def sender_hash(instance: str) -> int:
    """Return an unsigned 64-bit hash of the name of a sender."""
    digest = hashlib.blake2b(instance.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def count_senders(hashes: Iterable[int]) -> int:
    """Return how many senders have these hashes, or the smallest of theirs.

    >>> count_senders({sender_hash("a"), sender_hash("b")})
    2
    >>> count_senders(sorted(sender_hash(str(n)) for n in range(50_000))[:SMALLEST])
    50118
    """
    known = sorted(set(hashes))
    if len(known) < SMALLEST:
        return len(known)
    return round((SMALLEST - 1) / (known[SMALLEST - 1] / _HASHES))


def pack_senders(hashes: Iterable[int]) -> bytes:
    """Return the smallest hashes as bytes."""
    return np.array(sorted(set(hashes))[:SMALLEST], dtype="<u8").tobytes()


def unpack_senders(content: bytes) -> list[int]:
    """Return packed hashes.

    Raises:
        StoreError: where the bytes are none.
    """
    if len(content) % 8:
        raise StoreError("a row of the store is damaged: its senders are none.")
    return [int(found) for found in np.frombuffer(content, "<u8")]
