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

__all__ = ["ValueEffects", "fit_value_effects"]

FloatArray = npt.NDArray[np.float64]


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


def fit_value_effects(
    blocks: npt.NDArray[np.int64],
    starts: npt.NDArray[np.intp],
    expected: FloatArray | None = None,
) -> ValueEffects:
    """Measure the design effects of a numeric column on its own blocks.

    Args:
        blocks: counts of `count_blocks` on ordered bins, shape (blocks, bins).
        starts: at which bin each cell begins, as `decile_starts` returns.
        expected: what is expected of each block given when it came, same shape; the shares of the
            whole where None.

    Returns:
        Curves over block sizes of 50, 100, 200, 500, ... rows with at least 8 blocks each.
    """
    whole = blocks.sum(axis=0, dtype=np.float64)
    total = float(whole.sum())
    if np.count_nonzero(whole) < 2:
        return ValueEffects()
    if expected is None:
        expected = blocks.sum(axis=1, keepdims=True) * (whole / total)
    scores = normal_scores(whole)
    in_cells: list[tuple[int, FloatArray]] = []
    steps: list[tuple[int, FloatArray]] = []
    shifts: list[tuple[int, FloatArray]] = []
    for size, counts, means in _filled(blocks, expected):
        rows = counts.sum(axis=1)
        part = rows / (1 - rows / total)
        difference = (counts - means) / rows[:, None]
        steps.append((size, np.abs(np.cumsum(difference, axis=1)).max(axis=1) ** 2 * part))
        shifts.append((size, (difference @ scores) ** 2 * part))
        cells = [np.add.reduceat(side, starts, axis=1) for side in (counts, means)]
        in_cells.append((size, chi_square_of_blocks(cells[0], cells[1], total)))
    degrees = float(np.count_nonzero(np.add.reduceat(whole, starts)) - 1)
    return ValueEffects(
        cells=fit_effect_of_blocks(in_cells, degrees) if degrees else DesignEffect(),
        ks=fit_effect_of_blocks(
            ((size, found / KOLMOGOROV_MEAN_SQUARE) for size, found in steps), KOLMOGOROV_NU
        ),
        location=fit_effect_of_blocks(shifts, INDEPENDENT_NU),
    )


def _filled(
    blocks: npt.NDArray[np.int64], expected: FloatArray
) -> Iterator[tuple[int, FloatArray, FloatArray]]:
    """Yield sizes, counts and expectations of the blocks that hold a value."""
    for size, (counts, means) in larger_blocks(blocks, expected):
        filled = counts.any(axis=1)
        yield size, counts[filled], means[filled]
