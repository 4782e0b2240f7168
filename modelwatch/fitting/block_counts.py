"""Counts of each 50 neighbouring rows of a stream, kept small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.blocks import SMALLEST_BLOCK

__all__ = ["BlockCounts", "Stretch", "block_stretches"]

STRETCHES = 8
"""Of longer data so many contiguous stretches of rows are counted, evenly spaced."""


@dataclass(frozen=True)
class Stretch:
    """Neighbouring rows that are counted in blocks.

    Attributes:
        start: number of the first row.
        blocks: how many blocks follow.
        first_block: place of the first one among all that are counted.
    """

    start: int
    blocks: int
    first_block: int


def block_stretches(rows: int, most_blocks: int) -> tuple[Stretch, ...]:
    """Return which rows are counted: all whole blocks as long as there are no more than that many.

    >>> block_stretches(1_030, 100), len(block_stretches(1_000_000, 100))
    ((Stretch(start=0, blocks=20, first_block=0),), 8)
    """
    blocks = rows // SMALLEST_BLOCK
    if blocks <= most_blocks or most_blocks < STRETCHES:
        return (Stretch(0, min(blocks, most_blocks), 0),)
    size = most_blocks // STRETCHES
    starts = np.linspace(0, blocks - size, STRETCHES).astype(np.int64) * SMALLEST_BLOCK
    return tuple(Stretch(start, size, size * at) for at, start in enumerate(starts.tolist()))


class BlockCounts:
    """How many rows of each block of 50 are in each bin. Not thread-safe.

    As a block has 50 rows, a count takes one byte: `bins` bytes a block in all.

    Args:
        stretches: the rows that are counted.
        bins: how many bins there are.

    Attributes:
        counts: shape (blocks, bins), in the order of the rows.
        totals: counts of all rows, counted in blocks or not, shape (bins,).

    >>> counts = BlockCounts(block_stretches(100, 10), 2)
    >>> counts.update(0, np.zeros(70, dtype=int))
    >>> counts.update(70, np.ones(30, dtype=int))
    >>> counts.counts.tolist(), counts.totals.tolist()
    ([[50, 0], [20, 30]], [70, 30])
    """

    def __init__(self, stretches: tuple[Stretch, ...], bins: int) -> None:
        self._stretches = stretches
        self._bins = bins
        self.counts = np.zeros((sum(part.blocks for part in stretches), bins), dtype=np.uint8)
        self.totals = np.zeros(bins, dtype=np.int64)

    def update(self, start: int, codes: npt.NDArray[np.intp]) -> None:
        """Count rows.

        Args:
            start: number of the first of them.
            codes: the bin of each; negative where it has none.
        """
        self.totals += np.bincount(codes[codes >= 0], minlength=self._bins)
        for stretch in self._stretches:
            low = max(stretch.start - start, 0)
            high = min(stretch.start + stretch.blocks * SMALLEST_BLOCK - start, codes.size)
            if low < high:
                self._count(stretch, start + low - stretch.start, codes[low:high])

    def _count(self, stretch: Stretch, offset: int, codes: npt.NDArray[np.intp]) -> None:
        """Count rows of one stretch, the first of which is so many rows into it."""
        first = offset // SMALLEST_BLOCK
        blocks = (offset + codes.size - 1) // SMALLEST_BLOCK - first + 1
        block_of_row = (np.arange(codes.size) + offset % SMALLEST_BLOCK) // SMALLEST_BLOCK
        flat = block_of_row * self._bins + codes
        found = np.bincount(flat[codes >= 0], minlength=blocks * self._bins)
        at = stretch.first_block + first
        self.counts[at : at + blocks] += found.reshape(blocks, self._bins).astype(np.uint8)
