"""The few cells in which two distributions are compared: deciles, or the main categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

__all__ = [
    "MAX_CATEGORY_CELLS",
    "category_counts",
    "cells_of_halves",
    "choose_cells",
    "decile_starts",
]

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


def choose_cells(keys: Sequence[str | None]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the categories that are a cell each, and the reference's rows in each cell.

    Up to 20 categories are a cell each. Of more, the most frequent 20 of every other row are, and
    the rows between are counted: the frequent ones of the same rows are partly so by chance, and a
    test against their counts would raise false alarms.

    Args:
        keys: one category a row, None where the row has none.

    Returns:
        The names, most frequent first; and their counts, followed by that of all the rest.

    >>> choose_cells(["a", "b", None, "a"])
    (('a', 'b'), (2, 1, 0))
    """
    halves = [Counter(key for key in half if key is not None) for half in (keys[::2], keys[1::2])]
    return cells_of_halves(*halves)


def cells_of_halves(
    even: Mapping[str, int], odd: Mapping[str, int]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return what `choose_cells` does, from counts of every other row and of those between.

    >>> cells_of_halves({"a": 2}, {"b": 1})
    (('a', 'b'), (2, 1, 0))
    """
    both = Counter(even) + Counter(odd)
    many = len(both) > MAX_CATEGORY_CELLS
    frequency, counts = (even, odd) if many else (both, both)
    ranked = sorted(frequency, key=lambda name: (-frequency[name], name))
    names = tuple(ranked[:MAX_CATEGORY_CELLS])
    return names, tuple(category_counts(counts, sum(counts.values()), names).tolist())


def category_counts(counts: Mapping[str, int], total: int, names: Sequence[str]) -> IntArray:
    """Return counts of the named categories and of all the rest, shape (len(names) + 1,).

    >>> category_counts({"a": 3, "b": 2, "new": 1}, 7, ["a", "b"]).tolist()
    [3, 2, 2]
    """
    named = [counts.get(name, 0) for name in names]
    return np.array([*named, total - sum(named)], dtype=np.int64)
