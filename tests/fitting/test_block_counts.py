"""Blocks counted in batches: as counted at once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch.comparisons.blocks import SMALLEST_BLOCK, count_blocks
from modelwatch.fitting.block_counts import BlockCounts, block_stretches


@settings(max_examples=60)
@given(
    rows=st.integers(0, 700),
    cuts=st.lists(st.integers(0, 700), max_size=6),
    seed=st.integers(0, 99),
)
def test_batches_count_as_the_whole(rows: int, cuts: list[int], seed: int) -> None:
    """However the rows are cut, the blocks are those of all rows."""
    codes = np.random.default_rng(seed).integers(-1, 4, rows)
    counts = BlockCounts(block_stretches(rows, 1_000), 4)
    bounds = sorted({0, rows, *(min(cut, rows) for cut in cuts)})
    for low, high in pairwise(bounds):
        counts.update(low, codes[low:high])
    assert np.array_equal(counts.counts, count_blocks(codes, 4))
    assert counts.totals.tolist() == np.bincount(codes[codes >= 0], minlength=4).tolist()


@settings(max_examples=30)
@given(blocks=st.integers(9, 400), most=st.integers(8, 60), step=st.integers(1, 900))
def test_longer_data_is_counted_in_stretches(blocks: int, most: int, step: int) -> None:
    """Memory is bounded: eight stretches of neighbouring rows, each counted block by block."""
    rows = blocks * SMALLEST_BLOCK + 7
    codes = np.random.default_rng(blocks).integers(0, 3, rows)
    stretches = block_stretches(rows, most)
    counts = BlockCounts(stretches, 3)
    for low in range(0, rows, step):
        counts.update(low, codes[low : low + step])
    whole = count_blocks(codes, 3)
    expected = [
        whole[part.start // SMALLEST_BLOCK : part.start // SMALLEST_BLOCK + part.blocks]
        for part in stretches
    ]
    assert counts.counts.shape[0] <= most
    assert np.array_equal(counts.counts, np.concatenate(expected))
    assert counts.totals.sum() == rows
