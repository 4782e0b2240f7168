"""The few cells in which two distributions are compared: deciles, or the main categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_CATEGORY_CELLS", "category_counts", "decile_starts", "main_categories"]

DECILES = 10
"""The limits in common use for the population stability index assume this many cells."""

MAX_CATEGORY_CELLS = 20
"""The most frequent categories are a cell each, the rest one more."""

IntArray = npt.NDArray[np.int64]


def decile_starts(reference: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Return at which bin each decile of the reference begins, for `numpy.add.reduceat`.

    Where at most ten bins hold values, each bin is a cell of its own.

    Args:
        reference: counts on ordered bins, shape (bins,).

    >>> decile_starts([0] + [5] * 20 + [0]).tolist()
    [0, 3, 5, 7, 9, 11, 13, 15, 17, 19]
    """
    counts = np.asarray(reference, dtype=np.int64)
    if np.count_nonzero(counts) <= DECILES:
        return np.arange(counts.size)
    heights = np.cumsum(counts[:-1]) / counts.sum()
    targets = np.arange(1, DECILES) / DECILES
    nearest = np.abs(heights[None, :] - targets[:, None]).argmin(axis=1)
    inner = nearest[(heights[nearest] > 0) & (heights[nearest] < 1)]
    return np.unique(np.concatenate([[0], inner + 1]))


def main_categories(reference: Mapping[str, int]) -> tuple[str, ...]:
    """Return the most frequent categories, most frequent first, ties by name."""
    ranked = sorted(reference, key=lambda name: (-reference[name], name))
    return tuple(ranked[:MAX_CATEGORY_CELLS])


def category_counts(counts: Mapping[str, int], total: int, names: Sequence[str]) -> IntArray:
    """Return counts of the named categories and of all the rest, shape (len(names) + 1,).

    >>> category_counts({"a": 3, "b": 2, "new": 1}, 7, ["a", "b"]).tolist()
    [3, 2, 2]
    """
    named = [counts.get(name, 0) for name in names]
    return np.array([*named, total - sum(named)], dtype=np.int64)
