"""Co-moments in few digits: what a sample cannot tell of them is left out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ProfileMismatch
from modelwatch.sketches.joint_moments import PRODUCTS_AT_ONCE

__all__ = ["RoundedFactor"]

FloatArray = npt.NDArray[np.float64]

FINENESS = 2.0**-5
"""Steps are this part of the sampling error of what they round. Rounding then is off by 1/110 of
that error (root mean square), and adds 0.01% to the sampling variance; to halve a step costs up to
a bit a pair of features."""

FINEST_STEP = 2.0**-26
"""It rounds the variance along a direction that has 1e-9 of the largest one's, below which
comparisons take it for none, by 0.1% at most."""

LEAST_PIVOT = 2.0**-20
"""A feature whose deviation is less, but for what those before it explain, follows from them."""

NO_PIVOT = 2**32 - 1
MOST_MULTIPLE = 2**30


@dataclass(frozen=True, eq=False)
class RoundedFactor:
    """The Cholesky factor L of a sample's correlations, R = L L', rounded row by row.

    The square of the pivot L_ii is the part of feature i's variance that those before it do not
    explain. Row i is rounded to multiples of h L_ii with h = 2**-5 / sqrt(n), after it was written
    in terms of the rounded rows above it, and the pivot is rounded in its logarithm. What is read
    back is then L (I + F), with no entry of F above h / 2: the error is relative in every
    direction, not in every number. The variance of any linear combination of features, of nearly
    collinear ones too, is off by a share in the order of h, and so is that in a sum of such
    matrices: it holds for any number of merged windows. What is read back is positive semi-definite
    with ones on its diagonal, whatever was rounded.

    Rounding the correlations themselves, to 24 bits or to float32, is off by 6e-8 in each: more
    than all the variance along a direction that has 1e-8, whose sign it may turn.

    Attributes:
        n: rows, 1 or more.
        pivots: -ln(L_ii) / h, shape (d,), uint32; the largest one for a constant, and for a feature
            that follows from those before it.
        multiples: below the diagonal, row by row, shape (d (d - 1) / 2,), int32.

    >>> rows = np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0], [3.0, 6.0]])
    >>> residuals = rows - rows.mean(axis=0)
    >>> m2 = residuals.T @ residuals
    >>> factor = RoundedFactor.of(m2, 4)
    >>> factor.pivots.tolist(), factor.multiples.tolist()
    ([0, 125], [447])
    >>> float(m2[0, 1]), round(float(factor.m2(np.diag(m2))[0, 1]), 2)
    (8.5, 8.5)
    """

    n: int
    pivots: npt.NDArray[np.uint32]
    multiples: npt.NDArray[np.int32]

    def __post_init__(self) -> None:
        size = self.pivots.size
        if self.multiples.size != size * (size - 1) // 2:
            raise ProfileMismatch(
                f"the factor of {size} features has {size * (size - 1) // 2} numbers below its "
                f"diagonal, got {self.multiples.size}."
            )

    @classmethod
    def of(cls, m2: FloatArray, n: int) -> RoundedFactor:
        """Round the co-moments of n rows, shape (d, d), finite. O(d**3)."""
        size = len(m2)
        scale = np.sqrt(np.diag(m2))
        inverse = np.divide(1.0, scale, out=np.zeros(size), where=scale > 0)
        correlations = np.clip(m2 * inverse[:, np.newaxis] * inverse, -1.0, 1.0)
        np.fill_diagonal(correlations, scale > 0)
        factor = _cholesky(correlations)
        diagonal = np.diag(factor)
        pivots = np.full(size, NO_PIVOT, np.uint32)
        is_free = diagonal > 0
        pivots[is_free] = np.rint(-np.log(diagonal[is_free]) / _fineness(n))
        multiples = _multiples(factor, _diagonal(pivots, n), _steps(pivots, n))
        return cls(n, pivots, multiples[np.tril_indices(size, -1)].astype(np.int32))

    def m2(self, squares: FloatArray) -> FloatArray:
        """Return the co-moments, of which `squares`, 0 or more, is the diagonal, shape (d,)."""
        size = self.pivots.size
        factor = np.zeros((size, size))
        factor[np.tril_indices(size, -1)] = self.multiples
        factor *= _steps(self.pivots, self.n)[:, np.newaxis]
        np.fill_diagonal(factor, _diagonal(self.pivots, self.n))
        norms = np.sqrt(np.square(factor).sum(axis=1))
        scale = np.divide(np.sqrt(squares), norms, out=np.zeros(size), where=norms > 0)
        factor *= scale[:, np.newaxis]
        found = _gram(factor)
        np.fill_diagonal(found, squares)
        return found


def _fineness(n: int) -> float:
    return max(FINENESS / math.sqrt(n), FINEST_STEP)


def _diagonal(pivots: npt.NDArray[np.uint32], n: int) -> FloatArray:
    return np.where(pivots == NO_PIVOT, 0.0, np.exp(-_fineness(n) * pivots.astype(np.float64)))


def _steps(pivots: npt.NDArray[np.uint32], n: int) -> FloatArray:
    return np.maximum(_fineness(n) * _diagonal(pivots, n), FINEST_STEP)


def _multiples(factor: FloatArray, diagonal: FloatArray, steps: FloatArray) -> FloatArray:
    """Return each row in its steps, in terms of the rounded rows above it, not the exact ones.

    So a feature that follows from others still does once these were rounded. With L (I + F) for
    what is read back, row i of F is what rounding adds to row i, over L_ii.
    """
    multiples = np.zeros_like(factor)
    drift = np.zeros_like(factor)  # I + F
    pivots = np.diag(factor)
    np.fill_diagonal(drift, diagonal / np.where(pivots > 0, pivots, 1.0))
    for at, (pivot, step) in enumerate(zip(pivots.tolist(), steps.tolist(), strict=True)):
        exact = factor[at, :at] @ drift[:at, :at]
        row = np.rint(exact / step)
        multiples[at, :at] = row
        if pivot > 0:
            drift[at, :at] = (row * step - exact) / pivot
    return np.clip(multiples, -MOST_MULTIPLE, MOST_MULTIPLE)


def _cholesky(correlations: FloatArray) -> FloatArray:
    """Return a lower triangular factor; the column of what follows from other features is zero.

    Column by column: LAPACK wakes BLAS's threads, which costs more at these sizes than it saves,
    and it gives up where a pivot is zero.
    """
    size = len(correlations)
    factor = np.zeros((size, size))
    for at in range(size):
        rest = correlations[at:, at] - factor[at:, :at] @ factor[at, :at]
        square = float(rest[0])
        if square > LEAST_PIVOT**2:
            factor[at:, at] = rest / math.sqrt(square)
    return factor


def _gram(factor: FloatArray) -> FloatArray:
    """Return the products of all rows, a few rows at once so that BLAS keeps to this thread."""
    size = len(factor)
    step = max(PRODUCTS_AT_ONCE // max(size, 1) ** 2, 1)
    found = np.empty((size, size))
    for start in range(0, size, step):
        np.matmul(factor[start : start + step], factor.T, out=found[start : start + step])
    return found
