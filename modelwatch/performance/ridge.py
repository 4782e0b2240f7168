"""Ridge regression from sums of products, its penalty chosen by leaving parts out in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.performance.quadratic_moments import quadratic_terms

__all__ = ["PARTS", "PENALTIES", "Products", "cross_validated"]

FloatArray = npt.NDArray[np.float64]

PARTS = 10
"""Contiguous parts of the rows, each left out in turn."""

PENALTIES = (1e-6, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 1e2, 1e9)
"""Ridge penalties per row that are tried; the last leaves the mean loss alone."""

ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, eq=False)
class Products:
    """Sums of products of terms and losses: all that a least-squares fit needs."""

    rows: int
    of_terms: FloatArray
    with_terms: FloatArray
    of_losses: FloatArray

    @classmethod
    def of(cls, z: FloatArray, losses: FloatArray) -> Products:
        """Return the sums over rows, z of shape (n, d) and losses of shape (n, losses)."""
        size = 1 + z.shape[1] * (z.shape[1] + 3) // 2
        of_terms, with_terms = np.zeros((size, size)), np.zeros((size, losses.shape[1]))
        for start in range(0, z.shape[0], ROWS_AT_ONCE):
            terms = quadratic_terms(z[start : start + ROWS_AT_ONCE])
            of_terms += terms.T @ terms
            with_terms += terms.T @ losses[start : start + ROWS_AT_ONCE]
        return cls(z.shape[0], of_terms, with_terms, np.square(losses).sum(axis=0))

    @classmethod
    def sum(cls, parts: Sequence[Products]) -> Products:
        """Return the sums over all parts."""
        return cls(
            sum(part.rows for part in parts),
            np.sum([part.of_terms for part in parts], axis=0),
            np.sum([part.with_terms for part in parts], axis=0),
            np.sum([part.of_losses for part in parts], axis=0),
        )

    def solve(self) -> FloatArray:
        """Return the coefficients at each penalty, shape (penalties, terms, losses).

        Terms are centred, so that the mean loss is not shrunk.
        """
        mean = self.of_terms[0] / self.rows
        loss = self.with_terms[0] / self.rows
        gram = self.of_terms[1:, 1:] / self.rows - np.outer(mean[1:], mean[1:])
        cross = self.with_terms[1:] / self.rows - np.outer(mean[1:], loss)
        values, vectors = np.linalg.eigh(gram)
        turned = vectors.T @ cross
        result = np.empty((len(PENALTIES), mean.size, loss.size))
        for at, penalty in enumerate(PENALTIES):
            slopes = vectors @ (turned / (np.maximum(values, 0.0) + penalty)[:, None])
            result[at] = np.vstack([loss - mean[1:] @ slopes, slopes])
        return result

    def squared_errors(self, coefficients: FloatArray) -> FloatArray:
        """Return the sum of squared errors of each loss, coefficients of shape (losses, terms)."""
        cross = (coefficients * self.with_terms.T).sum(axis=1)
        fitted = ((coefficients @ self.of_terms) * coefficients).sum(axis=1)
        left = np.maximum(self.of_losses - 2 * cross + fitted, 0.0)
        return np.asarray(left, dtype=np.float64)


def cross_validated(parts: Sequence[Products]) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Return the fits without each part at the best penalty, and its index for each loss."""
    fits, errors = [], np.zeros((len(PENALTIES), 2))
    for left_out in range(len(parts)):
        rest = [part for at, part in enumerate(parts) if at != left_out]
        fit = Products.sum(rest).solve()
        errors += [parts[left_out].squared_errors(one.T) for one in fit]
        fits.append(fit)
    best = errors.argmin(axis=0)
    return np.stack([fit[best, :, [0, 1]] for fit in fits]), best
