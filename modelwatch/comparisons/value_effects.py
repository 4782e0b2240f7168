"""How much the values of one feature vary between blocks, for each of the statistics that judge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.blocks import larger_blocks
from modelwatch.comparisons.design_effect import (
    DesignEffect,
    chi_square_of_blocks,
    fit_effect_of_blocks,
)
from modelwatch.comparisons.ks import KOLMOGOROV_MEAN_SQUARE, KOLMOGOROV_NU
from modelwatch.comparisons.location import INDEPENDENT_NU, normal_scores

__all__ = ["SeasonTable", "ValueEffects", "fit_value_effects"]

FloatArray = npt.NDArray[np.float64]
Statistics = list[tuple[int, FloatArray]]

SMALLEST_SEASONAL = 0.05
"""Least design effect of rows that are compared with their season."""

LARGEST_SHARE = 0.5
"""A block that makes up more than this of its season is not compared with it."""


@dataclass(frozen=True)
class ValueEffects:
    """Design effects of the statistics of a feature's values.

    Attributes:
        cells: of chi-square on deciles, or on the main categories.
        ks: of the squared Kolmogorov-Smirnov statistic on all bins; numbers only.
        location: of the squared mean normal score; numbers only.
    """

    cells: DesignEffect = field(default_factory=DesignEffect)
    ks: DesignEffect = field(default_factory=DesignEffect)
    location: DesignEffect = field(default_factory=DesignEffect)


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
    scores = normal_scores(whole)
    in_cells: Statistics = []
    steps: Statistics = []
    shifts: Statistics = []
    for block in _blocks(blocks, seasons):
        cells = [np.add.reduceat(side, starts, axis=1) for side in (block.counts, block.expected)]
        in_cells.append((block.size, chi_square_of_blocks(cells[0], cells[1], block.share)))
        if ordered:
            difference = (block.counts - block.expected) / block.rows[:, None]
            part = block.rows / (1 - block.share)
            largest = np.abs(np.cumsum(difference, axis=1)).max(axis=1)
            steps.append((block.size, largest**2 * part / KOLMOGOROV_MEAN_SQUARE))
            shifts.append((block.size, (difference @ scores) ** 2 * part))
    degrees = float(np.count_nonzero(np.add.reduceat(whole, starts)) - 1)
    return ValueEffects(
        cells=fit_effect_of_blocks(in_cells, degrees, least) if degrees else DesignEffect(),
        ks=fit_effect_of_blocks(steps, KOLMOGOROV_NU, least),
        location=fit_effect_of_blocks(shifts, INDEPENDENT_NU, least),
    )


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
