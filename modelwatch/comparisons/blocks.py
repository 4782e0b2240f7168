"""A stream cut into blocks of neighbouring rows, each counted on the same bins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["FEWEST_BLOCKS", "SMALLEST_BLOCK", "count_blocks", "larger_blocks"]

SMALLEST_BLOCK = 50
"""Rows of the blocks that are counted; larger ones are made of them."""

FEWEST_BLOCKS = 8

IntArray = npt.NDArray[np.int64]


def count_blocks(codes: npt.NDArray[np.intp], bins: int) -> IntArray:
    """Count each block of 50 rows.

    Args:
        codes: the bin of each row in time order, 0 to bins - 1; negative where the row has none.
        bins: how many bins there are.

    Returns:
        Counts of shape (blocks, bins). Rows after the last whole block are in none.

    >>> count_blocks(np.arange(100) // 50, 2).tolist()
    [[50, 0], [0, 50]]
    """
    blocks = codes.size // SMALLEST_BLOCK
    codes = codes[: blocks * SMALLEST_BLOCK]
    block_of_row = np.repeat(np.arange(blocks), SMALLEST_BLOCK)
    known = codes >= 0
    flat = np.bincount(block_of_row[known] * bins + codes[known], minlength=blocks * bins)
    return flat.reshape(blocks, bins)


def larger_blocks(
    *counts: npt.NDArray[np.int64] | npt.NDArray[np.float64],
) -> Iterator[tuple[int, list[npt.NDArray[np.float64]]]]:
    """Yield block sizes of 50, 100, 200, 500, ... rows, and what the blocks of that size hold.

    Args:
        counts: what the smallest blocks hold, each of shape (blocks, any).

    Yields:
        The size in rows, and for each of the arguments the sums over blocks of that size, as long
        as there are 8 blocks.
    """
    blocks = counts[0].shape[0]
    for factor in _factors(blocks):
        whole = blocks // factor
        joined = [
            part[: whole * factor].reshape(whole, factor, -1).sum(axis=1, dtype=np.float64)
            for part in counts
        ]
        yield factor * SMALLEST_BLOCK, joined


def _factors(blocks: int) -> Iterator[int]:
    scale = 1
    while scale * FEWEST_BLOCKS <= blocks:
        yield from (
            factor for factor in (scale, 2 * scale, 4 * scale) if factor * FEWEST_BLOCKS <= blocks
        )
        scale *= 10
