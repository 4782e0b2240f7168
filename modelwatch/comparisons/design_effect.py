"""How much more the blocks of a stream vary than independent rows would.

Real traffic is autocorrelated and cyclic: a window of 7,000 rows of one week's weather holds a
few dozen rows' worth of independent evidence. The reference itself, cut into blocks in time order,
tells how much: the mean of the blocks' statistics is the *design effect* at that block size, their
variance gives the degrees of freedom (Rao and Scott, 1981, 1984; Satterthwaite's second-order
correction).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.blocks import FEWEST_BLOCKS, count_blocks, larger_blocks
from modelwatch.lazy import cached_property

__all__ = [
    "DesignEffect",
    "WindowEffect",
    "clustered_tail",
    "clustered_tail_each",
    "fit_design_effect",
    "fit_effect_of_blocks",
    "fit_effect_of_counts",
]

FloatArray = npt.NDArray[np.float64]

FEWEST_BLOCKS_FOR_VARIANCE = 20
DEPENDENCE_Z = 2.0
"""Blocks whose mean lies within this many standard errors of the independent one show no
dependence: then nothing is corrected, as correcting costs power."""


@dataclass(frozen=True)
class DesignEffect:
    """The design effect phi and degrees of freedom nu of one statistic at several window sizes.

    Attributes:
        sizes: window sizes in rows, increasing; empty where the reference was too short.
        phi: at each size, above 0; 1 or more, but for rows that are compared with their season.
        nu: at each size: twice the squared mean of the blocks' statistics over their variance, at
            most what independent rows have; the last known one where the blocks were too few.
        fitted_rows: rows whose blocks showed it, where they are not those of the reference, as of a
            reference that takes the curves of an earlier one over; else 0.
    """

    sizes: tuple[int, ...] = ()
    phi: tuple[float, ...] = ()
    nu: tuple[float, ...] = ()
    fitted_rows: int = 0

    def phi_at(self, rows: float) -> float:
        """Return phi for a window of that many rows, linear in the logarithms.

        Beyond the last size it goes on with the last slope, which lies between 0 (the blocks are
        longer than the dependence) and 1 (one level a block, however long).
        """
        sizes, phi = self.sizes, self.phi
        if self.is_flat:
            return 1.0
        at = bisect_left(sizes, rows)
        if at == 0:
            return phi[0]
        if at < len(sizes):
            logs = math.log(phi[at - 1]), math.log(phi[at])
            return math.exp(_between(sizes[at - 1 : at + 1], logs, rows))
        if len(sizes) < 2:
            return phi[-1]
        slope = math.log(phi[-1] / phi[-2]) / math.log(sizes[-1] / sizes[-2])
        return float(phi[-1] * (rows / sizes[-1]) ** min(max(slope, 0.0), 1.0))

    def _phi_of_reference(self, rows: float) -> float:
        """Return `phi_at`, remembered: a reference is compared with one window after the other."""
        known: tuple[float, float] | None = vars(self).get("_reference")
        if known is None or known[0] != rows:
            known = vars(self)["_reference"] = (rows, self.phi_at(rows))
        return known[1]

    @cached_property
    def is_flat(self) -> bool:
        """Whether rows were found to be independent at every size, or nothing is known of them."""
        return all(phi == 1.0 for phi in self.phi)

    def nu_at(self, rows: float, independent: float) -> float:
        """Return the degrees of freedom for that many rows, `independent` where unknown."""
        if not self.sizes:
            return independent
        at = bisect_left(self.sizes, rows)
        if at in (0, len(self.sizes)):
            return self.nu[min(at, len(self.nu) - 1)]
        return _between(self.sizes[at - 1 : at + 1], self.nu[at - 1 : at + 1], rows)

    def between(self, current_rows: float, reference_rows: float) -> WindowEffect:
        """Return what it comes to for a window of n rows, against a reference of m.

        Args:
            current_rows: n, above 0.
            reference_rows: m, above 0.

        Where the curve was fitted on m rows, m is large, and the window's own law decides. Else the
        reference may be the smaller side, and its law does.
        """
        if self.is_flat:
            return WindowEffect(
                1 / current_rows, 1 / reference_rows, math.inf, math.inf, is_clustered=False
            )
        now, before = self.phi_at(current_rows), self._phi_of_reference(reference_rows)
        longest = self.sizes[-1] if self.sizes else reference_rows
        deciding = min(current_rows, reference_rows) if self.fitted_rows else current_rows
        fitted_rows = self.fitted_rows or reference_rows
        return WindowEffect(
            current=now / current_rows,
            reference=before / reference_rows,
            nu=self.nu_at(deciding, math.inf),
            blocks=max(fitted_rows / min(deciding, longest), 2.0),
            is_clustered=not now == before == 1.0,
        )


@dataclass(frozen=True, slots=True)
class WindowEffect:
    """The design effect of one statistic, for a window of n rows against a reference of m.

    Attributes:
        current: phi(n) / n: the inverse of the independent rows that would tell as much.
        reference: phi(m) / m.
        nu: degrees of freedom; infinite where the curve has none.
        blocks: how many blocks of the window's size the mean was taken of.
        is_clustered: whether rows tell less than independent ones, or more.
    """

    current: float
    reference: float
    nu: float
    blocks: float
    is_clustered: bool

    @property
    def noise(self) -> float:
        """The mean of the statistic, in units of its own, without any change."""
        return self.current + self.reference


def clustered_tail(ratio: float, nu: float, blocks: float) -> float:
    """Return the chance that a statistic exceeds its mean by this ratio, both known from blocks.

    The law is log-normal, of the squared coefficient of variation 2 / nu, widened by that of the
    mean, which was itself measured on so many blocks. It has nearly the same 5% points as the
    chi-square law of those moments and the longer tail that clusters have: on autoregressive
    streams of coefficient .9 and .99, undrifted windows had p < .001 in .0037 to .0058 by
    chi-square, in .0000 to .0039 by this law.

    Args:
        ratio: 0 or more.
        nu: degrees of freedom, above 0.
        blocks: how many blocks the mean was taken of, above 0.

    >>> round(clustered_tail(3.0, 9.0, 100.0), 4)
    0.0039
    """
    return float(clustered_tail_each(np.array([ratio]), np.array([nu]), np.array([blocks]))[0])


def clustered_tail_each(ratio: FloatArray, nu: FloatArray, blocks: FloatArray) -> FloatArray:
    """Return `clustered_tail` of each; all have one shape."""
    from scipy import special  # a watched service loads this module, and never calls this

    own, of_mean = 2.0 / nu, 2.0 / (nu * blocks)
    spread = np.sqrt(np.log1p(own) + np.log1p(of_mean))
    is_any = ratio > 0
    centred = np.log(np.where(is_any, ratio, 1.0) / (1.0 + of_mean))
    return np.where(is_any, special.ndtr(-centred / spread - spread / 2), 1.0)


def fit_design_effect(codes: npt.NDArray[np.intp], cells: int) -> DesignEffect:
    """Measure the design effect of a column's chi-square statistic on its own blocks.

    Args:
        codes: the cell of each row in time order, 0 to cells - 1; negative where the row has none.
        cells: how many cells there are.

    Returns:
        The curve over block sizes of 50, 100, 200, 500, ... rows with at least 8 blocks each.
    """
    used = np.bincount(codes[codes >= 0], minlength=cells)
    return fit_effect_of_counts(count_blocks(codes, cells), used)


def fit_effect_of_counts(
    counts: npt.NDArray[np.int64], used: npt.NDArray[np.int64]
) -> DesignEffect:
    """Measure the same on blocks that are counted already.

    Args:
        counts: what `count_blocks` returns, shape (blocks, cells).
        used: counts of all rows, those after the last whole block too, shape (cells,).
    """
    degrees = np.count_nonzero(used) - 1.0
    if degrees < 1:
        return DesignEffect()
    shares = used / used.sum()
    statistics = []
    for size, (blocks,) in larger_blocks(counts):
        rows = blocks.sum(axis=1, keepdims=True)
        part = rows[:, 0] / used.sum()
        statistics.append((size, chi_square_of_blocks(blocks, rows * shares, part)))
    return fit_effect_of_blocks(statistics, degrees)


def chi_square_of_blocks(blocks: FloatArray, expected: FloatArray, share: FloatArray) -> FloatArray:
    """Return the chi-square of each block that holds a value, over its degrees of freedom.

    Args:
        blocks: counts, shape (blocks, cells).
        expected: what the whole stream makes one expect of them, likewise.
        share: how much of the whole stream each block is, in [0, 1): it strays the less from it.
    """
    filled = blocks.any(axis=1)
    used = expected.any(axis=0)
    expected, blocks = expected[filled][:, used], blocks[filled][:, used]
    ratios = np.divide(
        (blocks - expected) ** 2, expected, out=np.zeros_like(expected), where=expected > 0
    )
    return np.asarray(ratios.sum(axis=1) / (used.sum() - 1) / (1 - share[filled]))


def fit_effect_of_blocks(
    statistics: Iterable[tuple[int, FloatArray]], independent: float, least: float = 1.0
) -> DesignEffect:
    """Make the curve of what the blocks' statistics are.

    Args:
        statistics: block sizes in rows, increasing, with the statistic of each block of that size,
            of mean 1 for independent rows.
        independent: degrees of freedom of independent rows, twice over the statistic's variance.
        least: smallest phi.
    """
    curve: list[tuple[int, float, float]] = []
    for size, found in statistics:
        if found.size >= FEWEST_BLOCKS:
            last_nu = curve[-1][2] if curve else independent
            phi, nu = _effect(found, independent, last_nu)
            curve.append((size, max(phi, least, _least(curve, size)), nu))
    if not curve:
        return DesignEffect()
    sizes, phis, nus = zip(*curve, strict=True)
    return DesignEffect(sizes, phis, nus)


def _least(curve: Sequence[tuple[int, float, float]], size: int) -> float:
    """Return what phi is at least, given what it is at smaller sizes.

    The sum over a whole cycle is always the same, so that blocks of whole cycles hardly vary; but
    blocks of a cycle and a half do. Of a cycle, phi falls with the block size and no faster.
    """
    return max((phi * smaller / size for smaller, phi, _ in curve), default=0.0)


def _effect(statistics: FloatArray, independent: float, last_nu: float) -> tuple[float, float]:
    mean = float(statistics.mean())
    independent_error = math.sqrt(2 / (independent * statistics.size))
    if abs(mean - 1) <= DEPENDENCE_Z * independent_error:
        return 1.0, float(independent)
    if statistics.size < FEWEST_BLOCKS_FOR_VARIANCE:
        return mean, last_nu
    variance = float(statistics.var(ddof=1))
    nu = 2 * mean**2 / variance if variance > 0 else independent
    return mean, float(np.clip(nu, min(1.0, independent), independent))


def _between(sizes: tuple[int, ...], values: tuple[float, ...], rows: float) -> float:
    (low, high), (first, last) = sizes, values
    return first + math.log(rows / low) / math.log(high / low) * (last - first)
