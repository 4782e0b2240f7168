"""Means and co-moments of several numeric features together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ProfileMismatch

__all__ = ["JointMoments"]

FloatArray = npt.NDArray[np.float64]

PRODUCTS_AT_ONCE = 200_000
"""Multiplications that BLAS does on the calling thread. Beyond some 260,000 it wakes threads of
its own, which wait for each other on a busy machine: 20 us of work then took up to 30 ms."""


class JointMoments:
    """Count, means and co-moments (sums of products of deviations) of the rows without a gap.

    Kept relative to `shift`, for which the baseline's means serve, and merged by the update of
    Chan, Golub and LeVeque (1979). Memory: 8 * d**2 bytes. Not thread-safe.

    Args:
        names: the d features.
        shift: shape (d,).

    >>> joint = JointMoments(["x", "y"], np.zeros(2))
    >>> joint.update(np.array([[1.0, 2.0], [3.0, 6.0], [np.nan, 0.0]]))
    >>> joint.n, joint.m2.tolist()
    (2, [[2.0, 4.0], [4.0, 8.0]])
    """

    __slots__ = ("m2", "mean_offset", "n", "names", "shift")

    def __init__(
        self,
        names: Sequence[str],
        shift: FloatArray,
        *,
        n: int = 0,
        mean_offset: FloatArray | None = None,
        m2: FloatArray | None = None,
    ) -> None:
        size = len(names)
        self.names = tuple(names)
        self.shift = np.asarray(shift, dtype=np.float64)
        self.n = n
        self.mean_offset = np.zeros(size) if mean_offset is None else np.asarray(mean_offset)
        self.m2 = np.zeros((size, size)) if m2 is None else np.asarray(m2)
        shapes = (self.shift.shape, self.mean_offset.shape, self.m2.shape)
        if shapes != ((size,), (size,), (size, size)):
            raise ProfileMismatch(f"{size} features need moments of that size, got {shapes}.")

    def update(self, rows: FloatArray) -> None:
        """Fold in rows, shape (n, d); rows with a NaN are passed over."""
        self.update_columns(rows.T)

    def update_columns(self, columns: Sequence[FloatArray] | FloatArray) -> None:
        """Fold in d columns of n rows each; rows with a NaN are passed over."""
        size = len(self.names)
        rows = columns[0].size if size else 0
        step = max(PRODUCTS_AT_ONCE // max(size, 1) ** 2, 1)
        block = np.empty((size, min(step, rows)))
        for start in range(0, rows, step):
            part = block[:, : min(step, rows - start)]
            for row, column, shift in zip(part, columns, self.shift, strict=True):
                np.subtract(column[start : start + step], shift, out=row)
            self._update(part)

    def _update(self, offsets: FloatArray) -> None:
        """Fold in a few rows, of which shape (d, n) has the offsets from the shift."""
        sums = np.add.reduce(offsets, axis=1)
        if np.isnan(sums).any():
            offsets = offsets[:, ~np.isnan(offsets).any(axis=0)]
            sums = np.add.reduce(offsets, axis=1)
        rows = offsets.shape[1]
        if rows:
            mean = sums / rows
            residuals = offsets - mean[:, np.newaxis]
            self._add(rows, mean, residuals @ residuals.T)

    def merge(self, other: JointMoments) -> JointMoments:
        """Return the moments of both, about this one's shift.

        Raises:
            ProfileMismatch: where the features differ.
        """
        if self.names != other.names:
            raise ProfileMismatch(f"joint moments of {self.names} and {other.names} differ.")
        result = JointMoments(self.names, self.shift)
        result._add(self.n, self.mean_offset, self.m2)
        result._add(other.n, other.mean_offset + (other.shift - self.shift), other.m2)
        return result

    def without(self, part: JointMoments) -> JointMoments:
        """Return the moments of the rest, of which `merge` with the part would give these.

        Raises:
            ProfileMismatch: where the features differ, or the part has more rows.
        """
        n = self.n - part.n
        if self.names != part.names or n < 0:
            raise ProfileMismatch(
                f"{part.n} rows of {part.names} cannot be taken from {self.n} of {self.names}."
            )
        result = JointMoments(self.names, self.shift, n=n)
        if n:
            delta = part.mean_offset + (part.shift - self.shift) - self.mean_offset
            result.mean_offset = self.mean_offset - delta * (part.n / n)
        if n > 1:
            result.m2 = self.m2 - part.m2 - np.outer(delta, delta) * (self.n * part.n / n)
            np.fill_diagonal(result.m2, np.maximum(result.m2.diagonal(), 0.0))
        return result

    def fold_in(self, n: int, means: FloatArray, m2: FloatArray) -> None:
        """Fold in the moments of other rows.

        Args:
            n: how many rows.
            means: shape (d,).
            m2: co-moments, shape (d, d).
        """
        self._add(n, means - self.shift, m2)

    def _add(self, n: int, mean_offset: FloatArray, m2: FloatArray) -> None:
        if not n:
            return
        total = self.n + n
        delta = mean_offset - self.mean_offset
        self.m2 = self.m2 + m2 + np.outer(delta, delta) * (self.n * n / total)
        self.mean_offset = self.mean_offset + delta * (n / total)
        self.n = total
