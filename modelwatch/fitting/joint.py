"""What clusters and tails do to the statistics of all numeric inputs of a baseline together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from modelwatch.comparisons.blocks import SMALLEST_BLOCK
from modelwatch.comparisons.joint_effect import JointEffect, fit_joint_effect
from modelwatch.fitting.batch import Batch
from modelwatch.fitting.block_counts import block_stretches

__all__ = ["JointRows"]

MOST_BYTES = 64 * 2**20
"""Memory for rows; of longer data evenly spaced stretches of neighbouring rows are kept."""


class JointRows:
    """Rows of the numeric inputs, kept in the order of time. A `Summary`.

    Args:
        names: the inputs, in the order of the joint moments.
        rows: rows of all the data.
    """

    def __init__(self, names: Sequence[str], rows: int) -> None:
        self._names = tuple(names)
        most_blocks = MOST_BYTES // (8 * len(names) * SMALLEST_BLOCK)
        self._stretches = block_stretches(rows, most_blocks)
        kept = sum(stretch.blocks for stretch in self._stretches) * SMALLEST_BLOCK
        self._rows = np.full((kept, len(names)), np.nan)

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        columns: list[np.ndarray] | None = None
        for stretch in self._stretches:
            low = max(stretch.start - batch.start, 0)
            end = stretch.start + stretch.blocks * SMALLEST_BLOCK
            high = min(end - batch.start, batch.rows)
            if low >= high:
                continue
            columns = columns or [batch.numbers(name) for name in self._names]
            at = stretch.first_block * SMALLEST_BLOCK + batch.start + low - stretch.start
            for place, values in enumerate(columns):
                self._rows[at : at + high - low, place] = values[low:high]

    def effect(self, left_out: Collection[str] = ()) -> JointEffect:
        """Return what the rows' blocks show, without the inputs that are not judged together."""
        return fit_joint_effect(self._rows, self._names, left_out)
