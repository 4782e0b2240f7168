"""Measures how much the values of one feature vary between blocks, by each statistic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.blocks import larger_blocks
from modelwatch.comparisons.cells import decile_starts
from modelwatch.comparisons.design_effect import (
    DesignEffect,
    chi_square_of_blocks,
    fit_effect_of_blocks,
)
from modelwatch.comparisons.ks import KOLMOGOROV_MEAN_SQUARE, KOLMOGOROV_NU
from modelwatch.comparisons.location import INDEPENDENT_NU, normal_scores
from modelwatch.comparisons.value_effects import ValueEffects

__all__ = ["SeasonTable", "fit_pooled_effects", "fit_value_effects"]

FloatArray = npt.NDArray[np.float64]
Statistics = list[tuple[int, FloatArray]]

SMALLEST_SEASONAL = 0.05
"""Least design effect of rows that are compared with their season."""

LARGEST_SHARE = 0.5
"""A block that makes up more than this of its season is not compared with it."""


@dataclass(frozen=True)
class SeasonTable:
    """What is expected of a block given when it came.

    Attributes:
        composition: rows of each of the smallest blocks by season, shape (blocks, seasons).
        counts: values of each season in all the data, shape (seasons, bins).
    """

    composition: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


def fit_value_effects(
    blocks: npt.NDArray[np.int64],
    starts: npt.NDArray[np.intp],
    seasons: SeasonTable | None = None,
    *,
    ordered: bool = True,
) -> ValueEffects:
    """Measure the design effects of a column on its own blocks.

    Args:
        blocks: counts of `count_blocks`, shape (blocks, bins).
        starts: at which bin each cell begins, as `decile_starts` returns.
        seasons: the seasons that blocks are compared with; with the whole where None.
        ordered: whether the bins have an order, as those of numbers have.

    Returns:
        Curves over block sizes of 50, 100, 200, 500, ... rows with at least 8 blocks each. Of
        seasons phi may lie below 1: rows spread evenly over them vary less than random ones.
    """
    whole = blocks.sum(axis=0, dtype=np.float64)
    if np.count_nonzero(whole) < 2:
        return ValueEffects()
    if seasons is None:
        rows = blocks.sum(axis=1, keepdims=True)
        seasons = SeasonTable(rows, whole[None, :].astype(np.int64))
        least = 1.0
    else:
        least = SMALLEST_SEASONAL
    found = _statistics(blocks, starts, seasons, normal_scores(whole) if ordered else None)
    degrees = float(np.count_nonzero(np.add.reduceat(whole, starts)) - 1)
    return ValueEffects(
        cells=fit_effect_of_blocks(found.cells, degrees, least) if degrees else DesignEffect(),
        ks=fit_effect_of_blocks(found.ks, KOLMOGOROV_NU, least),
        location=fit_effect_of_blocks(found.location, INDEPENDENT_NU, least),
    )


def fit_pooled_effects(
    parts: Iterable[npt.NDArray[np.int64]], *, ordered: bool = True
) -> ValueEffects:
    """Measure the design effects of a column on the blocks of several streams together.

    Args:
        parts: counts of `count_blocks` of each stream, shape (blocks, bins).
        ordered: whether the bins have an order: cells are then each stream's own deciles.

    Returns:
        How much a stream's blocks stray from that stream, on average over all blocks of a size.
        Streams that differ in it make its variance larger, and so the tests more careful.
    """
    pooled = _Statistics()
    degrees = 1.0
    for blocks in parts:
        whole = blocks.sum(axis=0, dtype=np.int64)
        starts = decile_starts(whole) if ordered and whole.any() else np.arange(whole.size)
        used = np.count_nonzero(np.add.reduceat(whole, starts))
        if used > 1:
            degrees = max(degrees, used - 1.0)
            seasons = SeasonTable(blocks.sum(axis=1, keepdims=True), whole[None, :])
            scores = normal_scores(whole) if ordered else None
            pooled.add(_statistics(blocks, starts, seasons, scores))
    return ValueEffects(
        cells=fit_effect_of_blocks(pooled.joined("cells"), degrees),
        ks=fit_effect_of_blocks(pooled.joined("ks"), KOLMOGOROV_NU),
        location=fit_effect_of_blocks(pooled.joined("location"), INDEPENDENT_NU),
    )


@dataclass(frozen=True)
class _Statistics:
    """What the blocks' statistics are, by block size; each of mean 1 for independent rows."""

    cells: Statistics = field(default_factory=list)
    ks: Statistics = field(default_factory=list)
    location: Statistics = field(default_factory=list)

    def add(self, other: _Statistics) -> None:
        self.cells.extend(other.cells)
        self.ks.extend(other.ks)
        self.location.extend(other.location)

    def joined(self, name: Literal["cells", "ks", "location"]) -> Statistics:
        """Return one of them, all blocks of a size together, by increasing size."""
        by_size: dict[int, list[FloatArray]] = {}
        for size, values in getattr(self, name):
            by_size.setdefault(size, []).append(values)
        return [(size, np.concatenate(by_size[size])) for size in sorted(by_size)]


def _statistics(
    blocks: npt.NDArray[np.int64],
    starts: npt.NDArray[np.intp],
    seasons: SeasonTable,
    scores: FloatArray | None,
) -> _Statistics:
    """Return the statistics of one stream; `scores` are None where bins have no order."""
    found = _Statistics()
    for block in _blocks(blocks, seasons):
        cells = [np.add.reduceat(side, starts, axis=1) for side in (block.counts, block.expected)]
        found.cells.append((block.size, chi_square_of_blocks(cells[0], cells[1], block.share)))
        if scores is not None:
            difference = (block.counts - block.expected) / block.rows[:, None]
            part = block.rows / (1 - block.share)
            largest = np.abs(np.cumsum(difference, axis=1)).max(axis=1)
            found.ks.append((block.size, largest**2 * part / KOLMOGOROV_MEAN_SQUARE))
            found.location.append((block.size, (difference @ scores) ** 2 * part))
    return found


@dataclass(frozen=True)
class _Blocks:
    """Blocks of one size that hold a value: what is counted and expected of them."""

    size: int
    counts: FloatArray
    expected: FloatArray
    share: FloatArray
    """How much of the data that a block is compared with is the block itself."""

    @property
    def rows(self) -> FloatArray:
        return np.asarray(self.counts.sum(axis=1))


def _blocks(blocks: npt.NDArray[np.int64], seasons: SeasonTable) -> Iterator[_Blocks]:
    of_season = np.maximum(seasons.counts.sum(axis=1), 1).astype(np.float64)
    distributions = seasons.counts / of_season[:, None]
    for size, (counts, composition) in larger_blocks(blocks, seasons.composition):
        filled = counts.any(axis=1) & composition.any(axis=1)
        counts, composition = counts[filled], composition[filled]
        rows = counts.sum(axis=1)
        weights = composition / composition.sum(axis=1, keepdims=True)
        share = rows * (weights**2 / of_season).sum(axis=1)
        expected = rows[:, None] * (weights @ distributions)
        comparable = share < LARGEST_SHARE
        yield _Blocks(size, counts[comparable], expected[comparable], share[comparable])
