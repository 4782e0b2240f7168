"""Confidence intervals of effects, from summaries of rows that may come in clusters.

In all of them `noise` is phi(n)/n + phi(m)/m of the current and reference rows, where phi is the
design effect: its inverse is the number of independent rows that would tell as much. Those whose
name ends in "each" take and return arrays, or numbers and arrays of one shape.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = [
    "Interval",
    "ks_interval",
    "ks_interval_each",
    "mean_shift_interval",
    "mean_shift_interval_each",
    "psi_interval",
    "psi_interval_each",
    "rate_interval",
    "rate_interval_each",
    "std_ratio_interval",
    "std_ratio_interval_each",
]

Interval = tuple[float, float]
FloatArray = npt.NDArray[np.float64]
Numbers = float | FloatArray
Bounds = tuple[FloatArray, FloatArray]

Z_95 = 1.959963984540054
"""Two-sided 95% point of the normal law."""

KOLMOGOROV_95 = 1.3581015157406195
"""95% point of Kolmogorov's law."""


def psi_interval(
    index: float, degrees: float, noise: float, *, nu: float | None = None, z: float = Z_95
) -> Interval:
    """Return the interval of the population stability index, its noise floor taken off.

    The index over `noise` is about noncentral chi-square; its square root, shifted by (degrees -
    1) / 2 within, is about normal of variance 1 (Sankaran, Biometrika, 1959).

    Args:
        index: as measured, 0 or more.
        degrees: cells less one, 1 or more.
        noise: above 0.
        nu: degrees of freedom of clustered rows, at most `degrees`; those where None.
        z: normal quantile of the confidence wanted.

    Returns:
        Lower and upper bound, 0 or more.

    >>> [round(bound, 3) for bound in psi_interval(0.3, 9, 1 / 1000)]
    [0.228, 0.363]
    """
    return _floats(psi_interval_each(index, degrees, noise, degrees if nu is None else nu, z=z))


def psi_interval_each(
    index: Numbers, degrees: Numbers, noise: Numbers, nu: Numbers, *, z: float = Z_95
) -> Bounds:
    """Return `psi_interval` of each."""
    unit = noise * degrees / nu
    middle = (nu - 1) / 2
    root = np.sqrt(np.maximum(index / unit - middle, 0.0))
    low, high = np.maximum(root - z, 0.0), root + z
    return np.maximum(low**2 - middle, 0.0) * unit, np.maximum(high**2 - middle, 0.0) * unit


def mean_shift_interval(
    shift: float, std_ratio: float, current_noise: float, reference_noise: float
) -> Interval:
    """Return the interval of a change of the mean, in reference standard deviations.

    Args:
        shift: as measured.
        std_ratio: current over reference standard deviation.
        current_noise: phi(n)/n.
        reference_noise: phi(m)/m.

    >>> [round(bound, 3) for bound in mean_shift_interval(0.1, 1.0, 1e-3, 1e-4)]
    [0.035, 0.165]
    """
    return _floats(mean_shift_interval_each(shift, std_ratio, current_noise, reference_noise))


def mean_shift_interval_each(
    shift: Numbers, std_ratio: Numbers, current_noise: Numbers, reference_noise: Numbers
) -> Bounds:
    """Return `mean_shift_interval` of each."""
    error = Z_95 * np.sqrt(std_ratio**2 * current_noise + reference_noise)
    return shift - error, shift + error


def std_ratio_interval(ratio: float, kurtosis: float, noise: float) -> Interval:
    """Return the interval of the ratio of two standard deviations.

    The logarithm of a standard deviation has about the variance (kurtosis - 1) / (4 n), by the
    delta method.

    Args:
        ratio: as measured, above 0.
        kurtosis: fourth moment over squared variance, 3 for normal values, 1 or more.
        noise: above 0.

    >>> [round(bound, 3) for bound in std_ratio_interval(1.0, 3.0, 1e-3)]
    [0.957, 1.045]
    """
    return _floats(std_ratio_interval_each(ratio, kurtosis, noise))


def std_ratio_interval_each(ratio: Numbers, kurtosis: Numbers, noise: Numbers) -> Bounds:
    """Return `std_ratio_interval` of each."""
    error = np.exp(Z_95 * np.sqrt(np.maximum(kurtosis - 1.0, 0.0) / 4 * noise))
    return ratio / error, ratio * error


def rate_interval(rate: float, rows: float) -> Interval:
    """Return Wilson's interval of a share (Journal of the American Statistical Association, 1927).

    Args:
        rate: in [0, 1].
        rows: above 0; divided by the design effect where they come in clusters.

    >>> [round(bound, 4) for bound in rate_interval(0.0, 100)]
    [0.0, 0.037]
    """
    return _floats(rate_interval_each(rate, rows))


def rate_interval_each(rate: Numbers, rows: Numbers) -> Bounds:
    """Return `rate_interval` of each."""
    square = Z_95**2 / rows
    middle = (rate + square / 2) / (1 + square)
    error = np.sqrt(rate * (1 - rate) * square + square**2 / 4) / (1 + square)
    return np.maximum(middle - error, 0.0), np.minimum(middle + error, 1.0)


def ks_interval(statistic: float, noise: float) -> Interval:
    """Return the interval of the largest difference of two distribution functions.

    By the band of Kolmogorov about each of them: somewhat wide.

    >>> [round(bound, 3) for bound in ks_interval(0.1, 1e-3)]
    [0.057, 0.143]
    """
    return _floats(ks_interval_each(statistic, noise))


def ks_interval_each(statistic: Numbers, noise: Numbers) -> Bounds:
    """Return `ks_interval` of each."""
    error = KOLMOGOROV_95 * np.sqrt(noise)
    return np.maximum(statistic - error, 0.0), np.minimum(statistic + error, 1.0)


def _floats(bounds: Bounds) -> Interval:
    low, high = bounds
    return float(low), float(high)
