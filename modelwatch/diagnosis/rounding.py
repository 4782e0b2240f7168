"""Values that fall on a coarser grid than the baseline's: rounding, or whole numbers for any.

Three traces are left in a summary. Bins between two grid points become empty: seen where the grid
is coarser than the bins. Minimum and maximum are multiples of the step. And the sums of values and
of squares are whole in units of the step, which the moments tell as long as their digits do: up to
some 10,000 rows of values of 1,000 steps. Where neither the bins nor the sums resolve the step, as
for a step of .01 on values in millions, rounding leaves no trace here and is not named; a column
that was already rounded in part is not, either.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.diagnosis.agreement import Comparison
from modelwatch.diagnosis.cause import Cause
from modelwatch.diagnosis.whole_multiples import (
    are_multiples,
    ends_are_multiples,
    sums_are_multiples,
)

__all__ = ["rounding"]

FloatArray = npt.NDArray[np.float64]

STEPS = tuple(m * 10.0**k for k in range(6, -7, -1) for m in (5.0, 2.5, 2.0, 1.0))
"""Tried from the largest on."""

SMALLEST_STEP, LARGEST_STEP = 0.003, 3.0
"""In standard deviations of the reference: a finer grid hardly matters, a coarser one leaves two
values at best."""

FEWEST_CELLS = 3
"""Grid points within the current range."""

SEEN_SHARE = 0.05
"""Share of the reference between grid points from which their emptiness tells something."""

FEWEST_EXPECTED = 20.0
"""And how many rows were expected there."""

COARSENING = 20.0
"""Where only the sums tell of a step, it must be this many times the reference's own: minimum,
maximum and both sums fall on the coarser one by a chance of some 1 in 100,000."""

SEEN = 0.8
"""Evidence of a grid that the bins show, whatever else drifted."""

POINTS_PER_BIN = 5
"""From so many grid points a bin on, the sums alone are asked."""

EMPTY_SHARE = 0.002
MISFIT = 0.1
"""How much the distribution functions may differ, each value moved by up to a step."""


def rounding(data: Comparison) -> Cause | None:
    """Name the step of a grid that the current values lie on and the reference's do not."""
    for step in STEPS:
        if not SMALLEST_STEP <= step / data.a.standard_deviation <= LARGEST_STEP:
            continue
        if not ends_are_multiples(data.b, step):
            continue
        if data.b.maximum - data.b.minimum < (FEWEST_CELLS - 1) * step * 0.999:
            continue
        cause = _rounded(data, step)
        if cause is not None:
            return cause
    return None


def _rounded(data: Comparison, step: float) -> Cause | None:
    before, now, anywhere = _between_grid_points(data, step)
    seen = before >= SEEN_SHARE and before * data.b.n >= FEWEST_EXPECTED
    if (seen and now > EMPTY_SHARE) or sums_are_multiples(data.b, step) is False:
        return None
    if not seen and (
        anywhere or not _is_finer_than_bins(data, step) or not _is_told_by_sums(data, step)
    ):
        return None
    misfit = _misfit(data, step)
    if misfit > MISFIT + data.noise and not (seen and data.is_plausible(1.0)):
        return None
    kind = "whole numbers" if step == 1.0 else f"multiples of {step:g}"
    figure = f": {before:.1%} of the baseline's lie between them, {now:.1%} now" if seen else ""
    text = f"all values are {kind} (rounded or of another type){figure}"
    return Cause(
        name="rounding", text=text, evidence=max(1.0 - misfit, SEEN) if seen else 1.0 - misfit
    )


def _is_told_by_sums(data: Comparison, step: float) -> bool:
    return sums_are_multiples(data.b, step) is True and _is_finer(data, step)


def _is_finer_than_bins(data: Comparison, step: float) -> bool:
    """Tell whether there are so many grid points a bin that bins tell nothing of them."""
    edges = data.x.bin_edges
    bins = np.count_nonzero((edges >= data.b.minimum) & (edges <= data.b.maximum)) + 1
    return bool((data.b.maximum - data.b.minimum) / step >= POINTS_PER_BIN * bins)


def _is_finer(data: Comparison, step: float) -> bool:
    """Tell whether the reference's own step is so much finer that no chance makes up for it."""
    if are_multiples(data.a, step):
        return False
    if data.step is not None:
        return data.step * COARSENING <= step
    return not ends_are_multiples(data.a, step) or sums_are_multiples(data.a, step) is False


def _between_grid_points(data: Comparison, step: float) -> tuple[float, float, bool]:
    """Return both sides' share of values in bins without a grid point, and whether there are any.

    For the shares, only bins inside the current range count: where values no longer reach, all are
    empty.
    """
    edges = data.x.bin_edges
    low, high = edges[:-1], edges[1:]
    slack = 1e-9 * np.maximum(np.abs(high), step)
    holds = np.floor((high + slack) / step) > np.floor((low - slack) / step)
    surely_holds = np.floor((high + slack) / step) > np.floor((low + slack) / step)
    inside = (low >= data.b.minimum - step) & (high <= data.b.maximum + step)
    without = ~holds & inside
    p = data.x.counts[1:-1] / data.x.total
    q = data.y.counts[1:-1] / data.y.total
    return float(p[without].sum()), float(q[without].sum()), bool(p[~surely_holds].any())


def _misfit(data: Comparison, step: float) -> float:
    """Return by how much the current function leaves the reference's, moved by a step each way."""
    edges = data.x.bin_edges
    heights = data.x.cumulative_share()
    now = data.y.cumulative_share()
    above = np.concatenate([heights, [1.0]])[np.searchsorted(edges, edges + step, side="left")]
    places = np.searchsorted(edges, edges - step, side="right")
    below = np.concatenate([[0.0], heights])[places]
    return float(np.maximum(now - above, below - now).max(initial=0.0))
