"""Plain statistics of one feature, before and now, with intervals of what they are now.

The intervals are of the current value alone, at 95%: rows that come in clusters count as so many
fewer independent ones, by the design effect phi(n) that the baseline's own blocks gave (Rao and
Scott, 1981). They are large-sample ones: below some 30 rows they are too narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.intervals import Z_95, rate_interval, std_ratio_interval
from modelwatch.sketches import Histogram, Moments

__all__ = [
    "Change",
    "Numbers",
    "extreme_changes",
    "mean_change",
    "quantile_change",
    "quantile_effect",
    "rate_change",
    "spread_effect",
    "standard_deviation_change",
]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """One statistic before and now.

    Attributes:
        reference: in the baseline.
        current: now.
        lower: lower bound of the 95% confidence interval of the current value; None where it has
            none, as a minimum and a maximum.
        upper: upper bound, likewise.
    """

    reference: float
    current: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Numbers:
    """The values of one feature on one side.

    Attributes:
        moments: of one value or more.
        histogram: of the same values.
        distinct: whether each bin holds one value, at its upper edge, as of whole numbers.
    """

    moments: Moments
    histogram: Histogram
    distinct: bool = False

    def quantile(self, share: float) -> float:
        """Return a quantile: linear within a bin, or a value where bins hold one each.

        Args:
            share: in [0, 1].
        """
        low, high = self.moments.minimum, self.moments.maximum
        if not self.distinct:
            return float(self.histogram.quantiles(np.array([share]), low, high)[0])
        heights = np.cumsum(self.histogram.counts)
        # Shares are of whole rows: what rounding adds must not lead to the next value.
        at = int(np.searchsorted(heights, share * heights[-1] - 1e-9, side="left"))
        at = max(at, int(np.flatnonzero(heights)[0]))
        edges = self.histogram.bin_edges
        return float(np.clip(edges[at], low, high)) if at < edges.size else high


def mean_change(reference: Moments, current: Moments, noise: float) -> Change:
    """Return the mean, with the interval by its standard error.

    Args:
        reference: of one value or more.
        current: likewise; with one value there is no interval.
        noise: phi(n) / n of the current values: 1 / n where rows are independent.

    >>> before, now = Moments(), Moments()
    >>> before.update(np.arange(11.0)); now.update(np.arange(101.0))
    >>> mean_change(before, now, 1 / 101)
    Change(reference=5.0, current=50.0, lower=44.28..., upper=55.71...)
    """
    if current.n < 2:
        return Change(reference.mean, current.mean)
    error = Z_95 * current.standard_deviation * math.sqrt(noise)
    return Change(reference.mean, current.mean, current.mean - error, current.mean + error)


def standard_deviation_change(
    reference: Moments, current: Moments, kurtosis: float | None, noise: float
) -> Change:
    """Return the standard deviation, with the interval that the kurtosis gives it.

    The fourth moment is the baseline's: where the tails have changed too, the interval is off by
    as much. See `std_ratio_interval` for the formula.

    Args:
        reference: of two values or more.
        current: likewise.
        kurtosis: fourth moment over squared variance, 1 or more; None gives no interval.
        noise: phi(n) / n of the current values.
    """
    before, now = reference.standard_deviation, current.standard_deviation
    if kurtosis is None:
        return Change(before, now)
    return Change(before, now, *std_ratio_interval(now, kurtosis, noise))


def extreme_changes(reference: Moments, current: Moments) -> tuple[Change, Change]:
    """Return minimum and maximum, exact and without an interval: no law of theirs is known.

    Args:
        reference: of one value or more.
        current: likewise.
    """
    return (
        Change(reference.minimum, current.minimum),
        Change(reference.maximum, current.maximum),
    )


def quantile_change(share: float, reference: Numbers, current: Numbers, noise: float) -> Change:
    """Return a quantile, with Woodruff's interval.

    The quantile's bounds are the quantiles at p -+ z sqrt(p (1 - p) phi(n) / n): what the
    distribution function there may truly be (Journal of the American Statistical Association,
    1952). All are read off the histogram, so that a bound is off by as much as the values stray
    from an even spread within one bin.

    Args:
        share: p, in (0, 1).
        reference: of one value or more.
        current: likewise.
        noise: phi(n) / n of the current values.
    """
    error = Z_95 * math.sqrt(share * (1 - share) * noise)
    return Change(
        reference.quantile(share),
        current.quantile(share),
        current.quantile(max(share - error, 0.0)),
        current.quantile(min(share + error, 1.0)),
    )


def rate_change(reference: float, current: float, noise: float) -> Change:
    """Return a share of rows, with Wilson's interval.

    Args:
        reference: in [0, 1].
        current: in [0, 1].
        noise: phi(n) / n of the current rows.

    >>> rate_change(0.1, 0.0, 1 / 100)
    Change(reference=0.1, current=0.0, lower=0.0, upper=0.0369...)
    """
    return Change(reference, current, *rate_interval(current, 1 / noise))


def quantile_effect(share: float, location: float, cells: float) -> float:
    """Return the design effect of the share of values below a quantile.

    The normal score has the share phi(z)^2 / (p (1 - p)) of that variable's variance, phi being the
    normal density at the quantile z: as much goes by the score's design effect, the rest by that of
    the cells. On autoregressions of .5 to .99, and on levels that change every 500 rows, this is
    within a fifth of what was measured, where the score's own is up to three times as large.

    Args:
        share: p, in (0, 1).
        location: design effect of the mean normal score, at the window's size.
        cells: of chi-square on deciles, likewise.

    >>> quantile_effect(0.5, 1.0, 1.0), round(quantile_effect(0.05, 18.6, 4.3), 1)
    (1.0, 7.5)
    """
    from scipy import special  # a watched service loads this module, and never calls this

    density = math.exp(-(float(special.ndtri(share)) ** 2) / 2) / math.sqrt(2 * math.pi)
    of_score = density**2 / (share * (1 - share))
    return of_score * location + (1 - of_score) * cells


def spread_effect(location: float, cells: float) -> float:
    """Return the design effect of the standard deviation.

    Of a normal process whose correlations fall off evenly it is half that of the mean, as those of
    squares fall off twice as fast; of one whose spread itself comes and goes the cells tell.

    Args:
        location: design effect of the mean normal score, at the window's size.
        cells: of chi-square on deciles, likewise.

    >>> spread_effect(1.0, 1.0), spread_effect(18.6, 4.3)
    (1.0, 9.8)
    """
    return max((1 + location) / 2, cells)
