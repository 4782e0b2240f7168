"""A metric's value with its 95% interval, and the ways to one.

Each takes a `design_effect`: rows that come in clusters hold less evidence than as many
independent ones, and the number of rows, or the variance, is corrected by that factor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ConfigurationError

__all__ = [
    "Z95",
    "Estimate",
    "check_design_effect",
    "fisher_z_interval",
    "log_interval",
    "logit_interval",
    "mover_mean_interval",
    "normal_interval",
    "wilson_interval",
]

Z95 = 1.959963984540054
"""The normal quantile of a two-sided interval of 95%."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A metric with its 95% interval.

    Attributes:
        value: the metric.
        lower: lower limit, at most `value`.
        upper: upper limit, at least `value`.
        rows: rows that it rests on, 1 or more.
    """

    value: float
    lower: float
    upper: float
    rows: int

    @classmethod
    def of(cls, value: float, interval: Interval, rows: float) -> Estimate:
        """Return an estimate whose interval holds its value, whatever the rounding."""
        low, high = interval
        return cls(float(value), float(min(low, value)), float(max(high, value)), round(rows))

    @property
    def is_finite(self) -> bool:
        """Whether value and limits are finite: sums read from a document may be beyond floats."""
        return all(map(math.isfinite, (self.value, self.lower, self.upper)))


def check_design_effect(design_effect: float) -> None:
    """Refuse what is no positive finite number.

    Raises:
        ConfigurationError: naming the value.
    """
    if not (math.isfinite(design_effect) and design_effect > 0):
        raise ConfigurationError(
            f"design_effect is {design_effect}: give a number above 0, 1.0 for independent rows."
        )


def wilson_interval(successes: float, trials: float, design_effect: float = 1.0) -> Interval:
    """Return Wilson's (1927) score interval of a proportion.

    Args:
        successes: 0 to `trials`.
        trials: above 0.
        design_effect: divides the trials.

    >>> low, high = wilson_interval(8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)
    """
    n = trials / design_effect
    share = successes / trials
    centre = share + Z95**2 / (2 * n)
    half = Z95 * math.sqrt(max(share * (1 - share), 0.0) / n + Z95**2 / (4 * n**2))
    scale = 1 + Z95**2 / n
    return max((centre - half) / scale, 0.0), min((centre + half) / scale, 1.0)


def mover_mean_interval(
    values: npt.ArrayLike, lowers: npt.ArrayLike, uppers: npt.ArrayLike
) -> Interval:
    """Return the interval of the mean of independent estimates from their own intervals.

    The method of variance estimates recovery, Zou and Donner (2008): limits need not be symmetric.

    Args:
        values: the estimates, shape (k,).
        lowers: their lower limits.
        uppers: their upper limits.

    >>> low, high = mover_mean_interval([0.5, 0.7], [0.4, 0.5], [0.6, 0.8])
    >>> round(low, 4), round(high, 4)
    (0.4882, 0.6707)
    """
    centre = np.asarray(values, dtype=np.float64)
    below = np.linalg.norm(centre - np.asarray(lowers)) / centre.size
    above = np.linalg.norm(np.asarray(uppers) - centre) / centre.size
    return float(centre.mean() - below), float(centre.mean() + above)


def normal_interval(
    value: float, error: float, *, lowest: float = -math.inf, highest: float = math.inf
) -> Interval:
    """Return value +- 1.96 standard errors, cut off at the metric's range."""
    return max(value - Z95 * error, lowest), min(value + Z95 * error, highest)


def log_interval(value: float, error: float) -> Interval:
    """Return the interval of a positive quantity, symmetric in its logarithm (delta method)."""
    if value <= 0:
        return value, value
    factor = math.exp(min(Z95 * error / value, 700.0))
    return value / factor, value * factor


def logit_interval(
    value: float, error: float, *, trials: float, design_effect: float = 1.0
) -> Interval:
    """Return the interval of a value in [0, 1], symmetric in its logit (delta method).

    Args:
        value: in [0, 1].
        error: its standard error.
        trials: how many rows of the rarer kind it rests on: where there is no variance to be seen,
            as with perfectly separated classes, Wilson's interval on that many is given.
        design_effect: divides the trials.
    """
    spread = value * (1 - value)
    if error <= 0 or spread <= 0:
        return wilson_interval(min(max(value, 0.0), 1.0) * trials, trials, design_effect)
    factor = math.exp(min(Z95 * error / spread, 700.0))
    odds = value / (1 - value)
    return odds / (odds + factor), odds * factor / (1 + odds * factor)


def fisher_z_interval(value: float, error: float) -> Interval:
    """Return the interval of a correlation in [-1, 1], symmetric in its Fisher z."""
    inside = 1 - value**2
    if inside <= 0:
        return normal_interval(value, error, lowest=-1.0, highest=1.0)
    z, half = math.atanh(value), Z95 * error / inside
    return math.tanh(z - half), math.tanh(z + half)
