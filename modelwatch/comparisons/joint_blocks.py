"""Blocks of a reference's rows in time order, with their moments and reconstruction errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.joint_reference import JointReference
from modelwatch.sketches.joint_moments import PRODUCTS_AT_ONCE

__all__ = ["FEWEST_BLOCKS", "Block", "ReferenceBlocks", "smallest_block", "thinned"]

FloatArray = npt.NDArray[np.float64]

SMALLEST_BLOCK = 50
FEWEST_BLOCKS = 8
STEPS_OF_A_DECADE = (10, 14, 20, 30, 40, 60, 80)
"""Round sizes, as windows are of such ones: blocks of another size than a level's or a cycle's
would average over what windows of that very size do not."""
MOST_BLOCKS = 256
"""More blocks of one size tell little more, and cost a factorisation each."""
MOST_PRODUCTS = 400_000_000
"""Rows times features squared that are read; of longer references, evenly spaced stretches are."""
MOST_FLOATS = 8_000_000
"""Numbers kept of the smallest blocks' moments: 64 MB."""
FOLDS = 10
"""The errors of each tenth of the rows are those by the components of the other nine."""
LEAST_LEFT_VARIANCE = 1e-12
"""A feature that hardly varies outside a tenth of the rows is given this share of its variance."""


@dataclass(frozen=True, eq=False)
class Block:
    """The b blocks of one size; they overlap by half.

    Attributes:
        rows: of each block.
        separate: how many blocks that do not overlap they stand for.
        left: the share of the reference that a block leaves.
        means: shape (b, u), in the reference's units.
        covariances: shape (b, u, u), with the divisor n - 1.
        errors: their mean reconstruction errors, shape (b,).
    """

    rows: int
    separate: float
    left: float
    means: FloatArray
    covariances: FloatArray
    errors: FloatArray


class ReferenceBlocks:
    """Rows summed up so that the moments of any block are a difference of two sums.

    Args:
        reference: what the rows' moments are.
        rows: standardised by it, shape (N, u), in time order.
    """

    def __init__(self, reference: JointReference, rows: FloatArray) -> None:
        self.base = smallest_block(*rows.shape)
        self.groups = rows.shape[0] // self.base
        self.total = rows.shape[0]
        rows = rows[: self.groups * self.base]
        cut = rows.reshape(self.groups, self.base, rows.shape[1])
        self._sums = _cumulative(cut.sum(axis=1))
        self._products = _cumulative(np.matmul(cut.transpose(0, 2, 1), cut))
        self.row_errors = self._errors_left_out(rows, reference.components)
        self._errors = _cumulative(self.row_errors.reshape(self.groups, self.base).sum(axis=1))

    def __iter__(self) -> Iterator[Block]:
        """Give the blocks of each size in turn, from the smallest."""
        for width in _widths(self.groups // FEWEST_BLOCKS):
            starts = np.arange(0, self.groups - width + 1, max(width // 2, 1))
            if starts.size > MOST_BLOCKS:
                starts = starts[np.linspace(0, starts.size - 1, MOST_BLOCKS).astype(np.intp)]
            ends = starts + width
            n = width * self.base
            means = (self._sums[ends] - self._sums[starts]) / n
            second = (self._products[ends] - self._products[starts]) / n
            yield Block(
                rows=n,
                separate=min(self.groups / width, float(starts.size)),
                left=1 - n / self.total,
                means=means,
                covariances=(second - means[:, :, None] * means[:, None, :]) * (n / (n - 1)),
                errors=(self._errors[ends] - self._errors[starts]) / n,
            )

    def _errors_left_out(self, rows: FloatArray, components: int) -> FloatArray:
        """Return each row's error by the components of all tenths of the rows but its own."""
        errors = np.empty(rows.shape[0])
        ends = np.linspace(0, self.groups, FOLDS + 1).astype(np.intp)
        for start, end in pairwise(ends):
            n = (self.groups - (end - start)) * self.base
            mean = (self._sums[-1] - self._sums[end] + self._sums[start]) / n
            second = (self._products[-1] - self._products[end] + self._products[start]) / n
            covariance = second - np.outer(mean, mean)
            scale = np.sqrt(np.maximum(np.diag(covariance), LEAST_LEFT_VARIANCE))
            vectors = np.linalg.eigh(covariance / np.outer(scale, scale))[1]
            leading = vectors[:, vectors.shape[1] - components :]
            part = slice(start * self.base, end * self.base)
            errors[part] = _errors((rows[part] - mean) / scale, leading)
        return errors


def smallest_block(rows: int, features: int) -> int:
    """Return the rows of the smallest blocks: more than twice the features, and not too many.

    >>> smallest_block(100_000, 30), smallest_block(100_000, 100), smallest_block(1_000_000, 30)
    (100, 400, 200)
    """
    size = SMALLEST_BLOCK
    while size < 2 * (features + 3) or rows // size * features**2 > MOST_FLOATS:
        size *= 2
    return size


def thinned(rows: FloatArray) -> FloatArray:
    """Return eight evenly spaced contiguous stretches where there are too many rows."""
    most = MOST_PRODUCTS // max(rows.shape[1] ** 2, 1)
    if rows.shape[0] <= most:
        return rows
    length = most // FEWEST_BLOCKS
    starts = np.linspace(0, rows.shape[0] - length, FEWEST_BLOCKS).astype(np.intp)
    return np.concatenate([rows[start : start + length] for start in starts])


def _errors(rows: FloatArray, leading: FloatArray) -> FloatArray:
    """Return the rows' squared distances from the span of the leading components, in parts."""
    errors = np.einsum("nu,nu->n", rows, rows)
    step = max(PRODUCTS_AT_ONCE // max(leading.size, 1), 1)
    for start in range(0, rows.shape[0], step):
        inside = rows[start : start + step] @ leading
        errors[start : start + step] -= np.einsum("nk,nk->n", inside, inside)
    return np.asarray(np.maximum(errors, 0.0))


def _widths(most: int) -> list[int]:
    """Return 1, 2, 3, 4, 6, 8, 10, 14, 20, 30, 40, 60, 80, 100, 140, ... up to the most."""
    scales = [10**power for power in range(len(str(max(most, 1))))]
    steps = {tenths * scale // 10 for tenths in STEPS_OF_A_DECADE for scale in scales}
    return sorted(width for width in steps if 1 <= width <= most)


def _cumulative(values: FloatArray) -> FloatArray:
    return np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
