"""The law of a statistic when rows come in clusters, learned from blocks of the reference.

A statistic has a law on independent rows. Blocks of the reference, in time order, show by which
factor phi(n) its variance is larger, and how the *normal scores* of the so scaled statistic (the
normal deviate of equal chance) spread about those of independent rows: their mean and standard
deviation take the place of 0 and 1, and Student's law that of the normal one. Scaling by phi is
the first-order correction of Rao and Scott (1981); the scores are a second-order one that holds
for any statistic, its tail included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["BlockLaw", "BlockSample", "JointEffect", "fit_block_law", "normal_scores"]

FloatArray = npt.NDArray[np.float64]

SMALLEST_CHANCE = 1e-300
"""Chances below are taken for this one: its normal deviate, 37, is still exact."""
DEPENDENCE_Z = 2.0
"""Blocks within this many standard errors of independent rows' law show nothing to correct."""
MOST_DEGREES = 1e6
"""Of as many degrees of freedom Student's law is the normal one."""
SHAPE_Z = 2.5
"""The like for the scores' mean and spread, which are looked at at every size."""
BLOCKS_FOR_TAIL = 128
"""Fewer blocks do not tell the tail: their scores spread at least as those of the last size that
has so many, as sums of more rows have the lighter tails."""
TAIL = 0.02
"""The upper tail is measured at the deviate that this share of blocks exceeds."""
TAIL_ERROR = 1.4
"""Times 1 / sqrt(blocks): the standard error of the spread by that tail."""
FEWEST_BLOCKS_FOR_SHAPE = 40
"""From fewer blocks the scores' mean and deviation are those of the next smaller size."""
OVERLAP_GAIN = 4 / 3
"""Blocks that overlap by half are worth this many times as many that do not (Welch, 1967)."""


@dataclass(frozen=True)
class BlockLaw:
    """What clusters and tails do to one statistic, at several window sizes.

    Attributes:
        sizes: rows, increasing; empty where rows are as independent ones, or were too few.
        phi: the factor of the variance at each size, 1 or more.
        center: the mean of the normal scores at each size; 0 on independent rows.
        spread: their standard deviation; 1 on independent rows.
        degrees: of freedom of the Student law that the scores then have: how well the blocks
            tell the other three.
    """

    sizes: tuple[int, ...] = ()
    phi: tuple[float, ...] = ()
    center: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()
    degrees: tuple[float, ...] = ()

    def phi_at(self, rows: float) -> float:
        """Return phi for so many rows, linear in the logarithms.

        Beyond the last size it goes on with the slope of the last two doublings, which lies
        between 0 (blocks longer than the dependence) and 1 (one level a block, however long).
        """
        if not self.sizes:
            return 1.0
        x, y = np.log(self.sizes), np.log(self.phi)
        at = math.log(max(rows, 1.0))
        if at <= x[-1] or len(x) < 2:
            return float(np.exp(np.interp(at, x, y)))
        back = max(len(x) - 5, 0)
        slope = float(np.clip((y[-1] - y[back]) / (x[-1] - x[back]), 0.0, 1.0))
        return float(np.exp(y[-1] + slope * (at - x[-1])))

    def variance(self, rows: float, reference_rows: float, lost: float = 0.0) -> float:
        """Return phi(n) / (n - lost) + phi(m) / (m - lost), a difference's variance."""
        return self.phi_at(rows) / (rows - lost) + self.phi_at(reference_rows) / (
            reference_rows - lost
        )

    def deviate(self, score: float, rows: float, reference_rows: float) -> tuple[float, float]:
        """Return a score as a deviate of Student's law, and its degrees of freedom.

        Args:
            score: the normal score of the statistic, already scaled by `variance`.
            rows: n, of the window.
            reference_rows: m, of the reference.
        """
        if not self.sizes:
            return score, math.inf
        x = np.log(self.sizes)
        at = math.log(1 / (1 / rows + 1 / reference_rows))
        center, spread, degrees = (
            float(np.interp(at, x, y)) for y in (self.center, self.spread, self.degrees)
        )
        return (score - center) / (spread * math.sqrt(1 + 1 / (degrees + 1))), degrees

    def p_value(
        self, score: float, rows: float, reference_rows: float, *, two_sided: bool = False
    ) -> float:
        """Return the chance of a larger score (of one as far off, where `two_sided`)."""
        from scipy import special  # a watched service loads this module, and never calls this

        at, degrees = self.deviate(score, rows, reference_rows)
        at = abs(at) if two_sided else at
        normal = degrees >= MOST_DEGREES
        chance = special.ndtr(-at) if normal else special.stdtr(degrees, -at)
        return min(float(chance) * (2 if two_sided else 1), 1.0)


@dataclass(frozen=True)
class JointEffect:
    """What clusters and tails do to the statistics of several features together. Some 2 kB.

    The default is the law of independent normal rows.

    Attributes:
        correlation: the law of the largest studentised change of a correlation.
        correlation_noise: for each of all d features, the factor by which its correlations vary
            more than others'; empty where all are alike. A pair has the product of its two.
        mean: the law of Hotelling's statistic.
        reconstruction: the law of the mean reconstruction error.
        error_excess: the error of rows of the reference by components fitted to the others, over
            that by components fitted to all; None where it is unknown.
        error_variation: the squared coefficient of variation of a row's error, likewise.
        gaussian_kl: the law of the divergence of two normal laws.
    """

    correlation: BlockLaw = field(default_factory=BlockLaw)
    correlation_noise: tuple[float, ...] = ()
    mean: BlockLaw = field(default_factory=BlockLaw)
    reconstruction: BlockLaw = field(default_factory=BlockLaw)
    error_excess: float | None = None
    error_variation: float | None = None
    gaussian_kl: BlockLaw = field(default_factory=BlockLaw)

    def independent_rows(self, rows: int) -> float:
        """Return how many independent rows tell the means as well as so many of the reference."""
        return rows / self.mean.phi_at(rows)


@dataclass(frozen=True)
class BlockSample:
    """The blocks of one size.

    Attributes:
        rows: of each block.
        blocks: how many separate ones fit into the reference.
        ratios: each block's squared statistic over its mean on independent rows.
        degrees: the degrees of freedom of such a ratio.
        scores: the blocks' normal scores, given phi.
    """

    rows: int
    blocks: float
    ratios: FloatArray
    degrees: float
    scores: Callable[[float], FloatArray]


def fit_block_law(samples: Iterable[BlockSample]) -> BlockLaw:
    """Return the law that the blocks of increasing sizes show.

    Sizes whose blocks are as those of independent rows, before any that are not, are given phi 1,
    center 0 and spread 1; if all are, the law is the empty one.
    """
    dependent = departing = False
    shape, certain, least = (0.0, 1.0), math.inf, 1.0
    table: list[tuple[int, float, float, float, float]] = []
    for sample in samples:
        worth = sample.blocks * OVERLAP_GAIN
        phi = max(float(sample.ratios.mean()), 1.0)
        error = math.sqrt(2 / (sample.degrees * worth))
        dependent = dependent or phi > 1 + DEPENDENCE_Z * error
        phi = phi if dependent else 1.0
        if sample.blocks >= FEWEST_BLOCKS_FOR_SHAPE or not table:
            found = _shape(sample.scores(phi), worth)
            departing = departing or dependent or _departs(found, worth)
            if departing:
                least = found[1] if sample.blocks >= BLOCKS_FOR_TAIL else least
                shape, certain = (found[0], max(found[1], least)), worth
        degrees = min(certain, worth * _degrees(sample)) - 1 if dependent else certain - 1
        table.append((sample.rows, phi, *shape, min(degrees, MOST_DEGREES)))
    return BlockLaw(*zip(*table, strict=True)) if dependent or departing else BlockLaw()


def _shape(scores: FloatArray, worth: float) -> tuple[float, float]:
    """Return the scores' mean, and the larger of their deviation and that of their upper tail."""
    from scipy import special

    center = float(scores.mean())
    beyond = max(TAIL, 3 / worth)
    tail = (float(np.quantile(scores, 1 - beyond)) - center) / float(special.ndtri(1 - beyond))
    return center, max(float(scores.std(ddof=1)), tail, 1.0)


def _degrees(sample: BlockSample) -> float:
    """Return the degrees of freedom of a block's ratio by its variance (Satterthwaite, 1946)."""
    variance = float(sample.ratios.var())
    if variance <= 0:
        return sample.degrees
    found = 2 * float(sample.ratios.mean()) ** 2 / variance
    return min(max(found, 1.0), max(sample.degrees, 1.0))


def _departs(shape: tuple[float, float], blocks: float) -> bool:
    off_center, off_spread = abs(shape[0]), abs(shape[1] - 1) / TAIL_ERROR
    return max(off_center, off_spread) * math.sqrt(blocks) > SHAPE_Z


def normal_scores(chances: npt.ArrayLike) -> FloatArray:
    """Return the normal deviates that are exceeded with these chances.

    >>> normal_scores([0.5, 0.05]).round(3).tolist()
    [-0.0, 1.645]
    """
    from scipy import special

    inside = np.clip(np.asarray(chances, dtype=np.float64), SMALLEST_CHANCE, 1 - 1e-16)
    return np.asarray(-special.ndtri(inside), dtype=np.float64)
